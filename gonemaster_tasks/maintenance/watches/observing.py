"""Observes the zones of watches when they are due: claims, observations, and what follows from each.

Observations run in the event loop of the engine, many at a time, with the priority of batch runs; the database is used
in threads. A zone whose worker dies is due again when its lease ends.
"""

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

from sqlalchemy.orm import Session

from gonemaster_db.core.errors import StoreConflict, StoreUnavailable
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.session import Store
from gonemaster_db.models import WatchEvent, WatchKind
from gonemaster_db.service.cds_decisions import add_decision
from gonemaster_db.service.observed_zones import (
    ClaimedZone,
    claim_zones,
    finish_zone,
    follow_members,
    has_due_zone,
    observing_watches,
)
from gonemaster_db.service.watched_runs import lock_watches
from gonemaster_engine.automation.cds import CdsAction, CdsHistory, judge, settle
from gonemaster_engine.automation.observation import DEADLINE_S, Observation, presentation
from gonemaster_engine.dnssec.records import DS
from gonemaster_tasks.maintenance.watches.decisions import decision_document
from gonemaster_tasks.maintenance.watches.messages import ObservedEvent, queue_events
from gonemaster_tasks.maintenance.watches.rollovers import Events, follow_rollover

log = logging.getLogger(__name__)
T = TypeVar("T")

AT_ONCE = 64
_LEASE = timedelta(seconds=DEADLINE_S + 60)
_STORE_EVERY_S = 1.0
_STORED_TOGETHER = 100
_MEMBERS_EVERY_S = 60.0
_RETRY = timedelta(hours=1)  # After an observation that allowed no decision, if the interval is longer.


@runtime_checkable
class ZoneObserver(Protocol):
    """A runner that can observe a zone."""

    async def observe(self, domain: str, *, for_rollover: bool = False, transfer: bool = False) -> Observation:
        """Return what a delegation and its zone look like; runs in the event loop of the engine."""


