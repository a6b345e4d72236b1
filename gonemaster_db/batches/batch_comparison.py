"""Comparison of two batches, domain by domain."""

import enum
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from gonemaster_db.batches.batch_statistics import signature_of
from gonemaster_db.batches.batches import find_batch_key
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.runs.causes import CauseChange, changes_of_causes, read_cause_sets, sets_with
from gonemaster_db.runs.comparison import RunDifference, compare
from gonemaster_db.runs.counters import count_runs
from gonemaster_db.runs.documents.caches import caches_of
from gonemaster_db.runs.findings import HASHED_FROM, read_findings

MAX_EXAMINED = 500  # domains per page; if only few of them differ, a page has fewer items than its limit
MIN_SLICE = 50
COMPARED_AT_A_TIME = 25  # each has two documents, which may be megabytes long
_PAGE_BYTES = 8 * 1024 * 1024  # maximum size of the JSON lines in a page
# If a batch is this many times smaller than the other, each of its domains is looked up in the other batch; otherwise
# both are read side by side.
SMALL_BATCH_FACTOR = 10
_DONE = RunStatus.SUCCEEDED
_NO_DIFFERENCE = RunDifference()


class ChangeKind(enum.StrEnum):
    """The relation between the runs of a domain in two batches."""

    CHANGED = "changed"
    ONLY_BEFORE = "only_before"
    ONLY_AFTER = "only_after"
    NOT_COMPARABLE = "not_comparable"  # at least one of the runs did not succeed


@dataclass(frozen=True, slots=True)
class DomainRun:
    """The run of a domain in one batch."""

    run_id: str
    status: RunStatus
    causes: Sequence[str] | None = None  # None if they are unknown


@dataclass(frozen=True, slots=True)
class DomainDifference:
    """A domain whose runs differ; findings are compared only if both runs succeeded."""

    domain: str
    kind: ChangeKind
    before: DomainRun | None
    after: DomainRun | None
    difference: RunDifference = _NO_DIFFERENCE


@dataclass(frozen=True, slots=True)
class DifferencePage:
    """A page of differences, by domain; `next_cursor` is the cursor of the next page, None at the end."""

    items: Sequence[DomainDifference]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class BatchComparison:
    """Numbers of domains in each batch and in both.

    `same` and `differing` count the domains of both batches by the worst level of each finding at NOTICE and above.
    """

    before: int
    after: int
    in_both: int
    only_before: int
    only_after: int
    same: int
    differing: int
    not_comparable: int
    causes: Sequence[CauseChange]


def count_differences(session: Session, before: str, after: str) -> BatchComparison:
    """Count the domains of two batches by how their runs relate.

    Runs without a findings hash (stored before that column existed) count as differing. The result is cached by process
    until the number of runs of a batch changes: a finished batch can only lose runs.
    """
    keys = [find_batch_key(session, batch_id) for batch_id in (before, after)]
    signature = tuple((key, signature_of(session, key)) for key in keys if key is not None)
    known = caches_of(session).comparisons
    found = known.find({signature}).get(signature)
    if found is None:
        found = _count_differences(session, keys)
        known.add({signature: found})
    return found


def _count_differences(session: Session, keys: Sequence[int | None]) -> BatchComparison:
    old, new = aliased(Run), aliased(Run)
    done = and_(old.status == _DONE, new.status == _DONE)
    same = and_(done, old.findings_hash == new.findings_hash)
    by_causes = old.cause_set_id, new.cause_set_id
    pairs = select(*by_causes, func.count(), _number_of(done), _number_of(same))
    pairs = pairs.where(old.batch_key == keys[0], new.batch_key == keys[1], old.domain == new.domain)
    found: list[Any] = list(session.execute(pairs.group_by(*by_causes)))
    in_both, comparable, equal = (sum(row[column] for row in found) for column in (2, 3, 4))
    sizes = [0 if key is None else count_runs(session, batch_key=key) for key in keys]
    return BatchComparison(
        before=sizes[0],
        after=sizes[1],
        in_both=in_both,
        only_before=sizes[0] - in_both,
        only_after=sizes[1] - in_both,
        same=equal,
        differing=comparable - equal,
        not_comparable=in_both - comparable,
        causes=_compare_causes(session, keys, {(was, now): number for was, now, number, *_ in found}),
    )


