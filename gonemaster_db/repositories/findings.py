"""Findings of a run in comparable form: lines by finding, and one hash over all of them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.levels import at_least
from gonemaster_db.models import Entry
from gonemaster_db.records import EntryRecord

HASHED_FROM = "NOTICE"  # lower levels describe the zone and differ from run to run
FindingKey = tuple[str, str, str]
"""Module, test case and message tag."""

_HASHED = frozenset(at_least(HASHED_FROM))
_dump = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode


@dataclass(frozen=True, slots=True)
class Line:
    """Level and arguments of one entry, without its time."""

    level: str
    args: Mapping[str, Any]

    @property
    def comparable(self) -> tuple[str, str]:
        """A key that is equal for equal lines."""
        return self.level, _dump(self.args)


def findings_hash(entries: Iterable[EntryRecord]) -> int:
    """Return a signed 64-bit hash that is equal for runs with the same findings from NOTICE up.

    Order and timestamps are ignored, as in comparisons. Runs with different hashes may still compare as equal: storing
    an argument as JSON can change its spelling.
    """
    lines = sorted(
        _dump([each.module, each.testcase, each.tag, each.level, each.args])
        for each in entries
        if each.level in _HASHED
    )
    digest = hashlib.blake2b("\n".join(lines).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def read_findings(session: Session, run_ids: Sequence[str], min_level: str) -> dict[str, dict[FindingKey, list[Line]]]:
    """Read the lines of runs from a level up, by run and finding."""
    query = select(Entry.run_id, Entry.module, Entry.testcase, Entry.tag, Entry.level, Entry.args)
    query = query.where(Entry.run_id.in_(run_ids), Entry.level.in_(at_least(min_level)))
    found: dict[str, dict[FindingKey, list[Line]]] = {}
    for row in session.execute(query.order_by(Entry.id)):
        key = (row.module, row.testcase, row.tag)
        found.setdefault(row.run_id, {}).setdefault(key, []).append(Line(row.level, row.args))
    return found
