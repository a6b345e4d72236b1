"""Follows events and queues notifications of watches, outside of the transactions of jobs.

Finished runs are read in the order of their keys. A round reads without a transaction; one short transaction then
writes its results and its progress, so that each run is reported exactly once even if workers are killed.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.batches.batches import summarise_batch
from gonemaster_db.core.errors import BatchNotFound
from gonemaster_db.core.session import Store
from gonemaster_db.models import Watch, WatchEvent, WatchNote
from gonemaster_db.runs.run_keys import Progress, next_keys
from gonemaster_db.service import watched_runs as following
from gonemaster_db.service.watched_runs import FollowedRun
from gonemaster_db.service.watches import enabled_watches, follows_runs, pop_notes
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.verdicts import causes_by_run, only_in
from gonemaster_tasks.maintenance.watches.changes import CauseChanges, Change, Grades, compare
from gonemaster_tasks.maintenance.watches.messages import (
    CHANGE_EVENTS,
    add_to_summary,
    event_id,
    instant,
    queue_digest,
    queue_message,
    queue_webhooks,
)
from gonemaster_tasks.queues import WATCH

log = logging.getLogger(__name__)

CHUNK = 1000  # runs per round
_NOTES = 100
_MAIL_REST = timedelta(minutes=5)  # The interval between two mails of a watch about single runs.
_SINGLE = 0  # In place of the key of a batch.

Changes = dict[tuple[int, int], dict[WatchEvent, list[dict[str, Any]]]]
"""Documents of changes by watch and batch, and by event."""


@dataclass(frozen=True)
class _Watchers:
    """Watches that follow runs, by what they watch."""

    by_domain: Mapping[str, list[Watch]]
    by_tag: Mapping[str, list[Watch]]

    @classmethod
    def of(cls, watches: Sequence[Watch]) -> "_Watchers":
        by_domain: defaultdict[str, list[Watch]] = defaultdict(list)
        by_tag: defaultdict[str, list[Watch]] = defaultdict(list)
        for watch in watches:
            if watch.domain is not None:
                by_domain[watch.domain].append(watch)
            elif watch.tag is not None:
                by_tag[watch.tag].append(watch)
        return cls(by_domain, by_tag)

    def subscribed_to(self, *events: WatchEvent) -> "_Watchers":
        every = [watch for group in (*self.by_domain.values(), *self.by_tag.values()) for watch in group]
        return _Watchers.of([watch for watch in every if set(events) & set(watch.events)])


@dataclass
class _Round:
    """The results of one round."""

    progress: Progress
    after: Progress
    keys: Sequence[int] = ()
    batches: set[int] = field(default_factory=set)
    changes: Changes = field(default_factory=dict)


def notify_due_watches(store: Store, broker: Broker) -> None:
    """Notify a worker to check the watches, if any. Beat does so more often, but beat itself may be absent."""
    with store.read_only() as session:
        is_needed = bool(enabled_watches(session))
    if is_needed:
        broker.lists.call(WATCH)


def follow_watches(
    store: Store, scoring: Callable[[], ScoringConfig], *, now: datetime, stopped: Callable[[], bool] = lambda: False
) -> int:
    """Queue the notifications of new events; return the number of deliveries."""
    queued = 0
    with store.read_only() as session:
        watches = enabled_watches(session)
    if any(follows_runs(watch) for watch in watches):
        queued += _follow_runs(store, Grades.of(scoring()), now, stopped)
    else:
        _forget(store)
    while not stopped() and (notified := store.run_in_transaction(partial(_notify_recorded, now=now))) is not None:
        queued += notified
    if queued:
        log.info("notifications queued", extra={"deliveries": queued})
    return queued


def _forget(store: Store) -> None:
    with store.read_only() as session:
        if not following.read_progress(session, begin=0).version:
            return
    store.run_in_transaction(following.remove_progress)


def _follow_runs(store: Store, grades: Grades, now: datetime, stopped: Callable[[], bool]) -> int:
    queued, caught_up = 0, False
    while not stopped():
        with store.read_only() as session:
            # All of these runs are committed, so that the keys read below include the last one.
            ended = following.ended_batches(session)
            found = _find(session, grades, now)
        if found.keys:
            notified = store.run_in_transaction(partial(_write, found=found, now=now))
            if notified is None:
                return queued  # Another worker follows.
            queued += notified
        if len(found.keys) >= CHUNK:
            continue
        for batch_key in ended:
            if stopped():
                break
            queued += store.run_in_transaction(partial(_notify_batch, batch_key=batch_key, now=now))
        queued += store.run_in_transaction(partial(_mail_single_runs, now=now))
        if caught_up or not found.batches:
            break
        caught_up = True  # One more round: a batch may have ended with these runs.
    return queued


def _find(session: Session, grades: Grades, now: datetime) -> _Round:
    watches = [watch for watch in enabled_watches(session) if follows_runs(watch)]
    begin = min((watch.after_key for watch in watches), default=0)
    progress = following.read_progress(session, begin=begin)
    keys = next_keys(session, progress, limit=CHUNK)
    found = _Round(progress, progress.after(keys, now=now.timestamp()), keys)
    if not keys:
        return found
    watchers = _Watchers.of(watches)
    found.batches = _batches_to_follow(session, keys, watchers.subscribed_to(WatchEvent.BATCH_FINISHED))
    about_domains = watchers.subscribed_to(*CHANGE_EVENTS)
    found.changes = _changes(session, keys, about_domains, grades)
    found.batches |= {batch_key for _, batch_key in found.changes if batch_key != _SINGLE}
    return found


def _batches_to_follow(session: Session, keys: Sequence[int], watchers: _Watchers) -> set[int]:
    if not (watchers.by_tag or watchers.by_domain):
        return set()
    pairs = following.batches_of_runs(session, keys)
    batches = following.batch_ids(session, (batch_key for batch_key, _ in pairs))
    return {
        batch_key
        for batch_key, domain in pairs
        if domain in watchers.by_domain or (batch_key in batches and batches[batch_key].tag in watchers.by_tag)
    }


def _changes(session: Session, keys: Sequence[int], watchers: _Watchers, grades: Grades) -> Changes:
    if not (watchers.by_tag or watchers.by_domain):
        return {}
    runs = following.comparable_runs(session, keys)
    tags = following.tags_among(session, {run.domain_id for run in runs}, watchers.by_tag.keys())
    notified = {run.key: _watches_of(run, watchers, tags.get(run.domain_id, set())) for run in runs}
    watched = [run for run in runs if notified[run.key]]
    previous = following.previous_runs(session, [run.key for run in watched])
    pairs = [(previous[run.key], run) for run in watched if run.key in previous]
    levels = following.severe_tags(session, {run.outcome_id for pair in pairs for run in pair})
    batches = following.batch_ids(session, {run.batch_key for run in watched if run.batch_key is not None})
    found: Changes = {}
    for before, run in pairs:
        if change := compare(before, run, levels, grades):
            batch = None if run.batch_key is None else batches.get(run.batch_key)
            notifying = [watch for watch in notified[run.key] if change.events_for(watch)]
            causes = _cause_changes(session, change) if notifying else CauseChanges()
            for watch in notifying:
                _add(found, change, watch, batch.id if batch else None, causes)
    return found


def _cause_changes(session: Session, change: Change) -> CauseChanges:
    causes = causes_by_run(session, [change.before.id, change.now.id])
    old, new = causes[change.before.id], causes[change.now.id]
    return CauseChanges(only_in(new, old), only_in(old, new))


def _watches_of(run: FollowedRun, watchers: _Watchers, tags: set[str]) -> list[Watch]:
    every = [*watchers.by_domain.get(run.domain, ()), *(watch for tag in tags for watch in watchers.by_tag[tag])]
    return [watch for watch in every if run.key > watch.after_key and watch.policy in (None, run.policy)]


def _add(found: Changes, change: Change, watch: Watch, batch_id: str | None, causes: CauseChanges) -> None:
    events = found.setdefault((watch.id, change.now.batch_key or _SINGLE), {})
    for event in change.events_for(watch):
        identified = {"id": event_id(watch.id, event, change.now.id)}
        events.setdefault(event, []).append(identified | change.document(watch.min_level, batch_id, causes))


def _write(session: Session, found: _Round, now: datetime) -> int | None:
    """Write the results of a round; return None if another worker was faster."""
    if not following.store_progress(session, found.after):
        return None
    following.watch_batches(session, found.batches)
    watches = following.lock_watches(session, {watch_id for watch_id, _ in found.changes})
    mailed = [watch.id for watch in watches.values() if watch.email is not None]
    digests = following.read_digests(session, mailed) if mailed else {}
    queued = 0
    for (watch_id, batch_key), events in found.changes.items():
        watch = watches.get(watch_id)
        if watch is None:
            continue  # Deleted or disabled in the meantime.
        if watch.email is None:
            queued += sum(queue_webhooks(session, watch, event, those, now=now) for event, those in events.items())
        elif digest := digests.get((watch_id, batch_key)):
            digest.summary = add_to_summary(digest.summary, events)
        else:
            following.add_digest(session, watch_id, batch_key, add_to_summary({}, events))
    session.flush()
    return queued


def _notify_batch(session: Session, batch_key: int, now: datetime) -> int:
    """Queue the notifications for the end of a batch: the end itself, and one mail with all changes."""
    is_noted, digests = following.pop_batch(session, batch_key)
    batch = following.batch_ids(session, [batch_key]).get(batch_key)
    facts = _batch_facts(session, batch.id, batch.tag, batch.created_at) if batch else None
    every = [watch for watch in enabled_watches(session) if follows_runs(watch)]
    about_end = (
        {watch.id for watch in every if _wants_end(session, watch, batch.tag, batch_key)}
        if is_noted and batch
        else set()
    )
    queued = 0
    for watch in following.lock_watches(session, about_end | digests.keys()).values():
        if watch.email is not None:
            digest = digests.get(watch.id)
            if watch.id in about_end or digest is not None:
                ends = watch.id in about_end
                queued += queue_digest(session, watch, digest, now=now, batch=facts, about_end=ends)
        elif batch and facts and watch.id in about_end:
            queued += queue_message(session, watch, WatchEvent.BATCH_FINISHED, batch.id, facts, now=now)
    return queued


def _wants_end(session: Session, watch: Watch, tag: str, batch_key: int) -> bool:
    if WatchEvent.BATCH_FINISHED not in watch.events:
        return False
    if watch.domain is not None:
        return following.was_tested_in(session, watch.domain, batch_key)
    return watch.tag == tag


def _batch_facts(session: Session, batch_id: str, tag: str, created_at: datetime) -> dict[str, Any] | None:
    try:
        summary = summarise_batch(session, batch_id)
    except BatchNotFound:
        return None
    return {
        "batch_id": batch_id,
        "tag": tag,
        "created_at": instant(created_at),
        "finished_at": instant(summary.finished_at) if summary.finished_at else None,
        "status_counts": {status: number for status, number in summary.status_counts.items() if number},
        "grades": dict(summary.grades),
        "worst_levels": dict(summary.worst_levels),
    }


def _mail_single_runs(session: Session, now: datetime) -> int:
    digests = {
        digest.watch_id: digest
        for digest in following.take_digests_of_single_runs(session, mailed_before=now - _MAIL_REST)
    }
    queued = 0
    for watch in following.lock_watches(session, digests.keys()).values():
        watch.mailed_at = now
        queued += queue_digest(session, watch, digests[watch.id], now=now)
    return queued


def _notify_recorded(session: Session, now: datetime) -> int | None:
    """Queue the recorded notes; return None if there are none."""
    notes = pop_notes(session, limit=_NOTES)
    if not notes:
        return None
    watches = enabled_watches(session)
    queued = 0
    for note in notes:
        interested = {watch.id for watch in watches if _wants_note(session, watch, note)}
        for watch in following.lock_watches(session, interested).values():
            queued += queue_message(session, watch, note.event, note.name, note.details, now=now)
    return queued


def _wants_note(session: Session, watch: Watch, note: WatchNote) -> bool:
    if note.event not in watch.events:
        return False
    if watch.domain is not None:
        return note.batch_key is not None and following.was_tested_in(session, watch.domain, note.batch_key)
    return watch.tag == note.tag
