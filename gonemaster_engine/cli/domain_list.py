"""The domains to test: those of the command line, then those of a file, which is read as needed."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple

from gonemaster_engine import names
from gonemaster_engine.cli.options import PROGRAM
from gonemaster_engine.errors import EngineError, InvalidDomain

STANDARD_INPUT = Path("-")
_CHUNK_OCTETS = 65536
_LINE_MAX_OCTETS = 4096  # longer than any text that is a name
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ListError(EngineError):
    """The file with the domains cannot be read."""


class Listed(NamedTuple):
    """A domain and the line of the file that contains it; 1 for a domain of the command line."""

    domain: str
    line: int = 1


class DomainList:
    """Yields domains in their order. The file has one domain a line; `#` starts a comment.

    Only a part of the file is in memory, so that a file may have any length. A line that is not a domain name is
    reported on standard error and counted in `invalid`.
    """

    def __init__(self, typed: Sequence[str], file: Path | None) -> None:
        self._typed = typed
        self._name = "standard input" if file == STANDARD_INPUT else str(file)
        self._descriptor = None if file is None else _opened(file)
        self.invalid = 0

    def __aiter__(self) -> AsyncIterator[Listed]:
        return self._domains()

    async def _domains(self) -> AsyncIterator[Listed]:
        for domain in self._typed:
            yield Listed(domain)
        if self._descriptor is None:
            return
        number = 0
        async for line in _lines(self._descriptor):
            number += 1
            if text := line.removeprefix(_BYTE_ORDER_MARK if number == 1 else b"").partition(b"#")[0].strip():
                try:
                    domain = names.normalize_domain(text.decode(errors="replace"))
                except InvalidDomain as error:
                    self.invalid += 1
                    print(f"{PROGRAM}: {self._name}, line {number}: {error}", file=sys.stderr)
                else:
                    yield Listed(domain, number)

    def count(self) -> int | None:
        """Return the number of lines; None if it is unknown, because the file is a pipe or a terminal."""
        if self._descriptor is None:
            return len(self._typed)
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            return None
        start, lines = os.lseek(self._descriptor, 0, os.SEEK_CUR), 0
        while chunk := os.read(self._descriptor, _CHUNK_OCTETS):
            lines += chunk.count(b"\n")
        os.lseek(self._descriptor, start, os.SEEK_SET)
        return len(self._typed) + lines

    def close(self) -> None:
        """Close the file."""
        if self._descriptor:  # not standard input
            os.close(self._descriptor)


def _opened(file: Path) -> int:
    if file == STANDARD_INPUT:
        return 0
    try:
        descriptor = os.open(file, os.O_RDONLY)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise IsADirectoryError(0, "Is a directory")
    except OSError as error:
        raise ListError(f"cannot read {file}: {error.strerror}") from error
    return descriptor


async def _lines(descriptor: int) -> AsyncIterator[bytes]:
    """Yield lines; of a line that is too long, only the beginning is kept."""
    rest = b""
    while chunk := await _read(descriptor):
        *lines, rest = (rest[: _LINE_MAX_OCTETS + 1] + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest


async def _read(descriptor: int) -> bytes:
    """Wait until there is something to read, without a thread, which could not be interrupted, and read it."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except PermissionError:  # epoll refuses regular files, which can always be read
        await asyncio.sleep(0)
        return os.read(descriptor, _CHUNK_OCTETS)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
    return os.read(descriptor, _CHUNK_OCTETS)
