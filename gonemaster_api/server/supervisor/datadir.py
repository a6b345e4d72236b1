"""The data directory of the embedded parts: private, and used by one server at a time."""

import fcntl
import os
import stat
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger(__name__)

_OTHERS = 0o077
_OURS = frozenset(
    {"server.lock", "normal-runs.lock", "redis", "gonemaster.db", "gonemaster.db-wal", "gonemaster.db-shm"}
)
_ADVICE = "change its owner and set its mode to 0700, or choose another directory with --data-dir"


class DataDirInUse(Exception):
    """Another server uses the directory."""


class DataDirRefused(Exception):
    """Other users could read or change the contents of the directory; the message contains the remedy."""


def prepare(data_dir: Path) -> None:
    """Create the directory for its owner only, or remove the permissions of other users from an existing one.

    The socket of the embedded broker and the database are as private as their directory.

    Raises:
        DataDirRefused: the directory is open to other users and contains other files, or belongs to another user.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = data_dir.stat()
    if found.st_uid != os.geteuid():
        raise DataDirRefused(f"{data_dir} belongs to another user: {_ADVICE}")
    if found.st_mode & _OTHERS:
        if found.st_mode & stat.S_ISVTX or not _is_ours(data_dir):
            raise DataDirRefused(f"{data_dir} is accessible to other users and contains other files: {_ADVICE}")
        data_dir.chmod(0o700)
        log.warning("the data directory was accessible to other users; its mode is now 0700", path=str(data_dir))
    for path in data_dir.iterdir():
        if path.name in _OURS and not path.is_symlink() and path.stat().st_mode & _OTHERS:
            path.chmod(0o700 if path.is_dir() else 0o600)


def _is_ours(data_dir: Path) -> bool:
    names = {path.name for path in data_dir.iterdir()}
    return not names or bool(names & _OURS)


def lock(data_dir: Path) -> IO[str]:
    """Lock the directory for this process. The lock is held while the returned file is open.

    Raises:
        DataDirInUse: another process holds the lock; the message names the process.
    """
    path = data_dir / "server.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    file = os.fdopen(descriptor, "a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise DataDirInUse(
            f"the data directory {data_dir} is in use by another gonemaster-server (process {owner});"
            " stop that one, or name another directory with --data-dir"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
