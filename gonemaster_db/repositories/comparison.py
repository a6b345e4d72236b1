"""What changed between two runs or two batches."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.levels import at_least
from gonemaster_db.models import Domain, Entry, Run

_Key = tuple[str, str, str]
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Line:
    """What one entry says, without when."""

    level: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A message tag of one test case: its lines before and after; one side is empty where it is new or gone."""

    module: str
    testcase: str
    tag: str
    before: Sequence[Line]
    after: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Difference:
    """Findings that came, went, or say something else now."""

    added: Sequence[FindingChange]
    cleared: Sequence[FindingChange]
    changed: Sequence[FindingChange]

    def __bool__(self) -> bool:
        return bool(self.added or self.cleared or self.changed)


@dataclass(frozen=True, slots=True)
class DomainDifference:
    """The two runs of a domain, None where a batch has none of it, and how they differ."""

    domain: str
    before: Run | None
    after: Run | None
    difference: Difference


def diff_runs(session: Session, before: str, after: str, *, min_level: str = "INFO") -> Difference:
    """Compare the entries of two runs from a level up; order and times do not count."""
    found = _findings(session, [before, after], min_level)
    return _compare(found.get(before, {}), found.get(after, {}))


def diff_batches(
    session: Session, before: str, after: str, *, min_level: str = "NOTICE", past: str = "", limit: int = _PAGE
) -> list[DomainDifference]:
    """Compare the newest runs of each domain in two batches, domains by name.

    `past` is the name of the last domain seen. Domains without any difference are left in, so that pages have
    one size and the caller can tell where the list ends.
    """
    names = _domains(session, (before, after), past, limit)
    old, new = (_newest_runs(session, batch, names) for batch in (before, after))
    found = _findings(session, [run.id for run in (*old.values(), *new.values())], min_level)
    return [_difference(name, old.get(name), new.get(name), found) for name in names]


def iter_batch_differences(
    session: Session, before: str, after: str, *, min_level: str = "NOTICE"
) -> Iterator[DomainDifference]:
    """Yield the domains of two batches that differ, by name, in constant memory."""
    past = ""
    while page := diff_batches(session, before, after, min_level=min_level, past=past):
        yield from (line for line in page if line.difference)
        past = page[-1].domain


def _difference(
    name: str, old: Run | None, new: Run | None, found: Mapping[str, Mapping[_Key, list[Line]]]
) -> DomainDifference:
    sides = (found.get(run.id, {}) if run else {} for run in (old, new))
    return DomainDifference(name, old, new, _compare(*sides))


def _domains(session: Session, batches: tuple[str, str], past: str, limit: int) -> Sequence[str]:
    query = select(Run.domain).where(Run.batch_id.in_(batches), Run.domain > past)
    return session.scalars(query.distinct().order_by(Run.domain).limit(limit)).all()


def _newest_runs(session: Session, batch_id: str, names: Sequence[str]) -> dict[str, Run]:
    query = select(Run).join(Domain, Domain.id == Run.domain_id)
    query = query.where(Domain.name.in_(names), Run.batch_id == batch_id)
    return {run.domain: run for run in session.scalars(query.order_by(Run.finished_at, Run.id))}


def _findings(session: Session, run_ids: Sequence[str], min_level: str) -> dict[str, dict[_Key, list[Line]]]:
    query = select(Entry.run_id, Entry.module, Entry.testcase, Entry.tag, Entry.level, Entry.args)
    query = query.where(Entry.run_id.in_(run_ids), Entry.level.in_(at_least(min_level)))
    found: dict[str, dict[_Key, list[Line]]] = {}
    for row in session.execute(query.order_by(Entry.id)):
        key = (row.module, row.testcase, row.tag)
        found.setdefault(row.run_id, {}).setdefault(key, []).append(Line(row.level, row.args))
    return found


def _compare(old: Mapping[_Key, list[Line]], new: Mapping[_Key, list[Line]]) -> Difference:
    changes = [FindingChange(*key, before=old.get(key, []), after=new.get(key, [])) for key in sorted({*old, *new})]
    return Difference(
        added=[change for change in changes if not change.before],
        cleared=[change for change in changes if not change.after],
        changed=[change for change in changes if change.before and change.after and _differ(change)],
    )


def _differ(change: FindingChange) -> bool:
    before, after = (sorted(map(_comparable, lines)) for lines in (change.before, change.after))
    return before != after


def _comparable(line: Line) -> tuple[str, str]:
    return line.level, json.dumps(line.args, sort_keys=True)
