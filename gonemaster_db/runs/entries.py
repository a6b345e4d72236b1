"""Entries of one run and across runs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from gonemaster_db.batches.batches import of_batch
from gonemaster_db.core.filters import EntryFilter
from gonemaster_db.core.recent_totals import recent_total, remember, remembered
from gonemaster_db.core.records import Entry, Page
from gonemaster_db.domains.run_domains import DomainsOfTag, domains_of_tag
from gonemaster_db.models import Domain, Run
from gonemaster_db.runs.counters import count_runs
from gonemaster_db.runs.documents.outcomes import count_entries
from gonemaster_db.runs.documents.registry import matching_kinds
from gonemaster_db.runs.matching_outcomes import MatchingOutcomes, find_outcomes, has_outcome
from gonemaster_db.runs.newest_outcomes import outcomes_known
from gonemaster_db.runs.run_documents import (
    ENTRIES_PER_RUN,
    StoredRun,
    entries_of,
    kinds_of,
    read_in_parts,
    read_stored_run,
    read_stored_runs,
)

Position = tuple[str, int]  # id of a run and of one of its entries
COUNT_UP_TO = 20_000  # a filter that few runs match is counted over all of them, and most readers want the first page
COUNT_SCATTERED_UP_TO = 5000  # where a match may be far from the next: each run between them is looked up
_FEW_RUNS = 5000
_MAX_STREAMS = 50
_FIRST_SLICE = 200
_MAX_SLICE = 5000
PAGE_OCTETS = 8 * 1024 * 1024  # of the arguments of a page, as JSON
_BETWEEN_PAUSES = 10  # entries
_TRIED = 20_000  # runs in order that are looked at before the outcomes of all runs are
_WORTH_SKIPPING = 2000  # entries of an offset, from which on runs are counted and not read
_FIRST_SKIPPED = 100
_WORTH_KNOWING = (
    5000  # entries of an offset, from which on the next page is likely to be asked for in the order of pages
)
_PLACE = "place of entries"
_PLACES = "places of entries"
_END = "end of entries"
_MOST_PLACES = 20  # of a filter
_MANY = "many runs with entries"
_OFTEN = 0.3  # entries a run, from which on runs are read with any outcome
_CAUTION = 0.99  # runs further on may have more entries than those that were counted,
_DEVIATIONS = 2.5  # and a count of few entries is off by chance
_MOST_LOOKED_UP = 100_000  # newest runs at a time: for more PostgreSQL would read and sort all runs
_GROWTH = 50  # and a hundred runs tell little about a hundred thousand


@dataclass(frozen=True, slots=True)
class _Hit:
    """A run with matching entries, and the number of those."""

    run_id: str
    entries: int


@dataclass(frozen=True, slots=True)
class _Search:
    """A filter made ready: conditions on runs, and outcomes if entries are filtered, too."""

    conditions: Sequence[ColumnElement[bool]]
    matching: MatchingOutcomes | None
    latest: bool
    tag: DomainsOfTag | None = None
    outcomes_known: bool = False
    """Of newest runs, in domains."""

    @property
    def finds_nothing(self) -> bool:
        return self.matching is not None and not self.matching.some

    @property
    def is_scattered(self) -> bool:
        """Whether entries are filtered among the runs of many domains that no index has together."""
        return self.matching is not None and (self.latest or (self.tag is not None and self.tag.few is None))

    @property
    def order(self) -> ColumnElement[str]:
        """The id of the run, of the table that is read first."""
        return Domain.latest_run_id.expression if self.latest else Run.id.expression  # type: ignore[return-value]  # of a run

    @property
    def is_of_domains(self) -> bool:
        """Whether what domains know of their newest runs is enough to walk and to count these."""
        return self.outcomes_known and self.matching is not None and not self.conditions

    @property
    def is_tried(self) -> bool:
        """Whether runs are read with any outcome first, since most outcomes match."""
        return self.matching is not None and not self.matching.complete

    def runs(self, size: int) -> "Select[Any]":
        """Select run_id, outcome_id and `entries` of runs with entries that meet the conditions, `size` at most."""
        entries = Run.entry_count.expression if self.matching is None else literal(0, Integer())
        query = self._select(Run.id, Run.outcome_id.expression, entries, Run.domain_id.expression, size)
        if self.latest:
            # Joined by an expression, the table of runs cannot be read first: the oldest runs are of no domain.
            is_walked = self.matching is None and not self.conditions and self.tag is None
            newest = Domain.latest_run_id.concat("") if is_walked else Domain.latest_run_id
            query = query.select_from(Domain).join(Run, Run.id == newest)
        return query.where(*self.conditions)

    def newest_runs(self, size: int) -> "Select[Any]":
        """Select the same, if it `is_of_domains`, from domains alone."""
        return self._select(
            Domain.latest_run_id, Domain.latest_outcome_id.expression, literal(0, Integer()), Domain.id.expression, size
        )

    def _select(
        self,
        run_id: Any,
        outcome_id: ColumnElement[Any],
        entries: ColumnElement[int],
        domain_id: ColumnElement[Any],
        size: int,
    ) -> "Select[Any]":
        columns = (run_id.label("run_id"), outcome_id.label("outcome_id"), entries.label("entries"))
        query = select(*columns).where(outcome_id.is_not(None)).limit(size)
        return query if self.tag is None else query.where(self.tag.condition(size, domain_id))

    def walked(self, size: int) -> "Select[Any]":
        """Select `runs` to sort them by their ids, or to count them whatever they have."""
        return self.newest_runs(size) if self.is_of_domains else self.runs(size)

    def walked_hits(self, size: int) -> "Select[Any]":
        """Select `hits` to sort them by their ids."""
        if self.matching is None or not self.is_of_domains:
            return self.hits(size)
        return self.newest_runs(size).where(has_outcome(self.matching, Domain.latest_outcome_id.expression))

    def hits(self, size: int) -> "Select[Any]":
        """Select the same of runs that match; `_numbered` makes hits of them."""
        return self.runs(size) if self.matching is None else self.runs(size).where(has_outcome(self.matching))


def entries_of_run(session: Session, run_id: str, *, min_level: str | None = None) -> Sequence[Entry]:
    """Read the entries of one run in their order, from a level up.

    Raises:
        RunNotFound: no such run.
        DocumentDamaged: its document cannot be read.
    """
    return entries_of(session, read_stored_run(session, run_id), min_level=min_level)


def list_entries(
    session: Session,
    wanted: EntryFilter,
    *,
    limit: int = 100,
    offset: int = 0,
    after: Position | None = None,
    count_up_to: int = COUNT_UP_TO,
    pause: Callable[[], None] = lambda: None,
) -> Page[Entry]:
    """Page through entries by run id, then entry id.

    `after` (run id and entry id of the last item seen) is fast at any depth, `offset` is not.
    `total` is exact up to `count_up_to`, and COUNT_SCATTERED_UP_TO for some filters; above, it is that number and
    `total_is_least` is set. A page whose entries are large has fewer (`is_cut`), one at least: about PAGE_OCTETS of
    arguments. `pause` is called between parts.
    """
    search = _search(session, wanted)
    if search.is_scattered:
        count_up_to = min(count_up_to, COUNT_SCATTERED_UP_TO)
    if search.finds_nothing:
        return Page([], 0, limit, offset)
    few = _few_hits(session, search, wanted)
    if few is not None:
        total = sum(hit.entries for hit in few)
        behind = (hit for hit in few if after is None or hit.run_id >= after[0])
        chosen, rest = _choose(session, search, behind, after=after, limit=limit, offset=offset)
        items, is_cut = _read(session, search, chosen, after, limit=limit, offset=rest, pause=pause)
        return _page(items, total, count_up_to, limit=limit, offset=offset, is_cut=is_cut)
    by_offset = after is None
    if by_offset and (known := _total_before(session, wanted, offset, count_up_to)) is not None:
        return _page([], known, count_up_to, limit=limit, offset=offset)
    # What follows so many entries shows that there are more than are counted.
    shows_total = by_offset and offset >= count_up_to and search.is_scattered and search.is_tried
    total = count_up_to + 1 if shows_total else _total(session, wanted, search, count_up_to)
    if offset >= total and total < count_up_to:
        return _page([], total, count_up_to, limit=limit, offset=offset)
    place = _Place(None if after is None else search.order >= after[0], offset)
    if by_offset:
        place = _reach(session, search, wanted, offset)
    hits = _walk(session, search, place.beyond, first=ceil((place.offset + limit) * place.runs_per_entry))
    chosen, rest = _choose(session, search, hits, after=after, limit=limit, offset=place.offset)
    items, is_cut = _read(session, search, chosen, after, limit=limit, offset=rest, pause=pause)
    if shows_total and not items:
        total = _total(session, wanted, search, count_up_to)
    if by_offset and offset >= _WORTH_KNOWING:
        _note_page(session, wanted, offset, items, rest, total=(count_up_to, total))
    return _page(items, total, count_up_to, limit=limit, offset=offset, is_cut=is_cut)


def _page(
    items: Sequence[Entry], total: int, count_up_to: int, *, limit: int, offset: int, is_cut: bool = False
) -> Page[Entry]:
    return Page(items, min(total, count_up_to), limit, offset, total_is_least=total > count_up_to, is_cut=is_cut)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk begins, the rest of the offset there, and how many runs an entry takes as a rule (0: unknown)."""

    beyond: ColumnElement[bool] | None
    offset: int
    runs_per_entry: float = 0


