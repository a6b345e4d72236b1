"""Findings of a run in comparable form: lines by finding, and a hash over all findings."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from gonemaster_db.core.json_text import finite
from gonemaster_db.core.levels import at_least, worst
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.documents.run_document import parse_arguments
from gonemaster_db.runs.run_documents import kinds_of, read_stored_runs

HASHED_FROM = "NOTICE"  # lower levels describe the zone and differ from run to run
FindingKey = tuple[str, str, str]
"""Module, test case and message tag."""

_HASHED = frozenset(at_least(HASHED_FROM))
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str, allow_nan=False).encode


class FindingLine(NamedTuple):
    """Level and arguments of an entry without its time; `raw` are the stored arguments.

    They are None for a worst level, and for entries whose arguments are no longer stored.
    """

    level: str
    raw: bytes | None = None

    @property
    def args(self) -> Any:
        """The parsed arguments. Raises DocumentDamaged."""
        return parse_arguments(self.raw or b"")

    @property
    def comparable(self) -> tuple[str, str]:
        """A key that is equal for equal lines in any serialisation."""
        return self.level, _dump(self.args)


def worst_level_line(lines: Iterable[FindingLine]) -> list[FindingLine]:
    """Reduce the lines of a finding to its worst level without arguments; an empty finding stays empty."""
    level = worst(line.level for line in lines)
    return [] if level is None else [FindingLine(level)]


def _dump(value: Any) -> str:
    try:
        return _encode(value)
    except ValueError:  # The same replacement as in dump_json.
        return _encode(finite(value))


def findings_hash(entries: Iterable[EntryRecord | EntryType]) -> int:
    """Return a signed 64-bit hash, equal for runs with the same findings and levels at NOTICE and above.

    A finding has its worst level, as in comparisons; order, timestamps and arguments are ignored.
    """
    levels: dict[FindingKey, list[str]] = {}
    for each in entries:
        if each.level in _HASHED:
            levels.setdefault((each.module, each.testcase, each.tag), []).append(each.level)
    lines = sorted(_hashed_line(*key, worst(found) or "") for key, found in levels.items())
    digest = hashlib.blake2b("\n".join(lines).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


@lru_cache(maxsize=10_000)  # the findings of most runs are known
def _hashed_line(*parts: str) -> str:
    return _dump(parts)


def read_findings(
    session: Session, run_ids: Sequence[str], min_level: str
) -> dict[str, dict[FindingKey, list[FindingLine]]]:
    """Read the lines of runs at or above a level, by run and finding. Raises DocumentDamaged."""
    runs, levels = read_stored_runs(session, run_ids), at_least(min_level)
    kinds = kinds_of(session, runs.values())
    found: dict[str, dict[FindingKey, list[FindingLine]]] = {}
    for run in runs.values():
        lines: dict[FindingKey, list[FindingLine]] = {}
        for position, number in enumerate(run.kinds):
            kind = kinds[number]
            if kind.level in levels:
                raw = run.full_document.raw_arguments(position) if run.has_arguments(kind) else None
                line = FindingLine(kind.level, raw)
                lines.setdefault((kind.module, kind.testcase, kind.tag), []).append(line)
        found[run.id] = lines
    return found