@dataclass
class ZoneWatching:
    """The observations of one worker process."""

    store: Store
    observer: ZoneObserver
    now: Callable[[], datetime]
    stopped: Callable[[], bool] = lambda: False
    _members_at: float = field(default=float("-inf"))

    def is_due(self) -> bool:
        """Return whether there is work; the members of the watches are followed once a minute."""
        if time.monotonic() - self._members_at >= _MEMBERS_EVERY_S:
            self._follow_members()
            self._members_at = time.monotonic()
        with self.store.read_only() as session:
            return has_due_zone(session, now=self.now())

    def _follow_members(self) -> None:
        with self.store.read_only() as session:
            watches = observing_watches(session)
        for watch in watches:
            self.store.run_in_transaction(partial(follow_members, watch=watch, now=self.now()))

    async def observe_due(self) -> int:
        """Observe the zones that are due; return their number."""
        pending: set[asyncio.Task[Observed]] = set()
        found: list[Observed] = []
        number, stored_at = 0, time.monotonic()
        try:
            while not self.stopped():
                free = AT_ONCE - len(pending)
                if free >= AT_ONCE // 4:
                    claimed = await self._in_thread(partial(claim_zones, now=self.now(), lease=_LEASE, limit=free))
                    pending |= {asyncio.create_task(self._observe(each)) for each in claimed}
                if not pending:
                    break
                done, pending = await asyncio.wait(pending, timeout=_STORE_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                found += [task.result() for task in done]
                if len(found) >= _STORED_TOGETHER or not pending or time.monotonic() - stored_at >= _STORE_EVERY_S:
                    number += await self._store(found)
                    found, stored_at = [], time.monotonic()
            number += await self._store(found)
        except (StoreUnavailable, StoreConflict) as error:
            log.warning("observations interrupted, will continue later", extra={"error": str(error)})
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
        return number

    async def _store(self, found: Sequence["Observed"]) -> int:
        if found:
            await self._in_thread(partial(store_observations, found=found, now=self.now()))
        return len(found)

    async def _in_thread(self, work: Callable[[Session], T]) -> T:
        def call() -> T:
            with self.store.background_limits():
                return self.store.run_in_transaction(work)

        return await asyncio.to_thread(call)

    async def _observe(self, claimed: ClaimedZone) -> "Observed":
        try:
            for_rollover = claimed.kind is WatchKind.ROLLOVER
            return claimed, await self.observer.observe(
                claimed.domain, for_rollover=for_rollover, transfer=claimed.transfer
            )
        except Exception:  # any error: the other zones must not wait for it
            log.exception("a zone could not be observed", extra={"watch_id": claimed.watch_id})
            return claimed, None


Observed: TypeAlias = tuple[ClaimedZone, Observation | None]
"""A claimed zone and what was observed; None after an error."""


def store_observations(session: Session, found: Sequence[Observed], now: datetime) -> None:
    """Store what follows from observations, and queue the notifications of their watches."""
    events: defaultdict[int, dict[WatchEvent, list[ObservedEvent]]] = defaultdict(lambda: defaultdict(list))
    for claimed, observation in found:
        soon = min(timedelta(seconds=claimed.interval_s), _RETRY)
        if observation is None:
            finish_zone(session, claimed, state=claimed.state, now=now, next_at=now + soon)
            continue
        follow = _follow_sample if claimed.kind is WatchKind.ROLLOVER else _settle_request
        for kind, found_events in follow(session, claimed, observation, now=now).items():
            events[claimed.watch_id][kind] += found_events
    for watch_id, watch in lock_watches(session, events.keys()).items():
        for kind, found_events in events[watch_id].items():
            if kind in watch.events:
                queue_events(session, watch, kind, found_events, now=now)


def _follow_sample(session: Session, claimed: ClaimedZone, observation: Observation, *, now: datetime) -> Events:
    """Store a sample of a watched rollover; return its events."""
    next_at = now + timedelta(seconds=claimed.interval_s)
    zone = finish_zone(session, claimed, state=claimed.state, now=now, next_at=next_at)
    if zone is None:
        return {}
    events, reported = follow_rollover(session, claimed.watch_id, observation, claimed.state.get("reported", ()))
    zone.state = {"reported": reported}
    return events


def _settle_request(session: Session, claimed: ClaimedZone, observation: Observation, *, now: datetime) -> Events:
    """Store what follows from an observation for a CDS watch; return the event of a new decision."""
    verdict, history = judge(observation), CdsHistory(**claimed.state)
    settled = settle(verdict, history, now=observation.at, hold_down_s=claimed.hold_down_s)
    interval = timedelta(seconds=claimed.interval_s)
    next_at = now + interval * random.uniform(0.9, 1.1)
    if verdict.action is CdsAction.WAIT:
        next_at = min(next_at, now + _RETRY)
    if settled.due_at is not None:
        next_at = min(next_at, max(now, datetime.fromtimestamp(settled.due_at, UTC)))
    if not finish_zone(session, claimed, state=asdict(settled.history), now=now, next_at=next_at):
        return {}
    if settled.decision is None:
        return {}
    current = next((view.ds for view in observation.parents if view.ds is not None), ())
    decision = add_decision(
        session,
        watch_id=claimed.watch_id,
        domain=claimed.domain,
        action=settled.decision.action,
        reason=settled.decision.reason,
        ds=[presentation(DS, record.rdata) for record in settled.decision.ds],
        current_ds=[presentation(DS, rdata) for rdata in current],
        evidence=dump_json(observation.document()),
        now=now,
    )
    document = decision_document(decision)
    details = {"decision_id": document.pop("id"), **document}
    line = f"{claimed.domain}: {decision.action} ({decision.reason})"
    return {WatchEvent.CDS_DECIDED: [ObservedEvent(str(decision.key), details, line)]}