def _reach(session: Session, search: _Search, wanted: EntryFilter, offset: int) -> _Place:
    """Go to an offset: from where the last page before it began or ended that was read a moment ago, else the start."""
    for known in sorted(remembered(session, (_PLACES, wanted)) or (), reverse=True):
        place: Position | None = remembered(session, (_PLACE, wanted, known)) if known <= offset else None
        if place is not None:
            begin = _Place(search.order >= place[0], place[1] + offset - known)
            return begin if known == offset else _skip(session, search, begin)
    return _skip(session, search, _Place(None, offset))


def _total_before(session: Session, wanted: EntryFilter, offset: int, count_up_to: int) -> int | None:
    """Return the total if an offset is known to be behind the last entry; None if it is not."""
    known: tuple[int, int] | None = remembered(session, (_END, wanted, count_up_to))
    return known[1] if known is not None and offset >= known[0] else None


def _note_page(
    session: Session, wanted: EntryFilter, offset: int, items: Sequence[Entry], skipped: int, *, total: tuple[int, int]
) -> None:
    """Remember where a page begins and where it ends; `skipped` entries of its first run come before it.

    Of an empty page, that it is behind the last entry, with the `total` (counted up to, found).
    """
    if not items:
        remember(session, (_END, wanted, total[0]), (offset, total[1]))
        return
    first, last = items[0].run_id, items[-1].run_id
    before = (skipped if first == last else 0) + sum(item.run_id == last for item in items)
    _note_place(session, wanted, offset, (first, skipped))
    _note_place(session, wanted, offset + len(items), (last, before))


