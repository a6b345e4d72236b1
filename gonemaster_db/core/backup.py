"""Backups of an SQLite database in use."""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.session import Store


def back_up(store: Store, path: Path) -> int:
    """Copy the database to a new file that only its owner can read; return its size in bytes.

    Other connections can read and write in the meantime. The file appears when it is complete and synchronised to disk.

    Raises: StoreError: The database is not SQLite, the file exists, or it cannot be written; no partial file remains.
    """
    if store.engine.dialect.name != "sqlite":
        raise StoreError("the database is PostgreSQL: use pg_dump or pg_basebackup")
    if path.exists():
        raise StoreError(f"{path} already exists; choose a new file")
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise StoreError(f"{path.parent}: {error.strerror}") from error
    part = Path(name)
    try:
        _copy(store, part)
        os.fsync(descriptor)  # SQLite writes into an existing empty file, so this is the backup.
        part.rename(path)
        _sync_directory(path.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: {error}") from error
    finally:
        os.close(descriptor)
        part.unlink(missing_ok=True)
    return path.stat().st_size


def _copy(store: Store, part: Path) -> None:
    with closing(store.engine.raw_connection()) as connection:
        raw = connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101  # SQLite's driver is this one
        raw.execute("VACUUM INTO ?", (str(part),))


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
