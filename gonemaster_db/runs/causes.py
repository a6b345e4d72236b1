"""Root causes of runs as an indexed column: which runs have a cause, and which causes differ."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import CauseSet, Domain, Run, RunStatus
from gonemaster_db.runs.documents.caches import after_commit, caches_of


def ensure_cause_set(session: Session, causes: Collection[str] | None) -> int | None:
    """Find or create the set of causes; return its ID, or None if the causes are unknown."""
    if causes is None:
        return None
    joined = "".join(f"|{cause}" for cause in sorted(causes)) + ("|" if causes else "")
    caches = caches_of(session)
    if (cached := caches.cause_sets.find({joined}).get(joined)) is not None:
        return cached
    known = select(CauseSet.id).where(CauseSet.causes == joined)
    if (found := session.scalar(known)) is None:
        # Another transaction may create the same set at the same time; then this one waits, and reads that row.
        session.execute(insert(session, CauseSet).values(causes=joined).on_conflict_do_nothing())
        found = session.scalars(known).one()
    number = found
    after_commit(session, lambda: caches.cause_sets.add({joined: number}))
    return number


def read_cause_sets(session: Session, set_ids: Iterable[int | None]) -> dict[int, Sequence[str]]:
    """Return the causes of sets by ID, each in alphabetical order."""
    known = {set_id for set_id in set_ids if set_id is not None}
    rows = session.execute(select(CauseSet.id, CauseSet.causes).where(CauseSet.id.in_(known)))
    return {set_id: [cause for cause in causes.split("|") if cause] for set_id, causes in rows}


def causes_of_runs(session: Session, keys: Collection[int]) -> dict[int, Sequence[str]]:
    """Return the stored causes of runs by key; runs with unknown causes are absent."""
    rows = session.execute(select(Run.key, Run.cause_set_id).where(Run.key.in_(keys), Run.cause_set_id.is_not(None)))
    of_runs = {row.key: row.cause_set_id for row in rows}
    sets = read_cause_sets(session, of_runs.values())
    return {key: sets[set_id] for key, set_id in of_runs.items() if set_id in sets}


@dataclass(frozen=True, slots=True)
class CauseChange:
    """A cause whose domains changed; only domains on both sides with known causes appear or are cleared."""

    cause: str
    domains_before: int
    domains_after: int
    appeared: int
    cleared: int


def changes_of_causes(
    sets: Mapping[int, Sequence[str]],
    before: Mapping[int | None, int],
    after: Mapping[int | None, int],
    pairs: Mapping[tuple[int | None, int | None], int],
) -> list[CauseChange]:
    """Return the causes that changed, by name.

    The counts are numbers of domains: by set of causes on each side, and by both sets for domains on both sides.
    """
    appeared, cleared, old, new = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for counted, counts in ((old, before), (new, after)):
        for set_id, number in counts.items():
            counted.update(dict.fromkeys(_causes(sets, set_id), number))
    for (was, now), number in pairs.items():
        if was is not None and now is not None:
            appeared.update(dict.fromkeys(set(_causes(sets, now)) - set(_causes(sets, was)), number))
            cleared.update(dict.fromkeys(set(_causes(sets, was)) - set(_causes(sets, now)), number))
    return [
        CauseChange(cause, old[cause], new[cause], appeared[cause], cleared[cause])
        for cause in sorted({*appeared, *cleared, *(each for each in {*old, *new} if old[each] != new[each])})
    ]


def _causes(sets: Mapping[int, Sequence[str]], set_id: int | None) -> Sequence[str]:
    return () if set_id is None else sets.get(set_id, ())


def sets_with(cause: str) -> Select[int]:
    """Select the sets that contain a cause."""
    return select(CauseSet.id).where(CauseSet.causes.contains(f"|{cause}|", autoescape=True))


def runs_with(cause: str) -> ColumnElement[bool]:
    """Match the runs that have a cause."""
    return Run.cause_set_id.in_(sets_with(cause))


def domains_with(cause: str) -> ColumnElement[bool]:
    """Match the domains whose newest run has a cause."""
    return select(Run.key).where(Run.id == Domain.latest_run_id, runs_with(cause)).exists()


@dataclass(frozen=True, slots=True)
class RunCauses:
    """A successful run and its root causes."""

    run_id: str
    public_id: str | None
    finished_at: datetime
    grade: str | None
    causes: frozenset[str]


def list_causes_before(session: Session, run: Run, *, only_public: bool, limit: int) -> list[RunCauses]:
    """Return the earlier successful runs of the same domain that have known causes, newest first."""
    query = (
        select(Run.id, Run.public_id, Run.finished_at, Run.grade, CauseSet.causes)
        .join(CauseSet, CauseSet.id == Run.cause_set_id)
        .where(Run.domain_id == run.domain_id, Run.finished_at < run.finished_at, Run.status == RunStatus.SUCCEEDED)
        .order_by(Run.finished_at.desc(), Run.key.desc())
        .limit(limit)
    )
    if only_public:
        query = query.where(Run.public_id.is_not(None))
    return [RunCauses(*row[:4], frozenset(filter(None, row.causes.split("|")))) for row in session.execute(query)]


def count_recent_causes(session: Session, since: datetime, *, maximum: int) -> Counter[str]:
    """Return how many runs since a moment have each cause, among the newest `maximum` runs."""
    first = select(func.coalesce(func.max(Run.key), 0) - maximum).scalar_subquery()
    query = (
        select(CauseSet.causes, func.count())
        .join(Run, Run.cause_set_id == CauseSet.id)
        .where(Run.key > first, Run.finished_at > since)
        .group_by(CauseSet.causes)
    )
    found = Counter[str]()
    for causes, number in session.execute(query):
        found.update(dict.fromkeys(filter(None, causes.split("|")), number))
    return found