def _compare_causes(
    session: Session, keys: Sequence[int | None], pairs: Mapping[tuple[int | None, int | None], int]
) -> list[CauseChange]:
    before, after = ({} if key is None else _count_by_causes(session, key) for key in keys)
    return changes_of_causes(read_cause_sets(session, {*before, *after}), before, after, pairs)


def _count_by_causes(session: Session, batch_key: int) -> dict[int | None, int]:
    query = select(Run.cause_set_id, func.count()).where(Run.batch_key == batch_key).group_by(Run.cause_set_id)
    return {row[0]: row[1] for row in session.execute(query)}


def _number_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def list_differences(
    session: Session,
    before: str,
    after: str,
    *,
    min_level: str = HASHED_FROM,
    with_args: bool = False,
    kinds: Collection[ChangeKind] = tuple(ChangeKind),
    cause: str = "",
    cursor: str = "",
    limit: int = 100,
) -> DifferencePage:
    """Return a page of the domains that differ, by name; `cursor` is the `next_cursor` of the previous page.

    Findings below `min_level` are ignored. `with_args` compares all lines of the findings instead of their worst
    levels. With `cause`, only domains are listed for which this root cause appeared or was cleared. A page before the
    last may have fewer than `limit` items, or no items.
    """
    kinds = {ChangeKind.CHANGED} & set(kinds) if cause else kinds
    old, new = (find_batch_key(session, batch_id) for batch_id in (before, after))
    if old is None or new is None:
        return DifferencePage([], None)
    look = _ComparedFindings(min_level, with_args, cause)
    items: list[DomainDifference] = []
    examined, remaining = 0, _PAGE_BYTES
    while examined < MAX_EXAMINED:
        slice_size = max(MIN_SLICE, limit - len(items))
        rows = _candidates(session, old, new, look, kinds, cursor, slice_size)
        for item in _compared(session, old, new, rows, look):
            remaining -= item.difference.byte_count
            if len(items) == limit or (items and remaining < 0):
                return DifferencePage(items, items[-1].domain)
            items.append(item)
        if len(rows) < slice_size:
            return DifferencePage(items, None)
        examined += len(rows)
        cursor = rows[-1][0]
    return DifferencePage(items, cursor)


@dataclass(frozen=True, slots=True)
class _ComparedFindings:
    """The selection of the findings to compare."""

    min_level: str
    with_args: bool
    cause: str = ""  # only domains for which it appeared or was cleared

    @property
    def is_hashed(self) -> bool:
        """Whether runs with the same hash are equal in this comparison."""
        return not self.with_args and LEVELS.index(self.min_level) >= LEVELS.index(HASHED_FROM)


def _candidates(
    session: Session,
    before: int,
    after: int,
    look: _ComparedFindings,
    kinds: Collection[ChangeKind],
    cursor: str,
    limit: int,
) -> list[tuple[str, ChangeKind]]:
    """Read from the index, by name, the first domains of each kind that may differ.

    Domains of only one batch are usually rare, so the search for them stops where the slice of common domains ends.
    """
    found: list[tuple[str, ChangeKind]] = []
    up_to: str | None = None
    if {ChangeKind.CHANGED, ChangeKind.NOT_COMPARABLE} & set(kinds):
        rows = session.execute(_pairs(before, after, look, kinds, cursor, limit))
        found = [(row.domain, ChangeKind(row.kind)) for row in rows]
        up_to = found[-1][0] if len(found) == limit else None
    for kind, batch, other in ((ChangeKind.ONLY_BEFORE, before, after), (ChangeKind.ONLY_AFTER, after, before)):
        if kind in kinds:
            is_small = count_runs(session, batch_key=batch) * SMALL_BATCH_FACTOR < count_runs(session, batch_key=other)
            domains = _unmatched(batch, other, cursor, up_to, limit, is_small=is_small)
            found += [(domain, kind) for domain in session.scalars(domains)]
    return sorted(found)[:limit]


