"""Read a zone file (RFC 1035 section 5) with the place of each error, and with limits for files of strangers."""

from __future__ import annotations

import io
import re
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.zonefile

from gonemaster_engine.errors import EngineError
from gonemaster_engine.zonefile.contents import ZoneContents

MAX_ERRORS = 20  # after which the rest of the file is not read
_TOO_SHORT = "a field is missing"
_CAUGHT = re.compile(r"caught exception <class '[^']*'>: ")
_BESIDE_CNAME = frozenset({dns.rdatatype.NSEC, dns.rdatatype.RRSIG, dns.rdatatype.KEY, dns.rdatatype.NSEC3})


class AliasConflict(dns.exception.SyntaxError):
    """An alias (CNAME) cannot have other data, or another target."""

    msg = "an alias (CNAME) cannot have other data, or another target"


class ZoneTooLarge(EngineError):
    """The zone exceeds a limit."""


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What a file may contain. `$GENERATE` counts with the records that it makes."""

    max_octets: int = 256 * 1024 * 1024
    max_records: int = 2_000_000
    max_rdata_octets: int = 512 * 1024 * 1024
    allows_include: bool = True


FILES_OF_STRANGERS = FileLimits(
    max_octets=1024 * 1024, max_records=20_000, max_rdata_octets=4 * 1024 * 1024, allows_include=False
)


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A line that is not as it should be; the column is unknown in an included file."""

    tag: str
    line: int
    column: int | None
    reason: str
    file: str = ""


@dataclass(slots=True)
class ZoneFile:
    """The records of a file, and what is wrong with its lines."""

    contents: ZoneContents
    problems: list[LineProblem] = field(default_factory=list)


class _Tokenizer(dns.tokenizer.Tokenizer):
    """Knows where the last token begins, as an offset into the text."""

    start = 0

    def skip_whitespace(self) -> int:
        skipped = super().skip_whitespace()
        self.start = self.file.tell() - (1 if self.ungotten_char else 0)
        return skipped


class _ZoneReader(dns.zonefile.Reader):
    """Reports records outside of the zone, which dnspython ignores."""

    def __init__(self, tokenizer: _Tokenizer, records: _Records, *, allow_include: bool) -> None:
        super().__init__(tokenizer, dns.rdataclass.IN, records, allow_include=allow_include)  # type: ignore[arg-type]
        self.outside: list[tuple[dns.name.Name, tuple[str, int]]] = []

    def close(self) -> None:
        """Close the included files that an error has left open."""
        for file in (self.current_file, *(state[3] for state in self.saved_state)):
            if file is not None:
                file.close()

    def _eat_line(self) -> None:
        if len(self.outside) < MAX_ERRORS and self.last_name is not None:
            self.outside.append((self.last_name, self.tok.where()))
        super()._eat_line()  # type: ignore[no-untyped-call]


class _Records:
    """Receives the records of dnspython's reader, whose own transaction copies an RRset for each of its records."""

    def __init__(self, contents: ZoneContents, limits: FileLimits) -> None:
        self.manager = self
        self._contents = contents
        self._limits = limits
        self._rdata_octets = 0

    def origin_information(self) -> tuple[dns.name.Name, bool, dns.name.Name]:
        return self._contents.origin, False, self._contents.origin

    def check_put_rdataset(self, check: Any) -> None:
        """Ignore the check of dnspython, which does not say where the record is."""

    def add_unicode(self, name: str) -> None:
        """Ignore the version of IDNA."""

    def _set_origin(self, origin: dns.name.Name) -> None:
        """Ignore the origin, which the reader keeps."""

    def add(self, name: dns.name.Name, ttl: int, rdata: dns.rdata.Rdata) -> None:
        limits = self._limits
        self._rdata_octets += len(rdata.to_wire() or b"")
        if self._contents.count >= limits.max_records:
            raise ZoneTooLarge(f"the zone has more than {limits.max_records} records")
        if self._rdata_octets > limits.max_rdata_octets:
            raise ZoneTooLarge(f"the data of the records have more than {limits.max_rdata_octets} octets")
        if self._is_next_to_alias(name, rdata):
            raise AliasConflict  # the text is that of the class
        self._contents.add(name, ttl, rdata)

    def _is_next_to_alias(self, name: dns.name.Name, rdata: dns.rdata.Rdata) -> bool:
        """Return whether name servers refuse the record: an alias next to other data (RFC 2181 section 10.1)."""
        present = self._contents.nodes.get(name, {})
        others = present.keys() - _BESIDE_CNAME
        if not others or rdata.rdtype in _BESIDE_CNAME:
            return False
        if rdata.rdtype == dns.rdatatype.CNAME:
            return rdata not in present.get(dns.rdatatype.CNAME, ())
        return dns.rdatatype.CNAME in others


def read_zone_file(text: str, origin: dns.name.Name, limits: FileLimits, *, file: str = "") -> ZoneFile:
    """Return the records of a zone file. After an error, reading continues with the next record.

    Raises:
      ZoneTooLarge: the zone exceeds a limit.
    """
    if len(text) > limits.max_octets or len(text.encode(errors="replace")) > limits.max_octets:
        raise ZoneTooLarge(f"the file has more than {limits.max_octets} octets")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = ZoneFile(ZoneContents(origin))
    tokenizer = _Tokenizer(io.StringIO(text, newline="\n"), file)
    reader = _ZoneReader(tokenizer, _Records(found.contents, limits), allow_include=limits.allows_include)
    with closing(reader):
        _read_all(text, reader, tokenizer, found)
    for name, (where, line) in reader.outside:
        found.problems.append(LineProblem("ZF_OUT_OF_ZONE", line, None, str(name), where))
    return found


def _read_all(text: str, reader: _ZoneReader, tokenizer: _Tokenizer, found: ZoneFile) -> None:
    while len(found.problems) < MAX_ERRORS:
        try:
            reader.read()
            break
        except (dns.exception.DNSException, ValueError, OSError) as error:  # OSError: an included file
            found.problems.append(_problem(text, reader, tokenizer, error))
        if reader.tok is not tokenizer or not _continue_after(text, tokenizer):
            break


def _problem(text: str, reader: _ZoneReader, tokenizer: _Tokenizer, error: Exception) -> LineProblem:
    where, line = reader.tok.where()
    reason = _CAUGHT.sub("", str(error).removeprefix(f"{where}:{line}: ")) or _TOO_SHORT
    if reader.tok is not tokenizer:  # in an included file
        has_read_line = reader.tok.ungotten_char == "\n"
        return LineProblem("ZF_SYNTAX", line - has_read_line, None, reason, where)
    before = text[: tokenizer.start]
    column = tokenizer.start - before.rfind("\n")
    return LineProblem("ZF_SYNTAX", before.count("\n") + 1, column, reason, where)


def _continue_after(text: str, tokenizer: _Tokenizer) -> bool:
    """Move behind the record that has the error; return False if nothing follows."""
    start = text.find(")", tokenizer.start) if tokenizer.multiline else tokenizer.start
    end = text.find("\n", max(start, 0)) if start >= 0 else -1
    if end < 0:
        return False
    tokenizer.file.seek(end + 1)
    tokenizer.line_number = text.count("\n", 0, end + 1) + 1
    tokenizer.ungotten_char = tokenizer.ungotten_token = None
    tokenizer.multiline, tokenizer.quoting, tokenizer.eof = 0, False, False
    tokenizer.delimiters = dns.tokenizer._DELIMITERS  # noqa: SLF001 - has no public name
    return True
