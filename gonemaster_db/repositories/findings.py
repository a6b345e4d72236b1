"""What a run found, in a form that can be compared: lines by finding, and one number for all of them."""

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

HASHED_FROM = "NOTICE"  # level; what is below says what a zone has, and changes from run to run
FindingKey = tuple[str, str, str]
"""Module, test case and message tag."""

_HASHED = frozenset(at_least(HASHED_FROM))
_dump = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode


@dataclass(frozen=True, slots=True)
class Line:
    """What one entry says, without when."""

    level: str
    args: Mapping[str, Any]

    @property
    def comparable(self) -> tuple[str, str]:
        """What is equal for lines that say the same."""
        return self.level, _dump(self.args)


def findings_hash(entries: Iterable[EntryRecord]) -> int:
    """Return a number of 64 bits, signed, that is the same for runs with the same findings from NOTICE up.

    Order and times do not count, as in comparisons; runs with different numbers may still say the same once stored.
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
