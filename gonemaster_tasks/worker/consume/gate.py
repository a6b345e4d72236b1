"""The gate decides from which queue a worker takes its next message: tiers, pauses, limits, reserved slots.

Before each BRPOP the gate computes how many more messages may be taken from each queue. Redis checks the queues with
remaining capacity in this order:

| queue | maximum of messages in flight |
| --- | --- |
| maintenance | 5 |
| check, while fewer checks are in flight than slots are reserved | all free slots |
| batch, if this leaves capacity | `min_batch_slots`, at most one less than the limit |
| normal | the free slots less those that are reserved for checks and have none |
| check | all free slots |
| batch | as for normal; at most the limit less both reservations, at least one |

The free slots are the limit less the jobs in flight. The reservations are `reserved_normal_slots` and
`reserved_check_slots`; the latter leaves at least one slot to other jobs. So a check never waits for another job while
the reserved slots suffice, and beyond them only takes slots that no normal job needs.
A paused tier has no capacity. After Redis lost its content or returned with older files, no tier has capacity until all
are rebuilt: BRPOP is only sent to the Redis in which the tiers were rebuilt, which its replication id identifies. No
queue has capacity while the worker stops, while the database does not answer, or for a second after Redis refused
BRPOP (5 s if the login lacks the permission); without a network only maintenance has capacity. The limit is the number
of slots
or, if that is less, this process' share of `max_concurrent_jobs`. Messages in flight are received and not finished;
jobs that yield their slots do not count.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from celery.worker import state as celery_state

from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.connection import OF_LOGIN
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.queues import BATCH, CHECK, MAINTENANCE, NORMAL, ORDER, TIERS

# Purge, operations, projection and capture may each take minutes; the fifth slot serves the short tasks.
_MAX_MAINTENANCE = 5
MAX_SLOTS = 1024
_REST_S = 1.0
_FOR_LOGIN_S = 5.0  # An operator must change the permissions.
POOL_THREADS = MAX_SLOTS + _MAX_MAINTENANCE  # Threads are created on demand; the gate limits the messages taken.


@dataclass
class _AcquiredSlot:
    """The slot of a job. A yielded slot counts only while its job runs and a limit for all workers is set."""

    tier: str
    is_yielded: bool = False
    runs_on: bool = False


class Gate:
    """The capacity of one worker process at this moment. Thread-safe.

    `slots`, `reserved_normal`, `reserved_check` and `min_batch` are the settings `worker_count`,
    `reserved_normal_slots`, `reserved_check_slots` and `min_batch_slots`, which may change while the process runs.
    """

    def __init__(
        self,
        *,
        slots: int,
        reserved_normal: int,
        reserved_check: int = 0,
        min_batch: int = 0,
        clock: SharedClock | None = None,
    ) -> None:
        self.slots = slots
        self._reserved_normal = reserved_normal
        self._reserved_check = reserved_check
        self._min_batch = min_batch
        self._clock = clock or SharedClock()  # The ends of pauses and leases use this clock.
        self._controls: Controls | None = None
        self._share: int | None = None
        self._acquired: dict[str, _AcquiredSlot] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._resting_until = 0.0
        self._is_held: Callable[[], bool] = lambda: False
        self._is_offline: Callable[[], bool] = lambda: False
        self.polls = 0  # Calls of the connected consumer for the queues to poll, at least one a second.
        self.received = 0  # Messages received, of all queues.
        self.refusal = ""  # The error reply to the last BRPOP.
        self._connected_to = ""

    def pause_while(self, is_held: Callable[[], bool]) -> None:
        """Take no messages, not even for maintenance, while `is_held` is True: they could not be claimed."""
        self._is_held = is_held

    def pause_tests_while(self, is_offline: Callable[[], bool]) -> None:
        """Take no jobs while `is_offline` is True: their tests would say nothing about the domains."""
        self._is_offline = is_offline

    def update(self, controls: Controls, share: int | None) -> None:
        """Apply the current flags; `share` is this process' share of max_concurrent_jobs, None without limit."""
        self._controls, self._share = controls, share

    def connect(self, replication_id: str) -> None:
        """Record the Redis to which the next BRPOP is sent; empty if unknown."""
        self._connected_to = replication_id

    def is_connected_to_rebuilt(self) -> bool:
        """Whether the tiers were rebuilt in the Redis that BRPOP is sent to, and not only in an earlier one."""
        controls = self._controls
        if controls is None or not controls.replication_id:  # INFO is not permitted.
            return True
        return not controls.outdated and self._connected_to in ("", controls.replication_id)

    def set_slots(self, slots: int, reserved_normal: int, min_batch: int, *, reserved_check: int = 0) -> None:
        """Apply the current settings; running jobs continue."""
        self.slots, self._reserved_normal, self._min_batch = slots, reserved_normal, min_batch
        self._reserved_check = reserved_check

    def reserved_for_checks(self, consumed: Iterable[str]) -> int:
        """Return how many slots are reserved for checks by a worker that consumes these queues."""
        names = set(consumed)
        if CHECK not in names:
            return 0
        # A worker that takes nothing but checks needs no slot for other jobs.
        others = 1 if names & {NORMAL, BATCH} else 0
        return max(0, min(self._reserved_check, self._limit() - others))

    def checks_in_flight(self) -> int:
        """Return how many checks this process has received and not finished."""
        return self._in_flight()[CHECK]

    def close(self) -> None:
        """Stop taking messages."""
        self._closed = True

    def refuse(self, reason: str) -> None:
        """Take no messages for a few seconds, because Redis refused BRPOP and would refuse the next one, too."""
        self.refusal = reason
        self._resting_until = time.monotonic() + (_FOR_LOGIN_S if reason.startswith(OF_LOGIN) else _REST_S)

    def acquire(self, job_id: str, tier: str) -> bool:
        """Acquire a slot for a job; return False if another slot of this process already has the job."""
        with self._lock:
            if job_id in self._acquired:
                return False
            self._acquired[job_id] = _AcquiredSlot(tier)
            return True

    def release(self, job_id: str) -> None:
        """Free the slot of a job."""
        with self._lock:
            self._acquired.pop(job_id, None)

    def yield_slot(self, job_id: str, *, runs_on: bool = False) -> bool:
        """Yield the slot of a waiting job to another job; return False if no more slots may be yielded.

        At most as many slots are yielded as the process has. A job that `runs_on` is stalled but continues. It does not
        yield its slot while a limit for all workers is set, and counts again as soon as such a limit is set.
        """
        with self._lock:
            slot = self._acquired.get(job_id)
            if slot is None or sum(each.is_yielded for each in self._acquired.values()) >= self.slots:
                return False
            if runs_on and (self._share is not None or len(self._acquired) >= MAX_SLOTS):
                return False
            slot.is_yielded, slot.runs_on = True, runs_on
            return True

    def reclaim_slot(self, job_id: str) -> None:
        """Count a job again that yielded its slot; more jobs than allowed may be in flight until another one ends."""
        with self._lock:
            if job_id in self._acquired:
                self._acquired[job_id].is_yielded = False

    def record_pause(self, tier: str) -> None:
        """Hold a tier that the database reports as paused, until the flags are read again."""
        # The claim saw the pause before the heartbeat did; without this, the worker would take the message again.
        if self._controls is not None:
            self._controls = replace(self._controls, paused={**self._controls.paused, tier: 0.0})

    def paused(self, tier: str) -> bool:
        """Whether a tier may not start jobs; True without a network, or until flags and tier are known."""
        if self._controls is None or self._is_offline() or not self.is_connected_to_rebuilt():
            return True
        until = self._controls.paused.get(tier)
        return until is not None and (until == 0 or until > self._clock.now().timestamp())

    def over_limit(self) -> bool:
        """Whether more jobs are in flight than allowed, because a limit was lowered during a BRPOP."""
        in_flight = self._in_flight()
        return sum(in_flight[tier] for tier in TIERS) > self._limit()

    def queues(self, consumed: Iterable[str]) -> list[str]:
        """Return the consumed queues from which a message may be taken now, most urgent first."""
        return [] if time.monotonic() < self._resting_until else self.open_queues(consumed)

    def open_queues(self, consumed: Iterable[str]) -> list[str]:
        """Return these queues, even if Redis has just refused a command."""
        if self._closed or self._is_held():
            return []
        names = set(consumed)
        return [name for name, capacity in self._capacities(names).items() if capacity > 0 and name in names]

    def _capacities(self, consumed: set[str]) -> dict[str, int]:
        """Return how many more messages may be taken from each queue now, in the order of the table above."""
        in_flight = self._in_flight()
        limit = self._limit()
        idle = limit - sum(in_flight[tier] for tier in TIERS)
        kept = self.reserved_for_checks(consumed)
        unused = max(0, kept - in_flight[CHECK])  # reserved slots without a check; other jobs leave them free
        free = max(0, idle - unused)
        # A worker that takes no normal jobs reserves no slots for them. One slot always remains for batch jobs.
        reserved = self._reserved_normal if NORMAL in consumed else 0
        capacities = {
            CHECK: 0 if self.paused(CHECK) else idle,
            NORMAL: 0 if self.paused(NORMAL) else free,
            BATCH: 0 if self.paused(BATCH) else min(free, max(1, limit - kept - reserved) - in_flight[BATCH]),
        }
        # kombu takes queue names without numbers: the order of this dict decides which tier is first.
        order = [NORMAL, CHECK, BATCH]
        first = min(self._min_batch, limit - 1) - in_flight[BATCH]  # One slot always prefers normal jobs.
        if first > 0:
            capacities[BATCH] = min(capacities[BATCH], first)
            order = [BATCH, NORMAL, CHECK]
        if unused:
            order = [CHECK, *(tier for tier in order if tier != CHECK)]
        return {MAINTENANCE: _MAX_MAINTENANCE - in_flight[MAINTENANCE]} | {tier: capacities[tier] for tier in order}

    def _limit(self) -> int:
        return self.slots if self._share is None else min(self.slots, self._share)

    def _in_flight(self) -> dict[str, int]:
        """Return the number of messages in flight by queue."""
        # Both sources are needed: Celery knows requests before a thread has them and forgets them if the connection
        # is lost while their slots work on. With only one source, more jobs would start than the limits allow.
        in_flight = {request.id: str(request.delivery_info.get("routing_key")) for request in _received()}
        with self._lock:
            for job_id, slot in self._acquired.items():
                in_flight[job_id] = slot.tier
                if slot.is_yielded and not (slot.runs_on and self._share is not None):
                    del in_flight[job_id]
        counts = dict.fromkeys(ORDER, 0)
        for tier in in_flight.values():
            counts[tier] = counts.get(tier, 0) + 1
        return counts


def _received() -> Iterable[Any]:
    while True:
        try:
            return tuple(celery_state.reserved_requests)
        except RuntimeError:  # A slot finished in the meantime and changed the set, so the count is repeated.
            continue
