"""The document of a run: arguments and times of its entries, name server timings and DNSSEC chain.

The text has a line with the times of the entries, a line with the arguments of each entry, a line with the timings and
a line with the chain; missing parts are empty lines. JSON contains no line feeds, so one entry is read without parsing
the others. Times are microseconds since the previous time, which are shorter than times since the start. New documents
have whole milliseconds, because random digits cannot be compressed: they took a tenth of a document.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate, pairwise
from math import isfinite
from typing import Any, Protocol

from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.json_text import dump_json, dump_json_lines
from gonemaster_db.core.levels import at_least
from gonemaster_db.runs.documents.codec import CURRENT, FINDINGS_ONLY, compress, decompress

_SECOND = 1_000_000
_AROUND = 3  # lines besides those of the entries
KEPT_FROM = "WARNING"
_KEPT = frozenset(at_least(KEPT_FROM))


class ParsedDocument:
    """A document that is parsed lazily. Every method raises DocumentDamaged for invalid data."""

    def __init__(self, text: bytes) -> None:
        self._lines = text.split(b"\n")

    @property
    def byte_count(self) -> int:
        """Size of the text in bytes."""
        return sum(map(len, self._lines))

    @property
    def entry_count(self) -> int:
        """Number of entries."""
        return len(self._lines) - _AROUND

    @cached_property
    def timestamps(self) -> Sequence[float]:
        """Times of the entries in seconds since the start of the run."""
        try:
            times = [time / _SECOND for time in accumulate(map(int, self._lines[0].split()))]
        except ValueError as error:
            raise DocumentDamaged(f"times: {error}") from error
        if len(times) != self.entry_count:
            raise DocumentDamaged(f"{len(times)} times for {self.entry_count} entries")
        return times

    def raw_arguments(self, number: int) -> bytes:
        """Return the arguments of an entry as JSON; empty without arguments."""
        if not 0 <= number < self.entry_count:
            raise DocumentDamaged(f"no entry {number} among {self.entry_count}")
        return self._lines[1 + number]

    def arguments(self, number: int) -> Any:
        """Return the arguments of an entry."""
        return parse_arguments(self.raw_arguments(number))

    @property
    def nameserver_timings(self) -> list[dict[str, Any]] | None:
        """The timings of name servers, or None if none are stored."""
        found: list[Any] | None = _parse(self._lines[-2])
        if not found or isinstance(found[0], dict):
            return found
        names, *rows = found
        return [dict(zip(names, row, strict=True)) for row in rows]

    @property
    def has_chain(self) -> bool:
        """Whether the document has a DNSSEC chain."""
        return bool(self._lines[-1])

    @property
    def chain(self) -> Any | None:
        """The DNSSEC chain, or None."""
        return _parse(self._lines[-1])


def blank_document(entries: int) -> ParsedDocument:
    """Return the document of a run of which only the facts are kept: entries without arguments and times."""
    return ParsedDocument(b" ".join([b"0"] * entries) + b"\n" * (entries + _AROUND - 1))


def keeps_arguments(level: str) -> bool:
    """Return whether a document that is reduced to findings has the arguments of an entry with this level."""
    return level in _KEPT


def parse_arguments(raw: bytes) -> Any:
    """Parse a line of arguments. Raises DocumentDamaged."""
    return _parse(raw) if raw else {}


class TimedArguments(Protocol):
    """The part of an entry that a document contains."""

    @property
    def timestamp(self) -> float:
        """Seconds since the start of the run."""

    @property
    def args(self) -> Mapping[str, Any]:
        """The arguments."""


def encode_document(
    entries: Sequence[TimedArguments],
    nameserver_timings: Sequence[Mapping[str, Any]] | None,
    chain: Mapping[str, Any] | None,
) -> tuple[int, bytes] | None:
    """Return codec and document, or None without data. Times are rounded to milliseconds."""
    if not entries and nameserver_timings is None and chain is None:
        return None
    return encode_text(
        [_microseconds(entry.timestamp) for entry in entries],
        dump_json_lines([entry.args for entry in entries]),
        "" if nameserver_timings is None else dump_json(by_columns(nameserver_timings)),
        "" if chain is None else dump_json(chain),
    )


def _microseconds(time_s: float) -> int:
    """Return a time since the start of a run in microseconds, whole milliseconds; NaN and infinity become 0."""
    return round(time_s * 1000) * 1000 if isfinite(time_s) else 0


def encode_text(
    times_us: Sequence[int], arguments: Sequence[str], nameserver_timings: str, chain: str
) -> tuple[int, bytes]:
    """Encode JSON texts (empty if missing) and times since the start of the run; return codec and document."""
    times = " ".join([str(time - before) for before, time in pairwise([0, *times_us])])
    return CURRENT, compress("\n".join([times, *arguments, nameserver_timings, chain]).encode())


def encode_findings(document: ParsedDocument, kept: Sequence[bool]) -> tuple[int, bytes]:
    """Encode a document again without the entries that are not kept, which remain as empty lines.

    Raises: DocumentDamaged: The document does not have one entry for each value of `kept`.
    """
    if document.entry_count != len(kept):
        raise DocumentDamaged(f"the document has {document.entry_count} entries, its outcome {len(kept)}")
    times, last = [], 0
    for time, is_kept in zip(document.timestamps, kept, strict=True):
        last = _microseconds(time) if is_kept else last
        times.append(last)
    lines = [document.raw_arguments(number) if is_kept else b"" for number, is_kept in enumerate(kept)]
    differences = " ".join([str(time - before) for before, time in pairwise([0, *times])]).encode()
    return FINDINGS_ONLY, compress(b"\n".join([differences, *lines, b"", b""]))


def decode_document(codec: int, data: bytes) -> ParsedDocument:
    """Decompress a document. Raises DocumentDamaged."""
    document = ParsedDocument(decompress(codec, data))
    if document.entry_count < 0:
        raise DocumentDamaged("lines are missing")
    return document


def by_columns(rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    """Return the names once and the values of each row if all rows have the same names, otherwise the rows."""
    names = list(rows[0]) if rows else []
    if not names or any(list(row) != names for row in rows):
        return rows
    return [names, *(list(row.values()) for row in rows)]


def _parse(line: bytes) -> Any:
    if not line:
        return None
    try:
        # Decoded here, because json would guess the encoding of bytes.
        return json.loads(line.decode("utf-8", "surrogatepass"))
    except ValueError as error:
        raise DocumentDamaged(str(error)) from error
