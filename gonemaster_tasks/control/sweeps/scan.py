"""The first reading of a sweep: which lines become jobs, which are empty, invalid or duplicates.

Duplicates are found on disk: the digest of each name goes to one of 256 temporary files, chosen by the digest, and each
file is then searched on its own. Memory holds one bit per line, and the digests of one file.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.sweeps.source import Line, name_of
from gonemaster_tasks.errors import SourceInvalid

MAX_REPORTED = 100
_FILES = 256
_DIGEST = 16  # bytes; of 100 million names, two equal digests of different names have a probability of 1 in 10^23
_LINE = 5  # bytes of a line number
_ENTRY = _DIGEST + _LINE
_BUFFER = 32 * 1024  # bytes per file that are collected before they are written
_NAMES = 5000  # names that are passed on at once


class BitMap:
    """A growing set of line numbers, one bit per line."""

    def __init__(self, content: bytes = b"") -> None:
        self._bits = bytearray(content)

    def add(self, number: int) -> None:
        """Add a number."""
        index = number >> 3
        if index >= len(self._bits):
            self._bits.extend(bytes(index + 1 - len(self._bits) + 65_536))
        self._bits[index] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        index = number >> 3
        return index < len(self._bits) and bool(self._bits[index] & 1 << (number & 7))

    def content(self) -> bytes:
        """Return the bits."""
        return bytes(self._bits)


@dataclass
class Scanned:
    """What was found in the lines of a source."""

    lines: int = 0
    names: int = 0  # without duplicates
    skipped: BitMap = field(default_factory=BitMap)
    duplicates: list[int] = field(default_factory=list)  # lines of the first ones
    duplicate_count: int = 0
    invalid: list[Mapping[str, Any]] = field(default_factory=list)
    invalid_count: int = 0


def scan(
    lines: Iterable[Line],
    *,
    max_lines: int,
    directory: Path | None = None,
    check_names: Callable[[list[str]], object] = lambda _: None,
    keep_going: Callable[[], bool] = lambda: True,
) -> Scanned | None:
    """Read all lines; return None if `keep_going`, which is called every few thousand names, returns False.

    Temporary files are in `directory`. `check_names` gets all names, some at a time.

    Raises:
        SourceInvalid: there are too many lines, or the disk of the temporary files is full.
    """
    try:
        with Digests(directory) as digests:
            found = Scanned()
            for names in _valid_names(lines, found, digests, max_lines):
                check_names(names)
                if not keep_going():
                    return None
            for number in digests.repeated(keep_going):
                found.skipped.add(number)
                found.duplicate_count += 1
                if len(found.duplicates) < MAX_REPORTED:
                    found.duplicates.append(number)
            found.names -= found.duplicate_count
            found.duplicates.sort()
            return found if keep_going() else None
    except OSError as error:
        text = Text(
            "the temporary files of {names} names cannot be written: {reason}; free space in {folder}",
            names=max_lines,
            reason=error.strerror or str(error),
            folder=directory or tempfile.gettempdir(),
        )
        raise SourceInvalid(text) from error


def _valid_names(lines: Iterable[Line], found: Scanned, digests: "Digests", max_lines: int) -> Iterator[list[str]]:
    names: list[str] = []
    for line in lines:
        found.lines = line.number
        if line.number > max_lines:
            text = Text("line {number}: at most {limit} lines are allowed", number=line.number, limit=max_lines)
            raise SourceInvalid(text)
        try:
            name = name_of(line.content)
        except InvalidDomain as error:
            found.skipped.add(line.number)
            found.invalid_count += 1
            if len(found.invalid) < MAX_REPORTED:
                found.invalid.append(_invalid(line, error))
            continue
        if not name:
            found.skipped.add(line.number)
            continue
        digests.add(name, line.number)
        found.names += 1
        names.append(name)
        if len(names) == _NAMES:
            yield names
            names = []
    yield names


def _invalid(line: Line, error: InvalidDomain) -> Mapping[str, Any]:
    shown = line.content[:255].decode("utf-8", "backslashreplace").replace("\0", "\\0")
    return {"index": line.number - 1, "domain": shown, "reason": error.reason, "place": str(line.place)}


class Digests:
    """The digests of names in temporary files."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self._files: list[BinaryIO] = []
        self._buffers = [bytearray() for _ in range(_FILES)]

    def __enter__(self) -> Self:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="gonemaster-sweep-", dir=self._directory))
        for number in range(_FILES):
            self._files.append(self._stack.enter_context((Path(folder) / str(number)).open("w+b")))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, name: str, line: int) -> None:
        """Add a name in A-label form."""
        digest = hashlib.blake2b(name.encode("ascii"), digest_size=_DIGEST).digest()
        buffer = self._buffers[digest[0]]
        buffer += digest + line.to_bytes(_LINE, "big")
        if len(buffer) >= _BUFFER:
            self._files[digest[0]].write(buffer)
            buffer.clear()

    def repeated(self, keep_going: Callable[[], bool]) -> Iterator[int]:
        """Yield the lines whose name is also on an earlier line."""
        for file, buffer in zip(self._files, self._buffers, strict=True):
            file.write(buffer)
            buffer.clear()
            file.seek(0)
            yield from _repeated(file.read())
            if not keep_going():
                return


def _repeated(content: bytes) -> Iterator[int]:
    seen = set[bytes]()
    for start in range(0, len(content), _ENTRY):
        digest = content[start : start + _DIGEST]
        if digest in seen:
            yield int.from_bytes(content[start + _DIGEST : start + _ENTRY], "big")
        seen.add(digest)