def _note_place(session: Session, wanted: EntryFilter, offset: int, place: Position) -> None:
    """Remember the run in which the page at an offset begins, and how many of its entries come before it."""
    remember(session, (_PLACE, wanted, offset), place)
    others: tuple[int, ...] = remembered(session, (_PLACES, wanted)) or ()
    remember(session, (_PLACES, wanted), (*[one for one in others if one != offset], offset)[-_MOST_PLACES:])


def read_entries_after(
    session: Session,
    wanted: EntryFilter,
    after: Position | None,
    *,
    limit: int,
    pause: Callable[[], None] = lambda: None,
) -> list[Entry]:
    """Read the entries that match behind `after` (as in list_entries), uncounted; fewer if they are large."""
    search = _search(session, wanted)
    if search.finds_nothing:
        return []
    hits = _walk(session, search, None if after is None else search.order >= after[0])
    chosen, offset = _choose(session, search, hits, after=after, limit=limit, offset=0)
    items, _ = _read(session, search, chosen, after, limit=limit, offset=offset, pause=pause)
    return items


def _search(session: Session, wanted: EntryFilter) -> _Search:
    kinds = {"module": wanted.module, "testcase": wanted.testcase, "tag": wanted.tag, "level": wanted.level}
    matching = None
    if any(value is not None for value in kinds.values()):
        matching = find_outcomes(session, matching_kinds(session, **kinds))
    tag = None if wanted.domain_tag is None else domains_of_tag(session, wanted.domain_tag)
    known = wanted.latest and outcomes_known(session)
    return _Search(_conditions(session, wanted), matching, wanted.latest, tag, known)


