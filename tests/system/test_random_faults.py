"""All controls and faults in random order for FAULT_MINUTES, from FAULT_SEED; the invariants hold at the end."""

import logging
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import JobNotFound, JobStateError, QueueMismatch, TierMismatch
from gonemaster_db.core.records import NewJob
from gonemaster_db.models import Job, JobStatus, RunStatus
from gonemaster_db.queue.queue import count_running, iter_queued_ids, list_waiting
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.batches import cancel_batch, rerun_batch
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.order import (
    hold_job,
    move_jobs,
    move_jobs_next_to,
    release_job,
    remove_jobs,
    reorder_queue,
)
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.control.settings import change_settings
from gonemaster_tasks.control.submit import submit_job
from gonemaster_tasks.errors import BrokerUnavailable, NothingToRerun
from gonemaster_tasks.queues import TIERS
from tests.support.faults import Load, kill_and_empty, submit_and_be_killed
from tests.support.redis import raw
from tests.support.workers import Farm, wait_until

log = logging.getLogger(__name__)

MINUTES = float(os.environ.get("FAULT_MINUTES", "0"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
_REFUSED = (BrokerUnavailable, JobNotFound, JobStateError, NothingToRerun, QueueMismatch, TierMismatch)
_MAX_WAITING = 300
_ENOUGH = 5
_LIMITS: dict[str, tuple[int, ...]] = {
    "worker_count": (1, 4, 8),
    "reserved_normal_slots": (0, 1, 2),
    "min_batch_slots": (0, 1),
    "max_concurrent_jobs": (0, 4, 10),
}


@pytest.mark.skipif(not MINUTES, reason="takes as long as FAULT_MINUTES says, which is not set")
@pytest.mark.timeout(MINUTES * 60 + 300)
def test_nothing_is_lost_or_doubled_by_controls_and_faults_in_any_order(
    fault_farm: Farm, own_redis: EmbeddedRedis
) -> None:
    chaos = Chaos(fault_farm, own_redis, random.Random(SEED))
    chaos.disturb_until(time.monotonic() + MINUTES * 60)
    chaos.check_consistency()
    chaos.end_faults()
    log.info("seed %d, %s", SEED, dict(sorted(chaos.done.items())))
    chaos.load.assert_each_ended_once(statuses=(RunStatus.SUCCEEDED, RunStatus.CANCELED, RunStatus.EXPIRED))
    assert not _never(chaos.done)


def _never(done: Counter[str]) -> list[str]:
    """Return the steps expected at least five times on average that did not occur."""
    taken = sum(done.values())
    return [name for name, often in _STEPS.items() if not done[name] and often * taken / sum(_STEPS.values()) > _ENOUGH]


class Chaos:
    """Three workers and a beat, and the steps that disturb them."""

    def __init__(self, farm: Farm, redis: EmbeddedRedis, dice: random.Random) -> None:
        self.farm, self.redis, self.dice = farm, redis, dice
        self.load = Load(farm)
        self.live = LiveSettings(Settings())
        self.batches: list[str] = []
        self.done: Counter[str] = Counter()
        farm.start_beat()
        for number in range(3):
            farm.start_worker(f"worker{number}")

    def disturb_until(self, deadline: float) -> None:
        """Take steps; count refusals by the service, which are allowed, separately."""
        steps, weights = zip(*_STEPS.items(), strict=True)
        while time.monotonic() < deadline:
            (name,) = self.dice.choices(steps, weights)
            try:
                _ACTIONS[name](self)
            except _REFUSED:
                self.done[f"{name} refused"] += 1
            else:
                self.done[name] += 1
            time.sleep(self.dice.uniform(0, 0.2))  # the pace of the steps

    def check_consistency(self) -> None:
        """Pause all, and check that rows and messages become consistent after any earlier step."""
        wait_until(self._try_pause_all, within_s=60, what="a pause of all")
        wait_until(self._agree, within_s=120, what="a message for each queued row, and no other")

    def _try_pause_all(self) -> bool:
        try:
            pause_queue(self.farm.parts)
        except BrokerUnavailable:
            return False
        return True

    def _agree(self) -> bool:
        with self.farm.store.read_only() as session:
            rows = [sorted(iter_queued_ids(session, priority)) for priority in range(len(TIERS))]
            running = count_running(session)
        messages = [sorted(self.farm.broker.lists.waiting_ids(tier)) for tier in TIERS]
        return rows == messages and not running

    def end_faults(self) -> None:
        """Release, resume, keep at least one worker running, and lift the limits."""
        for job_id in self.held():
            release_job(self.farm.parts, job_id)
        change_settings(self.farm.parts, self.live, dict.fromkeys(_LIMITS))
        self.resume()
        self.restart_worker(signal.SIGKILL)

    def some(self, most: int) -> list[str]:
        """Return a few jobs, mostly recent ones, which are likely to be unfinished."""
        young = self.load.job_ids[-_MAX_WAITING:]
        return self.dice.sample(young, min(len(young), self.dice.randint(1, most)))

    def submit(self) -> None:
        count = self.dice.randint(1, 20)
        if self.has_room():
            self.load.submit(count, each_ms=self.dice.choice((0, 50, 200, 1000)))

    def has_room(self) -> bool:
        """Return whether the number of waiting jobs is low enough."""
        return sum(self.farm.broker.lists.depth(tier) for tier in TIERS) < _MAX_WAITING

    def submit_batch(self) -> None:
        if self.has_room():
            made = self.farm.submit_batch([f"c{number}-50.test" for number in range(self.dice.randint(1, 30))])
            self.batches.append(made.batch.id)
            self.load.job_ids += made.job_ids

    def submit_to_expire(self) -> None:
        new = NewJob("e-50.test", expires_at=utcnow() + timedelta(seconds=self.dice.uniform(0, 3)))
        self.load.job_ids.append(submit_job(self.farm.parts, new).id)

    def kill_submitter(self) -> None:
        self.load.job_ids += submit_and_be_killed(self.farm, self.dice.choice(("job", "batch")), 6)

    def cancel_batch(self) -> None:
        if self.batches:
            cancel_batch(self.farm.parts, self.dice.choice(self.batches))

    def rerun_batch(self) -> None:
        if self.batches and self.has_room():
            self.load.job_ids += rerun_batch(self.farm.parts, self.dice.choice(self.batches)).job_ids

    def hold(self) -> None:
        for job_id in self.some(5):
            hold_job(self.farm.parts, job_id)

    def release(self) -> None:
        for job_id in self.held():
            if self.dice.random() < 0.5:
                release_job(self.farm.parts, job_id)

    def held(self) -> list[str]:
        """Return the held jobs."""
        with self.farm.store.read_only() as session:
            return list(session.scalars(select(Job.id).where(Job.status == JobStatus.PAUSED)))

    def reorder(self) -> None:
        with self.farm.store.read_only() as session:
            tiers = [[job.id for job in list_waiting(session, priority, limit=10_000)] for priority in (0, 1)]
        for ids in tiers:
            self.dice.shuffle(ids)
        reorder_queue(self.farm.parts, [*tiers[0], *tiers[1]])

    def limit(self) -> None:
        limits = {name: self.dice.choice(values) for name, values in _LIMITS.items()}
        change_settings(self.farm.parts, self.live, limits)

    def cancel(self) -> None:
        for job_id in self.some(5):
            cancel_job(self.farm.parts, job_id)

    def remove(self) -> None:
        remove_jobs(self.farm.parts, self.some(5))

    def move(self) -> None:
        move_jobs(self.farm.parts, self.some(3), to=self.dice.choice(("front", "back")))

    def move_next_to(self) -> None:
        pivot, *jobs = [*self.some(4), "job_none"]
        move_jobs_next_to(self.farm.parts, jobs, pivot=pivot, after=self.dice.random() < 0.5)

    def pause(self) -> None:
        pause_queue(self.farm.parts, self.dice.sample(TIERS, self.dice.randint(1, 2)))

    def resume(self) -> None:
        resume_queue(self.farm.parts)

    def restart_worker(self, how: signal.Signals) -> None:
        name = self.dice.choice([name for name in self.farm.processes if name.startswith("worker")])
        self.farm.stop(name, how)
        self.farm.start_worker(name, ready=False)

    def kill_worker(self) -> None:
        self.restart_worker(signal.SIGKILL)

    def stop_worker(self) -> None:
        self.restart_worker(signal.SIGTERM)

    def kill_beat(self) -> None:
        self.farm.stop("beat", signal.SIGKILL)
        self.farm.start_beat()

    def flush_redis(self) -> None:
        raw(self.farm.broker).flushall()

    def kill_redis(self) -> None:
        kill_and_empty(self.redis)


# The relative frequency of each step.
_STEPS = {
    "submit": 60,
    "submit_batch": 10,
    "submit_to_expire": 6,
    "kill_submitter": 2,
    "cancel": 20,
    "cancel_batch": 2,
    "rerun_batch": 2,
    "remove": 10,
    "hold": 8,
    "release": 12,
    "move": 8,
    "move_next_to": 8,
    "reorder": 4,
    "limit": 3,
    "pause": 6,
    "resume": 12,
    "kill_worker": 3,
    "stop_worker": 1,
    "kill_beat": 1,
    "flush_redis": 2,
    "kill_redis": 1,
}
_ACTIONS: dict[str, Callable[[Chaos], None]] = {name: getattr(Chaos, name) for name in _STEPS}
