"""What changed between two batches, domain by domain."""

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from gonemaster_db.levels import LEVELS
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.repositories.comparison import Difference, compare
from gonemaster_db.repositories.findings import HASHED_FROM, read_findings

_MOST_LOOKED_AT = 500  # domains for one page; where few of them differ a page has less than its limit
_SMALLEST_SLICE = 50
_DONE = RunStatus.SUCCEEDED
_NOTHING = Difference()


class Kind(enum.StrEnum):
    """How the runs of a domain in two batches stand to each other."""

    CHANGED = "changed"
    ONLY_BEFORE = "only_before"
    ONLY_AFTER = "only_after"
    NOT_COMPARABLE = "not_comparable"  # one of them did not succeed


@dataclass(frozen=True, slots=True)
class Side:
    """The run of a domain in one batch."""

    run_id: str
    status: RunStatus


@dataclass(frozen=True, slots=True)
class DomainDifference:
    """A domain whose runs differ; findings are compared only where both succeeded."""

    domain: str
    kind: Kind
    before: Side | None
    after: Side | None
    difference: Difference = _NOTHING


@dataclass(frozen=True, slots=True)
class DifferencePage:
    """Differences by domain; `past` is where the next page goes on, None at the end."""

    items: Sequence[DomainDifference]
    past: str | None


@dataclass(frozen=True, slots=True)
class BatchComparison:
    """Numbers of domains: in the batches, in both of them, and of those by what a comparison says from NOTICE up."""

    before: int
    after: int
    in_both: int
    only_before: int
    only_after: int
    same: int
    differing: int
    not_comparable: int


def count_differences(session: Session, before: str, after: str) -> BatchComparison:
    """Count domains; runs that were stored before findings had a number count as differing."""
    old, new = aliased(Run), aliased(Run)
    done = and_(old.status == _DONE, new.status == _DONE)
    same = and_(done, old.findings_hash == new.findings_hash)
    pairs = select(func.count(), _number_of(done), _number_of(same))
    pairs = pairs.where(old.batch_id == before, new.batch_id == after, old.domain == new.domain)
    in_both, comparable, equal = session.execute(pairs).one()
    sizes = [session.scalar(select(func.count()).where(Run.batch_id == batch)) or 0 for batch in (before, after)]
    return BatchComparison(
        before=sizes[0],
        after=sizes[1],
        in_both=in_both,
        only_before=sizes[0] - in_both,
        only_after=sizes[1] - in_both,
        same=equal,
        differing=comparable - equal,
        not_comparable=in_both - comparable,
    )


def _number_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def list_differences(
    session: Session,
    before: str,
    after: str,
    *,
    min_level: str = HASHED_FROM,
    kinds: Collection[Kind] = tuple(Kind),
    past: str = "",
    limit: int = 100,
) -> DifferencePage:
    """Page through the domains that differ, by name; `past` is that of the page before.

    Findings count from `min_level` up. A page may have less than `limit` items, even none, before the end.
    """
    items: list[DomainDifference] = []
    looked_at = 0
    while looked_at < _MOST_LOOKED_AT:
        wanted = max(_SMALLEST_SLICE, limit - len(items))
        rows = _candidates(session, before, after, min_level, kinds, past, wanted)
        for item in _compared(session, before, after, rows, min_level):
            if len(items) == limit:
                return DifferencePage(items, items[-1].domain)
            items.append(item)
        if len(rows) < wanted:
            return DifferencePage(items, None)
        looked_at += len(rows)
        past = rows[-1][0]
    return DifferencePage(items, past)


def _candidates(
    session: Session, before: str, after: str, min_level: str, kinds: Collection[Kind], past: str, limit: int
) -> list[tuple[str, Kind]]:
    """Return domains that may differ, in their order: each kind gives its first ones from the index.

    Domains of one batch alone are rare as a rule: they are looked for only as far as the others reach.
    """
    found: list[tuple[str, Kind]] = []
    up_to: str | None = None
    if {Kind.CHANGED, Kind.NOT_COMPARABLE} & set(kinds):
        rows = session.execute(_pairs(before, after, min_level, kinds, past, limit))
        found = [(row.domain, Kind(row.kind)) for row in rows]
        up_to = found[-1][0] if len(found) == limit else None
    for kind, batch, other in ((Kind.ONLY_BEFORE, before, after), (Kind.ONLY_AFTER, after, before)):
        if kind in kinds:
            found += [(domain, kind) for domain in session.scalars(_lonely(batch, other, past, up_to, limit))]
    return sorted(found)[:limit]


def _pairs(
    before: str, after: str, min_level: str, kinds: Collection[Kind], past: str, limit: int
) -> "Select[str, str]":
    old, new = aliased(Run), aliased(Run)
    done = and_(old.status == _DONE, new.status == _DONE)
    differs: ColumnElement[bool] = done
    if LEVELS.index(min_level) >= LEVELS.index(HASHED_FROM):
        known_same = and_(old.findings_hash.is_not(None), old.findings_hash.is_not_distinct_from(new.findings_hash))
        differs = and_(done, ~known_same)
    chosen = {Kind.CHANGED: differs, Kind.NOT_COMPARABLE: ~done}
    query = select(
        old.domain.label("domain"), case((done, Kind.CHANGED.value), else_=Kind.NOT_COMPARABLE.value).label("kind")
    ).where(
        old.batch_id == before,
        new.batch_id == after,
        old.domain == new.domain,
        old.domain > past,
        new.domain > past,
        or_(*(condition for kind, condition in chosen.items() if kind in kinds)),
    )
    return query.order_by(old.domain).limit(limit)


def _lonely(batch: str, other: str, past: str, up_to: str | None, limit: int) -> "Select[str]":
    run, twin = aliased(Run), aliased(Run)
    # The twin is looked for by columns of one index, and within the range: else SQLite takes an index that holds all
    # of the batch, and PostgreSQL reads all of it.
    has_twin = select(twin.domain).where(twin.domain == run.domain, *_within(twin, other, past, up_to)).exists()
    query = select(run.domain).where(*_within(run, batch, past, up_to), ~has_twin)
    return query.order_by(run.domain).limit(limit)


def _within(run: Any, batch: str, past: str, up_to: str | None) -> list[ColumnElement[bool]]:
    found = [run.batch_id == batch, run.domain > past]
    return found if up_to is None else [*found, run.domain <= up_to]


def _compared(
    session: Session, before: str, after: str, rows: Sequence[tuple[str, Kind]], min_level: str
) -> list[DomainDifference]:
    """Compare the findings of those that can be; those that turn out to say the same are left out."""
    if not rows:
        return []
    names = [domain for domain, _ in rows]
    old, new = (_newest(session, batch, names) for batch in (before, after))
    pairs = [domain for domain, kind in rows if kind is Kind.CHANGED]
    found = read_findings(session, [side[domain].run_id for domain in pairs for side in (old, new)], min_level)
    items = []
    for domain, kind in dict(rows).items():
        was, now = old.get(domain), new.get(domain)
        difference = _NOTHING
        if kind is Kind.CHANGED and was and now:
            difference = compare(found.get(was.run_id, {}), found.get(now.run_id, {}))
            if not difference:
                continue
        items.append(DomainDifference(domain, kind, was, now, difference))
    return items


def _newest(session: Session, batch_id: str, names: Sequence[str]) -> dict[str, Side]:
    query = select(Run.domain, Run.id, Run.status).where(Run.batch_id == batch_id, Run.domain.in_(names))
    rows = session.execute(query.order_by(Run.finished_at, Run.id))
    return {row.domain: Side(row.id, row.status) for row in rows}
