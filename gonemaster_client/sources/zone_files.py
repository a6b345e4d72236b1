"""The delegated names of a zone file (RFC 1035 section 5), such as those of ICANN's CZDS: the owners of NS records.

A zone file of a top-level domain has tens of millions of lines, so it is read line by line, and only owner and type of
a record are parsed.
"""

import re
from collections.abc import Iterable, Iterator

from gonemaster_client.sources.files import SourceError, open_source

_SPECIAL = re.compile(rb'[()";]')
# A record as CZDS writes it: an absolute owner, perhaps TTL and class in this order, and the type. Nearly all lines of
# a large file have this form, so it is matched first.
_PLAIN = re.compile(rb"([^\s()\";$@\\]+)\.[ \t]+(?:\d+[ \t]+)?(?:[Ii][Nn][ \t]+)?([A-Za-z]\w*)[ \t]")
_TTL = re.compile(rb"\d+[0-9SMHDWsmhdw]*\Z")
_CLASSES = frozenset((b"IN", b"CH", b"HS", b"CS"))
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"|\\.', re.DOTALL)
_MAX_RECORD = 1 << 20  # a parenthesis that is never closed must not fill the memory


def delegated_names(path: str) -> Iterator[str]:
    """Yield the owners of NS records below the apex, without the final dot; a name can occur repeatedly.

    Raises:
        SourceError: the file cannot be read, or is no complete zone.
    """
    with open_source(path) as lines:
        yield from _Reader(path).read(lines)


class _Reader:
    """The state while a zone file is read: origin, apex and the owner of the last record."""

    def __init__(self, path: str) -> None:
        self._path, self._origin, self._owner, self._apex = path, b"", b"", b""
        self._line = 0

    def read(self, lines: Iterable[bytes]) -> Iterator[str]:
        written = last = b""
        for record in self._records(lines):
            found = _PLAIN.match(record)
            if found and (kind := found[2].upper()) not in _CLASSES:
                if found[1] != written:
                    written = found[1]
                    self._owner = written.lower()
            else:
                kind, written = self._parse(record), b""
            if kind == b"SOA" and not self._apex:
                self._apex = self._owner
            elif kind == b"NS" and self._owner not in (self._apex, last):
                if not self._apex:
                    raise self._error("has an NS record before the SOA record: the begin of the zone is missing")
                last = self._owner
                yield last.decode("ascii", "backslashreplace")
        if not self._apex:
            raise self._error("has no SOA record: it is no zone file")

    def _records(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield records without comments; the lines of a record in parentheses are joined."""
        held, depth = b"", 0
        for self._line, line in enumerate(lines, 1):
            if not held and not _SPECIAL.search(line):
                yield line
                continue
            plain = _QUOTED.sub(b"x", line).partition(b";")[0]
            depth += plain.count(b"(") - plain.count(b")")
            held += plain.replace(b"(", b" ").replace(b")", b" ")
            if depth < 0 or len(held) > _MAX_RECORD:
                raise self._error("has parentheses that do not match")
            if depth == 0:
                yield held
                held = b""
        if held:
            raise self._error("ends inside of parentheses: the file is not complete")

    def _parse(self, record: bytes) -> bytes:
        """Set the owner of a record, and return its type; empty if the line has no record."""
        if record[:1] == b"$":
            self._control(record)
            return b""
        words = record.split(None, 4)
        if words and record[:1] not in b" \t":
            self._owner = self._absolute(words.pop(0))
        return self._type_of(words)

    def _control(self, record: bytes) -> None:
        name, *values = record.split()
        if name.upper() == b"$ORIGIN" and values:
            self._origin = self._absolute(values[0])
        elif name.upper() != b"$TTL":
            raise self._error(f"has {name.decode('ascii', 'replace')}, which is not supported")

    def _absolute(self, name: bytes) -> bytes:
        """Return a name in lower case without its final dot."""
        if name == b"@":
            return self._origin
        if name.endswith(b".") and not name.endswith(b"\\."):
            return name[:-1].lower()
        return name.lower() + (b"." + self._origin if self._origin else b"")

    def _type_of(self, words: list[bytes]) -> bytes:
        """Return the type of a record: the first word that is neither a TTL nor a class."""
        for word in words:
            upper = word.upper()
            if upper not in _CLASSES and not _TTL.match(word):
                return upper
        return b""

    def _error(self, text: str) -> SourceError:
        return SourceError(f"{self._path}: line {self._line}: the file {text}")
