"""The normal runs in progress, of this process and of the other worker processes of the machine."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from pathlib import Path
from time import monotonic
from typing import Final

CHECK_EVERY_S: Final = 0.02
_FLOCK: Final = struct.Struct("hhqqi")  # `struct flock` of Linux: type, whence, start, length, process
_WHOLE: Final = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)


class NormalRuns:
    """The normal runs in progress, for which batch runs rest. Processes that share a lock file see each other's runs.

    A process with normal runs holds a shared lock, which the kernel removes when the process ends. The other processes
    test the lock, but never acquire it, so no process waits for another one. Use one object per process and file.
    """

    __slots__ = ("_check_at", "_descriptor", "_in_others", "count")

    def __init__(self, lock_file: Path | None = None) -> None:
        self.count = 0  # in this process
        self._descriptor = -1
        self._check_at = 0.0
        self._in_others = False
        if lock_file and sys.platform == "linux":
            self._descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def begin(self) -> None:
        """Count a normal run."""
        self.count += 1
        if self.count == 1 and self._descriptor >= 0:
            fcntl.lockf(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def end(self) -> None:
        """Count the end of a normal run."""
        self.count -= 1
        if not self.count and self._descriptor >= 0:
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    @property
    def in_progress(self) -> bool:
        """Whether any process has a normal run in progress; for other processes as of the last 20 ms."""
        if self.count or self._descriptor < 0:
            return self.count > 0
        now = monotonic()
        if now >= self._check_at:
            self._check_at = now + CHECK_EVERY_S
            holder = _FLOCK.unpack_from(fcntl.fcntl(self._descriptor, fcntl.F_GETLK, _WHOLE))
            self._in_others = holder[0] != fcntl.F_UNLCK
        return self._in_others

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
