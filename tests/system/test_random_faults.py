"""All controls and all faults in a random order for FAULT_MINUTES, from FAULT_SEED: the same must hold at the end."""

import logging
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest

from gonemaster_db.errors import JobNotFound, JobStateError, TierMismatch
from gonemaster_db.models import RunStatus
from gonemaster_tasks.arrange import move_jobs, remove_jobs
from gonemaster_tasks.control import cancel_job, pause_queue, resume_queue
from gonemaster_tasks.embedded_redis import EmbeddedRedis
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.queues import TIERS
from tests.support.faults import Load, keep_beats, kill_and_empty
from tests.support.workers import Farm

log = logging.getLogger(__name__)

MINUTES = float(os.environ.get("FAULT_MINUTES", "0"))
SEED = int(os.environ.get("FAULT_SEED", "1"))
_REFUSED = (BrokerUnavailable, JobNotFound, JobStateError, TierMismatch)
_MOST_WAITING = 300


@pytest.mark.skipif(not MINUTES, reason="takes as long as FAULT_MINUTES says, which is not set")
@pytest.mark.timeout(MINUTES * 60 + 300)
def test_nothing_is_lost_or_doubled_by_controls_and_faults_in_any_order(
    fault_farm: Farm, own_redis: EmbeddedRedis
) -> None:
    chaos = Chaos(fault_farm, own_redis, random.Random(SEED))
    chaos.go_on_until(time.monotonic() + MINUTES * 60)
    chaos.calm_down()
    log.info("seed %d, %s", SEED, dict(sorted(chaos.done.items())))
    chaos.load.assert_each_ended_once(statuses=(RunStatus.SUCCEEDED, RunStatus.CANCELED))
    assert all(chaos.done[name] for name in _STEPS)


class Chaos:
    """A farm of three workers and a beat, and what is done to it."""

    def __init__(self, farm: Farm, redis: EmbeddedRedis, dice: random.Random) -> None:
        self.farm, self.redis, self.dice = farm, redis, dice
        self.load = Load(farm)
        self.done: Counter[str] = Counter()
        farm.start_beat()
        for number in range(3):
            farm.start_worker(f"worker{number}")

    def go_on_until(self, deadline: float) -> None:
        """Take steps; what the service refuses, as it may, is counted apart."""
        steps, weights = zip(*_STEPS.items(), strict=True)
        while time.monotonic() < deadline:
            (name,) = self.dice.choices(steps, weights)
            try:
                _ACTIONS[name](self)
            except _REFUSED:
                self.done[f"{name} refused"] += 1
            else:
                self.done[name] += 1
            keep_beats(self.farm)
            time.sleep(self.dice.uniform(0, 0.2))  # the pace of the steps

    def calm_down(self) -> None:
        """Resume, and let at least one worker live."""
        self.resume()
        self.restart_worker(signal.SIGKILL)

    def some(self, most: int) -> list[str]:
        """A few jobs, mostly young ones, which are likely to be unfinished."""
        young = self.load.job_ids[-_MOST_WAITING:]
        return self.dice.sample(young, min(len(young), self.dice.randint(1, most)))

    def submit(self) -> None:
        count = self.dice.randint(1, 20)
        if sum(self.farm.broker.depth(tier) for tier in TIERS) < _MOST_WAITING:
            self.load.submit(count, each_ms=self.dice.choice((0, 50, 200, 1000)))

    def cancel(self) -> None:
        for job_id in self.some(5):
            cancel_job(self.farm.parts, job_id)

    def remove(self) -> None:
        remove_jobs(self.farm.parts, self.some(5))

    def move(self) -> None:
        move_jobs(self.farm.parts, self.some(3), to=self.dice.choice(("front", "back")))

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

    def flush_redis(self) -> None:
        self.farm.broker.client.flushall()

    def kill_redis(self) -> None:
        kill_and_empty(self.redis)


# How often, one against the other.
_STEPS = {
    "submit": 60,
    "cancel": 20,
    "remove": 10,
    "move": 10,
    "pause": 6,
    "resume": 12,
    "kill_worker": 3,
    "stop_worker": 1,
    "flush_redis": 2,
    "kill_redis": 1,
}
_ACTIONS: dict[str, Callable[[Chaos], None]] = {name: getattr(Chaos, name) for name in _STEPS}
