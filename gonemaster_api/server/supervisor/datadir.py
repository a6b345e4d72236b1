"""The directory of the embedded parts: private, and used by one server at a time."""

import fcntl
import os
from pathlib import Path
from typing import IO


class DataDirInUse(Exception):
    """Another server uses the directory."""


def prepare(data_dir: Path) -> None:
    """Make the directory, readable by its owner only."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)


def lock(data_dir: Path) -> IO[str]:
    """Reserve the directory for this process; the lock lives as long as the file returned stays open.

    Raises:
        DataDirInUse: another process has it; the message names the process.
    """
    path = data_dir / "server.lock"
    file = path.open("a+", encoding="ascii")
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