def _pairs(
    before: int, after: int, look: _ComparedFindings, kinds: Collection[ChangeKind], cursor: str, limit: int
) -> "Select[str, str]":
    old, new = aliased(Run), aliased(Run)
    done = and_(old.status == _DONE, new.status == _DONE)
    differs: ColumnElement[bool] = done
    if look.is_hashed:
        known_same = and_(old.findings_hash.is_not(None), old.findings_hash.is_not_distinct_from(new.findings_hash))
        differs = and_(done, ~known_same)
    chosen = {ChangeKind.CHANGED: differs, ChangeKind.NOT_COMPARABLE: ~done}
    query = select(
        old.domain.label("domain"),
        case((done, ChangeKind.CHANGED.value), else_=ChangeKind.NOT_COMPARABLE.value).label("kind"),
    ).where(
        old.batch_key == before,
        new.batch_key == after,
        old.domain == new.domain,
        old.domain > cursor,
        new.domain > cursor,
        or_(*(condition for kind, condition in chosen.items() if kind in kinds)),
    )
    if look.cause:
        had, has = (func.coalesce(side.cause_set_id.in_(sets_with(look.cause)), False) for side in (old, new))
        query = query.where(had != has)
    return query.order_by(old.domain).limit(limit)


def _unmatched(batch: int, other: int, cursor: str, up_to: str | None, limit: int, *, is_small: bool) -> "Select[str]":
    run, match = aliased(Run), aliased(Run)
    # The subquery repeats the range. Without it SQLite chooses an index on batch_key alone, and PostgreSQL hashes the
    # whole other batch for each page.
    others = select(match.domain).where(*_within(match, other, cursor, up_to))
    has_match: ColumnElement[bool]
    if (
        is_small
        # A scalar subquery is evaluated for each row; a join compares all pairs if the planner expects a narrow range.
    ):
        matching = select(match.domain).where(match.batch_key == other, match.domain == run.domain)
        has_match = matching.correlate(run).limit(1).scalar_subquery().is_not(None)
    else:  # OFFSET makes PostgreSQL read the other batch separately; a join would read the names of all runs.
        apart = others.order_by(match.domain).offset(0).subquery()
        has_match = select(apart.c.domain).where(apart.c.domain == run.domain).exists()
    query = select(run.domain).where(*_within(run, batch, cursor, up_to), ~has_match)
    return query.order_by(run.domain).limit(limit)


def _within(run: Any, batch: int, cursor: str, up_to: str | None) -> list[ColumnElement[bool]]:
    found = [run.batch_key == batch, run.domain > cursor]
    return found if up_to is None else [*found, run.domain <= up_to]


def _compared(
    session: Session, before: int, after: int, rows: Sequence[tuple[str, ChangeKind]], look: _ComparedFindings
) -> Iterator[DomainDifference]:
    """Compare the findings of the candidates, and skip the domains with equal findings."""
    for part in chunks(dict(rows).items(), COMPARED_AT_A_TIME):
        yield from _compared_part(session, before, after, part, look)


def _compared_part(
    session: Session, before: int, after: int, rows: Sequence[tuple[str, ChangeKind]], look: _ComparedFindings
) -> Iterator[DomainDifference]:
    names = [domain for domain, _ in rows]
    old, new = (_newest(session, batch, names) for batch in (before, after))
    pairs = [domain for domain, kind in rows if kind is ChangeKind.CHANGED]
    found = read_findings(session, [side[domain].run_id for domain in pairs for side in (old, new)], look.min_level)
    for domain, kind in rows:
        was, now = old.get(domain), new.get(domain)
        difference = _NO_DIFFERENCE
        if kind is ChangeKind.CHANGED and was and now:
            difference = compare(found.get(was.run_id, {}), found.get(now.run_id, {}), with_args=look.with_args)
            if not difference:
                continue
        yield DomainDifference(domain, kind, was, now, difference)


def _newest(session: Session, batch: int, names: Sequence[str]) -> dict[str, DomainRun]:
    query = select(Run.domain, Run.id, Run.status, Run.cause_set_id)
    query = query.where(Run.batch_key == batch, Run.domain.in_(names))
    rows = session.execute(query.order_by(Run.finished_at, Run.id)).all()
    sets = read_cause_sets(session, {row.cause_set_id for row in rows})
    return {row.domain: DomainRun(row.id, row.status, sets.get(row.cause_set_id)) for row in rows}
