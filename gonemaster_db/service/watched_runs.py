"""Follows finished runs for watches by run key, outside the transactions that store the runs (`run_keys`)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, SmallInteger, and_, delete, exists, or_, select, type_coerce, update
from sqlalchemy.orm import Session, aliased

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.levels import LEVELS, SEVERITIES
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Batch, DomainTag, Job, Run, RunStatus, Watch, WatchDigest, WatchedBatch
from gonemaster_db.runs.documents.outcomes import sequences_of
from gonemaster_db.runs.documents.registry import kinds_by_id
from gonemaster_db.runs.run_keys import Hole, Progress
from gonemaster_db.service.watch_states import read_state, remove_state, store_state
from gonemaster_db.service.watches import newest_run_key

_STATE = "runs"
_NO_SYNC = {"synchronize_session": False}
_RANGES = 100  # number of holes in one query
# Config keys of undelegated or partial tests, which say nothing about the zone as delegated.
_PARTIAL = ("tests", "nameservers", "ds")


@dataclass(frozen=True, slots=True)
class FollowedRun:
    """The columns of a run that comparisons need."""

    key: int
    id: str
    domain_id: int
    domain: str
    batch_key: int | None
    outcome_id: int | None
    finished_at: datetime
    score: int | None
    grade: str | None
    worst_level: str | None
    effective_profile_id: int | None
    policy: str | None = None
    policy_version: str | None = None
    verdict: str | None = None


TagKey = tuple[str, str, str]
"""Module, test case and message tag."""

_COLUMNS = (
    Run.key, Run.id, Run.domain_id, Run.domain, Run.batch_key, Run.outcome_id, Run.finished_at, Run.score, Run.grade,
    Run.worst_level, Run.effective_profile_id, Run.policy, Run.policy_version, Run.verdict,
)  # fmt: skip


def read_progress(session: Session, *, begin: int) -> Progress:
    """Read the progress; without a stored state it starts after the key `begin`."""
    state = read_state(session, _STATE)
    if state is None:
        return Progress(begin)
    return Progress(state.value["seen"], tuple(Hole(*hole) for hole in state.value["holes"]), state.version)


def store_progress(session: Session, progress: Progress) -> bool:
    """Store the progress unless another worker has stored progress since it was read; return whether it was stored."""
    value = {"seen": progress.seen, "holes": [list(hole) for hole in progress.holes]}
    return store_state(session, _STATE, value, version=progress.version)


def remove_progress(session: Session) -> None:
    """Remove the whole state when no watch follows runs; the next watch starts at its creation."""
    remove_state(session, _STATE)
    session.execute(delete(WatchedBatch), execution_options=_NO_SYNC)
    session.execute(delete(WatchDigest), execution_options=_NO_SYNC)


def follow_deletion(session: Session) -> None:
    """Reset the progress after a deletion on SQLite, which reuses the keys above the greatest remaining one."""
    if session.get_bind().dialect.name != "sqlite":
        return
    newest = newest_run_key(session)
    late = update(Watch).where(Watch.after_key > newest).values(after_key=newest)
    session.execute(late, execution_options=_NO_SYNC)
    state = read_state(session, _STATE)
    if state is not None and state.value["seen"] > newest:
        state.value = {"seen": newest, "holes": []}
        state.version += 1
        session.flush()


def batches_of_runs(session: Session, keys: Sequence[int]) -> list[tuple[int, str]]:
    """Return batch and domain of the runs that belong to a batch, with any status."""
    in_batch = select(Run.batch_key, Run.domain).where(Run.key.in_(keys), Run.batch_key.is_not(None)).distinct()
    return [(batch_key, domain) for batch_key, domain in session.execute(in_batch) if batch_key is not None]


def comparable_runs(session: Session, keys: Sequence[int]) -> list[FollowedRun]:
    """Return the runs that succeeded and tested the whole zone as delegated, by key."""
    query = select(*_COLUMNS).where(Run.key.in_(keys), *_comparable(Run)).order_by(Run.key)
    return [FollowedRun(*row) for row in session.execute(query)]


def previous_runs(session: Session, keys: Sequence[int]) -> dict[int, FollowedRun]:
    """Return the previous comparable run of the same domain by key; a first run is absent."""
    found = {key: previous for key, previous in session.execute(_previous_keys(keys)) if previous is not None}
    rows = session.execute(select(*_COLUMNS).where(Run.key.in_(set(found.values()))))
    runs = {row.key: FollowedRun(*row) for row in rows}
    return {key: runs[previous] for key, previous in found.items() if previous in runs}


def _previous_keys(keys: Sequence[int]) -> "Select[int, int | None]":
    before = aliased(Run)
    earlier = or_(before.finished_at < Run.finished_at, before.id < Run.id)
    of_domain = (before.domain_id == Run.domain_id, before.finished_at <= Run.finished_at, earlier)
    # Policies select different test cases.
    of_policy = before.policy.is_not_distinct_from(Run.policy)
    newest = select(before.key).where(*of_domain, of_policy, *_comparable(before)).correlate(Run)
    newest = newest.order_by(before.finished_at.desc(), before.id.desc()).limit(1)
    return select(Run.key, newest.scalar_subquery()).where(Run.key.in_(keys))


def _comparable(run: type[Run]) -> list[ColumnElement[bool]]:
    # The expression hides the column from the planner. Without statistics, PostgreSQL would choose the index of status
    # and time instead of domain and time, and read half of the table for each run.
    status = type_coerce(run.status, SmallInteger) + 0
    return [
        status == list(RunStatus).index(RunStatus.SUCCEEDED),
        *(run.config[name].as_string().is_(None) for name in _PARTIAL),
    ]


def tags_among(session: Session, domain_ids: Collection[int], tags: Collection[str]) -> dict[int, set[str]]:
    """Return which of the tags each domain has; domains without any are absent."""
    found: dict[int, set[str]] = {}
    for chunk in chunks(sorted(tags), _RANGES):
        query = select(DomainTag.domain_id, DomainTag.tag).where(DomainTag.domain_id.in_(domain_ids))
        for domain_id, tag in session.execute(query.where(DomainTag.tag.in_(chunk))):
            found.setdefault(domain_id, set()).add(tag)
    return found


def severe_tags(session: Session, outcome_ids: Iterable[int | None]) -> dict[int, Mapping[TagKey, str]]:
    """Return the message tags at NOTICE and above of each outcome, with their highest level."""
    sequences = sequences_of(session, outcome_ids)
    kinds = kinds_by_id(session, {number for sequence in sequences.values() for number in sequence})
    found: dict[int, Mapping[TagKey, str]] = {}
    for outcome_id, sequence in sequences.items():
        levels: dict[TagKey, str] = {}
        for kind in (kinds[number] for number in set(sequence)):
            key = (kind.module, kind.testcase, kind.tag)
            if kind.level in SEVERITIES and LEVELS.index(kind.level) > LEVELS.index(levels.get(key, "INFO")):
                levels[key] = kind.level
        found[outcome_id] = levels
    return found


def batch_ids(session: Session, batch_keys: Iterable[int]) -> dict[int, Batch]:
    """Return batches by key, without deleted ones."""
    return {batch.key: batch for batch in session.scalars(select(Batch).where(Batch.key.in_(set(batch_keys))))}


def watch_batches(session: Session, batch_keys: Iterable[int]) -> None:
    """Mark batches whose end is to be reported."""
    known = batch_ids(session, batch_keys)  # A batch may have been deleted in the meantime.
    if rows := [{"batch_key": batch_key} for batch_key in sorted(known)]:
        session.execute(insert(session, WatchedBatch).on_conflict_do_nothing(), rows)


def ended_batches(session: Session) -> list[int]:
    """Return marked batches and batches with digests that have no unfinished job; all of their runs are committed."""
    noted: Select[int] = select(WatchedBatch.batch_key)
    every = noted.union(select(WatchDigest.batch_key).where(WatchDigest.batch_key != 0)).subquery()
    has_job = exists().where(Job.batch_id == Batch.id).correlate(Batch)
    unfinished = exists().where(Batch.key == every.c.batch_key, or_(Batch.pending > 0, has_job))
    return sorted(session.scalars(select(every.c.batch_key).where(~unfinished)))


def pop_batch(session: Session, batch_key: int) -> tuple[bool, dict[int, WatchDigest]]:
    """Remove the mark and digests of a batch; return whether its end is to be reported, and the digests by watch."""
    removed = delete(WatchedBatch).where(WatchedBatch.batch_key == batch_key).returning(WatchedBatch.batch_key)
    noted = session.execute(removed, execution_options=_NO_SYNC).first() is not None
    return noted, {digest.watch_id: digest for digest in _take_digests(session, WatchDigest.batch_key == batch_key)}


def take_digests_of_single_runs(session: Session, *, mailed_before: datetime) -> list[WatchDigest]:
    """Remove and return the digests of runs without a batch.

    Only watches that sent no such email since `mailed_before` are included.
    """
    rested = select(Watch.id).where(or_(Watch.mailed_at.is_(None), Watch.mailed_at <= mailed_before))
    return _take_digests(session, and_(WatchDigest.batch_key == 0, WatchDigest.watch_id.in_(rested)))


def _take_digests(session: Session, chosen: ColumnElement[bool]) -> list[WatchDigest]:
    removed = delete(WatchDigest).where(chosen).returning(WatchDigest)
    return list(session.scalars(removed, execution_options=_NO_SYNC))


def read_digests(session: Session, watch_ids: Collection[int]) -> dict[tuple[int, int], WatchDigest]:
    """Return digests by watch and batch."""
    digests = session.scalars(select(WatchDigest).where(WatchDigest.watch_id.in_(watch_ids)))
    return {(digest.watch_id, digest.batch_key): digest for digest in digests}


def add_digest(session: Session, watch_id: int, batch_key: int, summary: Mapping[str, Any]) -> None:
    """Create the digest of a watch and a batch (0: runs without a batch)."""
    session.add(WatchDigest(watch_id=watch_id, batch_key=batch_key, summary=dict(summary)))


def lock_watches(session: Session, watch_ids: Collection[int]) -> dict[int, Watch]:
    """Return the watches that exist and are enabled, and lock them against removal until the commit."""
    query = select(Watch).where(Watch.id.in_(watch_ids), Watch.enabled).order_by(Watch.id)
    return {watch.id: watch for watch in session.scalars(query.with_for_update(read=True, key_share=True))}


def was_tested_in(session: Session, domain: str, batch_key: int) -> bool:
    """Return whether a domain has a run in a batch."""
    query = select(Run.key).where(Run.batch_key == batch_key, Run.domain == domain).limit(1)
    return session.scalar(query) is not None
