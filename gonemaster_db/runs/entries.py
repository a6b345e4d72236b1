"""Entries of one run and across runs.

A list across runs never reads entries that it does not show: the entry kinds of a run are its outcome, and the number
of matching entries of an outcome is known. Runs are therefore walked in order of ID, with the numbers of their entries,
until the page is full; only then are the documents of its runs read. A small number of matches is read completely. If
most outcomes match, runs are walked with any outcome, which is faster than searching for matching ones.

The positions of a page and of the next page are cached for a few seconds. Without the cache, most requests for the
offset 99,000 among a million runs take 150 to 340 ms of CPU instead of 80 to 130 ms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from gonemaster_db.batches.batches import match_batch
from gonemaster_db.core.filters import EntryFilter
from gonemaster_db.core.recent_totals import cache_value, recent, recent_total
from gonemaster_db.core.records import EntryRecord, Page
from gonemaster_db.domains.run_domains import TagMembers, domains_of_tag
from gonemaster_db.models import Domain, Run
from gonemaster_db.runs.counters import count_runs
from gonemaster_db.runs.documents.outcomes import count_entries
from gonemaster_db.runs.documents.registry import matching_kinds
from gonemaster_db.runs.matching_outcomes import MatchingOutcomes, find_outcomes, has_outcome
from gonemaster_db.runs.run_documents import (
    ENTRIES_PER_RUN,
    StoredRun,
    entries_of,
    kinds_of,
    read_in_parts,
    read_stored_run,
    read_stored_runs,
)

Position = tuple[str, int]  # the IDs of a run and of one of its entries
# A filter that matches few runs is counted over all of them, and most readers only want the first page.
COUNT_UP_TO = 20_000
COUNT_SCATTERED_UP_TO = 5000  # if matches may be far apart: each run between them is looked up
PAGE_BYTES = 8 * 1024 * 1024  # size of the arguments of a page as JSON
_START = "start of a page of entries"
FEW_RUNS = 5000
MAX_STREAMS = 50
FIRST_SLICE, MAX_SLICE = 200, 5000  # runs of a walk that are read together
MAX_TRIED = 20_000  # runs of a walk that are read with any outcome before the outcomes of all runs are read
MIN_SKIPPED = 2000  # entries of an offset above which runs are counted instead of read
# number of runs that are counted first, and the growth factor afterwards; the first runs are a poor sample
FIRST_SKIPPED, _GROWTH = 100, 50
_MAX_SKIPPED = 100_000  # runs in one statement: for more, PostgreSQL would read and sort all runs
_SAFETY_FACTOR = 0.9  # Later runs may have more entries than those counted so far.


class _Hit(NamedTuple):
    """A run with the number of its matching entries."""

    run_id: str
    entries: int


class _Sum(NamedTuple):
    """For a set of runs: their number, the number of their matching entries, and their last ID."""

    runs: int
    entries: int
    last: str


@dataclass(frozen=True, slots=True)
class _EntrySearch:
    """A prepared filter: conditions on runs, and outcomes if entries are filtered too."""

    conditions: Sequence[ColumnElement[bool]]
    matching: MatchingOutcomes | None
    latest: bool
    tag: TagMembers | None

    @property
    def spans_many_domains(self) -> bool:
        """Whether entries are filtered among the runs of many domains; no index contains both."""
        return self.matching is not None and (self.latest or (self.tag is not None and self.tag.few is None))

    @property
    def reads_runs_first(self) -> bool:
        """Whether runs are read first, regardless of their outcome, because most outcomes match."""
        return self.matching is not None and not self.matching.complete

    @property
    def order(self) -> ColumnElement[str]:
        """The ID of the run, from the table that is read first."""
        return Domain.latest_run_id.expression if self.latest else Run.id.expression  # type: ignore[return-value]  # of a run

    def runs(self, size: int, *, hits: bool, walked: bool = False) -> "Select[Any]":
        """Select run_id, outcome_id and `entries` of at most `size` runs that meet the conditions.

        With `hits`, only runs with a matching outcome. With `walked`, the caller sorts them by ID.
        """
        run_id: Any = Run.id
        outcome_id: Any = Run.outcome_id
        domain_id: Any = Run.domain_id
        # The copies of the newest run in `domains` are in an index; to find few outcomes, the index of runs is better.
        in_domains = walked and self.latest and self.matching is not None and not self.conditions
        if in_domains:
            run_id, outcome_id, domain_id = Domain.latest_run_id, Domain.latest_outcome_id, Domain.id
        entries = Run.entry_count.expression if self.matching is None else literal(0, Integer())
        columns = (run_id.label("run_id"), outcome_id.label("outcome_id"), entries.label("entries"))
        query = select(*columns).where(outcome_id.is_not(None), *self.conditions).limit(size)
        if self.tag is not None:
            query = query.where(self.tag.condition(size, domain_id))
        if self.latest and not in_domains:
            # Joined by an expression, the table of runs cannot be read first: the oldest runs are no longer newest
            # runs.
            is_all = self.matching is None and not self.conditions and self.tag is None
            newest = Domain.latest_run_id.concat("") if is_all else Domain.latest_run_id
            query = query.select_from(Domain).join(Run, Run.id == newest)
        return query.where(has_outcome(self.matching, outcome_id)) if hits and self.matching is not None else query

    def slice(self, beyond: ColumnElement[bool] | None, size: int, *, hits: bool) -> "Select[Any]":
        """Select the next runs of a walk, starting at `beyond`."""
        matching = self.matching
        is_of_all_runs = not (self.conditions or self.tag or self.latest)
        if not (hits and is_of_all_runs and matching and matching.complete and 0 < len(matching.some) <= MAX_STREAMS):
            return self._sorted(self.runs(size, hits=hits, walked=True), beyond)
        # In the order of all runs an outcome may appear late; in the order of each outcome its first runs are read
        # directly.
        parts = [self.runs(size, hits=True).where(Run.outcome_id == outcome_id) for outcome_id in matching.some]
        merged = union_all(*(select(self._sorted(part, beyond).subquery()) for part in parts)).subquery()
        return select(merged).order_by(merged.c.run_id).limit(size)

    def _sorted(self, query: "Select[Any]", beyond: ColumnElement[bool] | None) -> "Select[Any]":
        return (query if beyond is None else query.where(beyond)).order_by(self.order)


def entries_of_run(session: Session, run_id: str, *, min_level: str | None = None) -> Sequence[EntryRecord]:
    """Read the entries of one run in order, at or above a level.

    Raises: RunNotFound: The run does not exist. DocumentDamaged: The document of the run cannot be read.
    """
    return entries_of(session, read_stored_run(session, run_id), min_level=min_level)


def list_entries(
    session: Session,
    criteria: EntryFilter,
    *,
    limit: int = 100,
    offset: int = 0,
    after: Position | None = None,
    count_up_to: int = COUNT_UP_TO,
) -> Page[EntryRecord]:
    """Return a page of entries by run ID, then entry ID.

    `after` (run ID and entry ID of the last item seen) is fast at any depth, `offset` is not. `total` is exact up to
    `count_up_to`, or COUNT_SCATTERED_UP_TO for some filters; above, it is that number and `total_is_least` is set. A
    page with large entries is shorter (`is_cut`), with at least one entry: about PAGE_BYTES of arguments.
    """
    search = _search(session, criteria)
    if search.spans_many_domains:
        count_up_to = min(count_up_to, COUNT_SCATTERED_UP_TO)
    rest, few = offset, _few_hits(session, search, criteria)
    hits: Iterator[_Hit]
    beyond: ColumnElement[bool] | None
    if few is not None:
        total = sum(hit.entries for hit in few)
        hits = (hit for hit in few if after is None or hit.run_id >= after[0])
    else:
        total = _total(session, criteria, search, count_up_to)
        if offset >= total and total < count_up_to:
            return Page([], total, limit, offset)
        if after is not None:
            beyond = search.order >= after[0]
        else:
            beyond, rest = recent(
                session,
                (_START, criteria, offset),
                lambda: _skip(session, search, offset),
                large=lambda _: offset >= MIN_SKIPPED,
            )
        hits = _walk(session, search, beyond)
    chosen, rest = _choose(session, search, hits, after=after, limit=limit, offset=rest)
    items, is_cut = _read(session, search, chosen, after, limit=limit, offset=rest)
    if after is None and few is None and items:
        first, last = items[0].run_id, items[-1].run_id
        before = sum(item.run_id == last for item in items) + (rest if last == first else 0)
        cache_value(session, (_START, criteria, offset), (search.order >= first, rest))
        cache_value(session, (_START, criteria, offset + len(items)), (search.order >= last, before))
    is_least = total > count_up_to
    return Page(items, min(total, count_up_to), limit, offset, total_is_least=is_least, is_cut=is_cut)


def read_entries_after(
    session: Session,
    criteria: EntryFilter,
    after: Position | None,
    *,
    limit: int,
) -> list[EntryRecord]:
    """Read the matching entries after `after` (as in list_entries) without a count; fewer if they are large."""
    search = _search(session, criteria)
    hits = _walk(session, search, None if after is None else search.order >= after[0])
    chosen, offset = _choose(session, search, hits, after=after, limit=limit, offset=0)
    items, _ = _read(session, search, chosen, after, limit=limit, offset=offset)
    return items


def _search(session: Session, criteria: EntryFilter) -> _EntrySearch:
    kinds = {"module": criteria.module, "testcase": criteria.testcase, "tag": criteria.tag, "level": criteria.level}
    matching = None
    if any(value is not None for value in kinds.values()):
        matching = find_outcomes(session, matching_kinds(session, **kinds))
    tag = None if criteria.domain_tag is None else domains_of_tag(session, criteria.domain_tag)
    return _EntrySearch(_conditions(session, criteria), matching, criteria.latest, tag)


def _conditions(session: Session, criteria: EntryFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if criteria.run_id is not None:
        found.append(Run.id == criteria.run_id)
    if criteria.domain_id is not None:
        found.append(Run.domain_id == criteria.domain_id)
    if criteria.batch_id is not None:
        found.append(match_batch(session, criteria.batch_id))
    return found


def _few_hits(session: Session, search: _EntrySearch, criteria: EntryFilter) -> list[_Hit] | None:
    """Return all matching runs in order, or None if there are many now, or were a few seconds ago.

    For rare matches, walking the runs in order would read all of them.
    """
    if search.matching is not None and not search.matching.some:
        return []
    if not search.conditions and search.tag is None and not (search.latest and search.matching):
        return None

    def find() -> list[_Hit] | None:
        first = search.reads_runs_first
        rows = session.execute(search.runs(FEW_RUNS + 1, hits=not first, walked=first)).all()
        return None if len(rows) > FEW_RUNS else sorted(_numbered(session, search, rows))

    return recent(session, ("runs with entries", criteria), find, large=lambda hits: hits is None)


def _numbered(session: Session, search: _EntrySearch, rows: Sequence[Any]) -> list[_Hit]:
    """Return hits with the numbers of their matching entries.

    The numbers of outcomes are read separately: joined to runs, they would be summed for all outcomes, and PostgreSQL
    might compare each run with each outcome.
    """
    if search.matching is None:
        return [_Hit(row.run_id, row.entries) for row in rows]
    numbers = _entries_of_outcomes(session, search.matching, {row.outcome_id for row in rows})
    return [_Hit(row.run_id, numbers[row.outcome_id]) for row in rows if row.outcome_id in numbers]


def _entries_of_outcomes(session: Session, matching: MatchingOutcomes, outcome_ids: set[int]) -> dict[int, int]:
    """Return the numbers of matching entries of outcomes; outcomes without matches are absent."""
    found = {number: matching.some[number] for number in outcome_ids & matching.some.keys()}
    if not matching.complete:
        found |= count_entries(session, matching.kinds, outcome_ids - found.keys())
    return found


def _total(session: Session, criteria: EntryFilter, search: _EntrySearch, count_up_to: int) -> int:
    key = ("entries", criteria, count_up_to)
    return recent_total(
        session, key, partial(_count, session, search, count_up_to), examined=partial(count_runs, session)
    )


def _count(session: Session, search: _EntrySearch, maximum: int) -> int:
    """Count matching entries; above `maximum` any larger number may be returned."""
    sizes = [maximum + 1] if search.reads_runs_first else []
    if search.matching is None:  # A run has many entries, so a few runs usually exceed the limit.
        sizes = [maximum // 10 + 1, maximum + 1]
    for size in sizes:
        query = search.slice(None, size, hits=False) if search.matching else search.runs(size, hits=False)
        some = _sum(session, search, query)
        if some.entries > maximum or some.runs < size:
            return some.entries
    return _sum(session, search, search.runs(maximum + 1, hits=True)).entries


def _sum(session: Session, search: _EntrySearch, query: "Select[Any]") -> _Sum:
    some = query.subquery()
    columns = (
        func.count().label("runs"),
        (func.sum(some.c.entries) if search.matching is None else literal(0)).label("entries"),
        func.max(some.c.run_id).label("last"),
    )
    groups = session.execute(select(some.c.outcome_id, *columns).group_by(some.c.outcome_id)).all()
    numbers = _entries_of_outcomes(session, search.matching, {group[0] for group in groups}) if search.matching else {}
    runs, entries, last = 0, 0, ""
    # A single pass, because there are ten thousand groups before a deep offset.
    for outcome_id, number, found, newest in groups:
        runs += number
        entries += int(found) if search.matching is None else numbers.get(outcome_id, 0) * number
        last = max(last, newest)
    return _Sum(runs, entries, last)


def _skip(session: Session, search: _EntrySearch, offset: int) -> tuple[ColumnElement[bool] | None, int]:
    """Skip to an offset by counting the previous runs without reading them; return the start and the remaining offset.

    The number of runs to count next is estimated from the previous runs; if it was too large, fewer are counted again.
    """
    beyond: ColumnElement[bool] | None = None
    size = FIRST_SKIPPED
    while offset >= MIN_SKIPPED and size:
        some = _sum(session, search, search.slice(beyond, size, hits=not search.reads_runs_first))
        likely = int(_SAFETY_FACTOR * offset * some.runs / max(1, some.entries))
        if some.entries > offset:
            size = min(size - 1, likely)
            continue
        if some.runs:
            beyond, offset = search.order > some.last, offset - some.entries
        if some.runs < size:
            break
        size = min(_MAX_SKIPPED, _GROWTH * size, likely - int(_SAFETY_FACTOR * some.runs))
    return beyond, offset


def _walk(session: Session, search: _EntrySearch, beyond: ColumnElement[bool] | None) -> Iterator[_Hit]:
    """Yield the matching runs in order of ID, starting at `beyond`, read in growing slices."""
    size, tried = FIRST_SLICE, 0
    while True:
        reads_runs_first = search.reads_runs_first and tried < MAX_TRIED
        rows = session.execute(search.slice(beyond, size, hits=not reads_runs_first)).all()
        yield from _numbered(session, search, rows)
        if len(rows) < size:
            return
        tried += size
        beyond, size = search.order > rows[-1].run_id, min(MAX_SLICE, 5 * size)


def _choose(
    session: Session, search: _EntrySearch, hits: Iterator[_Hit], *, after: Position | None, limit: int, offset: int
) -> tuple[list[str], int]:
    """Return the runs of a page, and the offset within the first run.

    The offset is skipped by counts, so that only documents of the page are read.
    """
    chosen: list[str] = []
    missing = limit
    for hit in hits:
        number = hit.entries
        if after is not None and hit.run_id == after[0]:
            number = sum(
                len(_positions_of(search, run, after)) for run in read_stored_runs(session, [hit.run_id]).values()
            )
        if not chosen and offset >= number:
            offset -= number
            continue
        missing -= number - (0 if chosen else offset)
        chosen.append(hit.run_id)
        if missing <= 0:
            break
    return chosen, offset


def _read(
    session: Session,
    search: _EntrySearch,
    run_ids: Sequence[str],
    after: Position | None,
    *,
    limit: int,
    offset: int,
) -> tuple[list[EntryRecord], bool]:
    """Return the entries of a page, and whether the page is cut."""
    items: list[EntryRecord] = []
    remaining = PAGE_BYTES
    for runs in read_in_parts(session, run_ids):
        kinds = kinds_of(session, runs)
        for run in runs:
            positions = _positions_of(search, run, after)
            for position in positions[offset:]:
                remaining -= run.byte_count(position)
                if len(items) == limit or (items and remaining < 0):
                    return items, len(items) < limit
                items.append(run.listed_entry(position, kinds))
            offset = max(0, offset - len(positions))
    return items, False


def _positions_of(search: _EntrySearch, run: StoredRun, after: Position | None) -> list[int]:
    """Return the positions of the entries of a run that match and follow `after`."""
    start = 0
    if after is not None and run.id == after[0]:
        start = max(0, after[1] + 1 - run.key * ENTRIES_PER_RUN)
    kinds = None if search.matching is None else search.matching.kinds
    return [position for position in range(start, len(run.kinds)) if kinds is None or run.kinds[position] in kinds]