def _conditions(session: Session, wanted: EntryFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.run_id is not None:
        found.append(Run.id == wanted.run_id)
    if wanted.domain_id is not None:
        found.append(Run.domain_id == wanted.domain_id)
    if wanted.batch_id is not None:
        found.append(of_batch(session, wanted.batch_id))
    return found


def _few_hits(session: Session, search: _Search, wanted: EntryFilter) -> list[_Hit] | None:
    """Return all runs that match, in order; None if there are many, or were a moment ago.

    A rare match in a walk in the order of runs costs the whole walk.
    """
    if not search.conditions and search.tag is None and not (search.latest and search.matching):
        return None
    if remembered(session, (_MANY, wanted)):
        return None
    query = search.walked if search.is_tried else search.hits
    rows = session.execute(query(_FEW_RUNS + 1)).all()
    if len(rows) > _FEW_RUNS:
        remember(session, (_MANY, wanted), True)
        return None
    return sorted(_numbered(session, search, rows), key=lambda hit: hit.run_id)


def _numbered(session: Session, search: _Search, rows: Sequence[Any]) -> list[_Hit]:
    """Return hits with the numbers of their matching entries.

    The numbers of outcomes are read apart: joined to runs they are summed for all outcomes, and PostgreSQL may compare
    each run with each of them.
    """
    if search.matching is None:
        return [_Hit(row.run_id, row.entries) for row in rows]
    numbers = _entries_of_outcomes(session, search.matching, {row.outcome_id for row in rows})
    return [_Hit(row.run_id, numbers[row.outcome_id]) for row in rows if row.outcome_id in numbers]


def _entries_of_outcomes(session: Session, matching: MatchingOutcomes, wanted: set[int]) -> dict[int, int]:
    """Return the numbers of matching entries of some outcomes; those without are absent."""
    found = {number: matching.some[number] for number in wanted & matching.some.keys()}
    if not matching.complete:
        found |= count_entries(session, matching.kinds, wanted - found.keys())
    return found


def _total(session: Session, wanted: EntryFilter, search: _Search, count_up_to: int) -> int:
    key = ("entries", wanted, count_up_to)
    count = partial(_count, session, search, count_up_to)
    return recent_total(session, key, count, examined=partial(count_runs, session))


def _count(session: Session, search: _Search, count_up_to: int) -> int:
    """Count matching entries; beyond `count_up_to` any larger number is returned."""
    matching, most, total = search.matching, count_up_to + 1, 0
    if matching is None:  # a run has many entries, so that a few runs usually say that there are more
        for runs in (most // 10 + 1, most):
            some = _sum(session, search, search.hits(runs))
            total = some.entries
            if some.runs < runs or total > count_up_to:
                break
        return total
    beyond: ColumnElement[bool] | None = None
    while not matching.complete:  # to read runs with any outcome is faster, as long as most of them match
        some = _sum(session, search, _slice(search, beyond, most))
        total += some.entries
        if total > count_up_to or some.runs < most:
            return total
        if some.entries < _OFTEN * some.runs:
            break
        beyond = search.order > some.last
    return _sum(session, search, search.hits(most)).entries


@dataclass(frozen=True, slots=True)
class _Sum:
    """Of some runs: their number, the number of their matching entries, and the last of their ids."""

    runs: int
    entries: int
    last: str


def _sum(session: Session, search: _Search, hits: "Select[Any]") -> _Sum:
    some = hits.subquery()
    columns = (
        func.count().label("runs"),
        (func.sum(some.c.entries) if search.matching is None else literal(0)).label("entries"),
        func.max(some.c.run_id).label("last"),
    )
    groups = session.execute(select(some.c.outcome_id, *columns).group_by(some.c.outcome_id)).all()
    numbers: Mapping[int, int] = {}
    if search.matching is not None:
        numbers = _entries_of_outcomes(session, search.matching, {group[0] for group in groups})
    runs, entries, last = 0, 0, ""
    for outcome_id, number, found, newest in groups:  # ten thousand of them before a deep offset: in one pass
        runs += number
        entries += int(found) if search.matching is None else numbers.get(outcome_id, 0) * number
        last = max(last, newest)
    return _Sum(runs, entries, last)


def _skip(session: Session, search: _Search, place: _Place) -> _Place:
    """Skip most of the runs before an offset: their outcomes are counted, and no row of them is read."""
    beyond, offset, runs_per_entry = place.beyond, place.offset, 0.0
    size, query, most = _FIRST_SKIPPED, _slice, _FIRST_SKIPPED
    while offset >= _WORTH_SKIPPING and size:
        skipped = _sum(session, search, query(search, beyond, size))
        if not skipped.runs:
            break
        runs_per_entry = skipped.runs / max(1, skipped.entries)
        if skipped.entries > offset:
            size = min(size - 1, _runs_of(offset, skipped))
            continue
        offset -= skipped.entries
        beyond = search.order > skipped.last
        is_looked_up = search.latest and not search.is_of_domains
        most = min(most * _GROWTH, _MOST_LOOKED_UP) if is_looked_up else most * _GROWTH
        if skipped.entries < _OFTEN * skipped.runs:
            size, query = min(_FEW_RUNS, int(_CAUTION * offset)), _slice_of_hits
        else:
            size = min(most, _runs_of(offset, skipped))
    return _Place(beyond, offset, runs_per_entry)


def _runs_of(offset: int, some: _Sum) -> int:
    """Estimate how many runs have the entries of an offset, rather too few, if they are like those counted."""
    caution = max(_CAUTION - _DEVIATIONS / some.entries**0.5, _CAUTION / 2)
    return int(caution * offset * some.runs / some.entries)


def _walk(session: Session, search: _Search, beyond: ColumnElement[bool] | None, *, first: int = 0) -> Iterator[_Hit]:
    """Yield the runs that match in the order of their ids, from `beyond` on; read in growing slices from `first` on."""
    size, tried = min(max(_FIRST_SLICE, first), _MAX_SLICE), 0
    while True:
        query = _slice if tried < _TRIED else _slice_of_hits
        rows = session.execute(query(search, beyond, size)).all()
        yield from _numbered(session, search, rows)
        if len(rows) < size:
            return
        tried += size
        beyond, size = search.order > rows[-1].run_id, min(_MAX_SLICE, 5 * size)


def _slice(search: _Search, beyond: ColumnElement[bool] | None, size: int) -> "Select[Any]":
    """Select the next runs: those that match, or all where most do."""
    return _sliced(search.walked(size), search, beyond) if search.is_tried else _slice_of_hits(search, beyond, size)


def _slice_of_hits(search: _Search, beyond: ColumnElement[bool] | None, size: int) -> "Select[Any]":
    matching = search.matching
    if (
        matching is None
        or not matching.complete
        or len(matching.some) > _MAX_STREAMS
        or search.conditions
        or search.tag
        or search.latest
    ):
        return _sliced(search.walked_hits(size), search, beyond)
    # In the order of all runs an outcome may come late; in that of each outcome its first runs are read at once.
    parts = [
        select(_sliced(search.hits(size).where(Run.outcome_id == outcome_id), search, beyond).subquery())
        for outcome_id in matching.some
    ]
    merged = union_all(*parts).subquery()
    return select(merged).order_by(merged.c.run_id).limit(size)


def _sliced(query: "Select[Any]", search: _Search, beyond: ColumnElement[bool] | None) -> "Select[Any]":
    return (query if beyond is None else query.where(beyond)).order_by(search.order)


def _choose(
    session: Session, search: _Search, hits: Iterator[_Hit], *, after: Position | None, limit: int, offset: int
) -> tuple[list[str], int]:
    """Return the runs of a page, and the offset in the first of them.

    The offset is skipped by numbers, so that only documents of the page are read.
    """
    chosen: list[str] = []
    missing = limit
    for hit in hits:
        number = hit.entries
        if after is not None and hit.run_id == after[0]:
            number = sum(len(_places(search, run, after)) for run in read_stored_runs(session, [hit.run_id]).values())
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
    search: _Search,
    run_ids: Sequence[str],
    after: Position | None,
    *,
    limit: int,
    offset: int,
    pause: Callable[[], None],
) -> tuple[list[Entry], bool]:
    """Return the entries of a page, and whether it is cut."""
    items: list[Entry] = []
    room = PAGE_OCTETS
    for runs in read_in_parts(session, run_ids):
        kinds = kinds_of(session, runs)
        for run in runs:
            places = _places(search, run, after)
            for number, place in enumerate(places[offset:]):
                if not number % _BETWEEN_PAUSES:
                    pause()
                room -= run.octets(place)
                if len(items) == limit or (items and room < 0):
                    return items, len(items) < limit
                items.append(run.listed_entry(place, kinds))
            offset = max(0, offset - len(places))
    return items, False


def _places(search: _Search, run: StoredRun, after: Position | None) -> list[int]:
    """List the places of the entries of a run that match and follow `after`."""
    start = 0
    if after is not None and run.id == after[0]:
        start = max(0, after[1] + 1 - run.key * ENTRIES_PER_RUN)
    kinds = None if search.matching is None else search.matching.kinds
    return [place for place in range(start, len(run.kinds)) if kinds is None or run.kinds[place] in kinds]
