"""DuckDB: connections with limits of memory and disk, and the errors of files that it cannot read.

duckdb is imported with the first use, because it is an extra.
"""

import errno
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gonemaster_db.core.errors import FilesUnavailable, StoreFull

MEMORY_BYTES = 2**30
_PREFIX, _LOCK = "gonemaster-duckdb-", "lock"


class FilesUnreadable(FilesUnavailable):
    """A file of the analysis is missing, damaged or of another version; the message names it and the remedy."""


class DuckDbFailed(FilesUnavailable):
    """DuckDB could not perform a statement, usually because memory or disk was not enough."""


@dataclass(frozen=True, slots=True)
class DuckDbLimits:
    """The resources of DuckDB in a process: data beyond `memory_bytes` goes to `spill` (default: temporary folder)."""

    memory_bytes: int = MEMORY_BYTES
    spill: Path | None = None
    threads: int = 2


def check_duckdb() -> None:
    """Check that the extra is installed.

    Raises:
        DuckDbFailed: it is not.
    """
    for name in ("duckdb", "duckdb_engine", "pyarrow"):
        if find_spec(name) is None:
            raise DuckDbFailed(f"views in files need {name}: pip install 'gonemaster[analytics]'")


def open_database(path: str, limits: DuckDbLimits, folder: Path) -> Any:
    """Open a database with limits; `folder` is the folder for data that memory does not hold.

    DuckDB loads no extension. Raises DuckDbFailed.
    """
    check_duckdb()
    import duckdb

    options: dict[str, Any] = {
        "memory_limit": f"{limits.memory_bytes // 1024}KiB",
        "threads": limits.threads,
        "temp_directory": str(folder),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with translated():
        connection = duckdb.connect(path, config=options)
        connection.execute("SET TimeZone = 'UTC'")
        return connection


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def files_literal(paths: list[str]) -> str:
    """Return paths as an SQL list of exact names: characters of patterns do not match other files."""
    return "[" + ", ".join(literal("".join(f"[{c}]" if c in "*?[" else c for c in path)) for path in paths) + "]"


@contextmanager
def translated() -> Iterator[None]:
    """Translate errors of DuckDB. Raises DuckDbFailed, FilesUnreadable, StoreFull."""
    import duckdb

    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        text = reason_of(error)
        if "No space left" in text or "max_temp_directory_size" in text or os.strerror(errno.EDQUOT) in text:
            raise StoreFull(f"{text}; free space, or set analytics.spill_folder") from error
        if isinstance(error, duckdb.OutOfMemoryException):
            raise DuckDbFailed(f"{text}; raise analytics.memory_limit") from error
        raise FilesUnreadable(text) from error
    except duckdb.Error as error:
        # Errors of the decoder of Parquet have no separate class.
        if type(error) is duckdb.Error or isinstance(error, _damages()):
            raise FilesUnreadable(reason_of(error)) from error
        raise


def _damages() -> tuple[type[Exception], ...]:
    import duckdb

    return duckdb.InvalidInputException, duckdb.SerializationException, duckdb.BinderException


def reason_of(error: Exception) -> str:
    """Return the first line of an error without its kind."""
    return str(error).strip().partition("\n")[0].rpartition("Error: ")[2][:500]


@contextmanager
def spill_folder(limits: DuckDbLimits) -> Iterator[Path]:
    """Create a folder for one DuckDB database and remove it at the end, as well as those of killed processes.

    Raises:
        DuckDbFailed: the folder cannot be created.
    """
    above = limits.spill or Path(tempfile.gettempdir())
    folder = above / f"{_PREFIX}{secrets.token_hex(8)}"
    try:
        above.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(above)
        folder.mkdir(mode=0o700)
        descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise DuckDbFailed(f"analytics.spill_folder: {above}: {error.strerror or error}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _remove_abandoned(above: Path) -> None:
    """Remove folders whose process no longer holds the lock."""
    for folder in above.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)
