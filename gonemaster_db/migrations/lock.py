"""Makes sure that only one process migrates at a time; the lock is released however that process ends."""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

log = logging.getLogger(__name__)
_KEY = 7_305_808_869_232_243_317  # key of an advisory lock, arbitrary but used by no other program


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Hold a lock over several transactions that is released if this process or its connection dies."""
    if connection.dialect.name == "postgresql":
        with _advisory_lock(connection):
            yield
    else:
        # A separate file, because closing a descriptor of the database would drop SQLite's own locks.
        with _file_lock(Path(f"{connection.engine.url.database}-migration")):
            yield


@contextmanager
def _advisory_lock(connection: Connection) -> Iterator[None]:
    key = {"key": _KEY}
    if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar_one():
        _log_wait()
        connection.execute(text("SELECT pg_advisory_lock(:key)"), key)
    connection.commit()
    try:
        yield
    except BaseException:
        connection.invalidate()  # The server releases the lock when the connection is closed, in any state.
        raise
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)
    connection.commit()


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    descriptor = _lock(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # Removed while it is locked, so that no process waits for a removed file.
        os.close(descriptor)


def _lock(path: Path) -> int:
    """Open and lock a file, and retry if the previous holder of the lock has removed it."""
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _log_wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is_same_file(path, descriptor):
            return descriptor
        os.close(descriptor)


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _log_wait() -> None:
    log.info("waiting for another process that is migrating the database")
