"""Strict tiers: in the order that Redis observed, no batch job is taken while a normal job waits.

`TIERS_NORMAL=1000 TIERS_BATCH=10000` runs the full test; benchmarks/RESULTS.md has the figures.
"""

import logging
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from gonemaster_db.core.records import NewJob
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.jobs import create_jobs
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.queue.messages import build_message
from gonemaster_tasks.queues import BATCH, NORMAL
from tests.support.redis import raw
from tests.support.stores import MakeSettings
from tests.support.workers import Farm, open_farm, wait_until

NORMAL_JOBS = int(os.environ.get("TIERS_NORMAL", "60"))
BATCH_JOBS = int(os.environ.get("TIERS_BATCH", "400"))
WORKERS = 3
PUSHES = {"lpush": 1, "rpush": 1, "rpop": -1}

pytestmark = pytest.mark.slow
log = logging.getLogger(__name__)


class Takes:
    """The operations of Redis on the lists, in its order: from Redis notifications, independent of clocks."""

    def __init__(self, broker: Broker) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.waiting_normal = 0
        self.most_waiting = 0
        self.out_of_turn = 0
        self._subscription: Any = raw(broker).pubsub(ignore_subscribe_messages=True)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    @contextmanager
    def listening(self) -> Iterator["Takes"]:
        self._subscription.psubscribe(f"__keyspace@*__:{NORMAL}", f"__keyspace@*__:{BATCH}")
        self._thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            self._thread.join()
            self._subscription.close()

    def _listen(self) -> None:
        while not self._ended.is_set():
            message = self._subscription.get_message(timeout=0.2)
            if message and message["type"] == "pmessage":
                self._note(message["channel"].rpartition(":")[2], message["data"])

    def _note(self, tier: str, event: str) -> None:
        self.counts[tier, event] += 1
        if tier == NORMAL:
            self.waiting_normal += PUSHES.get(event, 0)
            self.most_waiting = max(self.most_waiting, self.waiting_normal)
        elif event == "rpop" and self.waiting_normal:
            self.out_of_turn += 1


@pytest.fixture
def tier_farm(own_redis: EmbeddedRedis, make_store_settings: MakeSettings, tmp_path: Path) -> Iterator[Farm]:
    broker = Broker.open(own_redis.url)
    raw(broker).config_set("notify-keyspace-events", "Kl")
    with open_farm(broker, make_store_settings("postgres"), tmp_path, GONEMASTER_LEASE_SECONDS="60") as farm:
        yield farm
    broker.close()


@pytest.mark.parametrize("slots", [1, 8])
def test_no_batch_job_is_taken_while_a_normal_one_waits(tier_farm: Farm, slots: int) -> None:
    chance = random.Random(slots)
    with Takes(tier_farm.broker).listening() as takes:
        tier_farm.submit_batch([f"b{number}-1.test" for number in range(BATCH_JOBS)])
        for number in range(WORKERS):
            name = f"w{number}"
            tier_farm.start_worker(
                name, ready=False, GONEMASTER_WORKER_COUNT=str(slots), GONEMASTER_RESERVED_NORMAL_SLOTS="0"
            )
        for number in range(WORKERS):
            wait_until(partial(_is_ready, tier_farm, f"w{number}"), within_s=120)
        start_s = time.monotonic()
        normal = submit_in_bursts(tier_farm, chance)
        wait_until(lambda: unfinished(tier_farm) == 0, within_s=600, what="the end of all jobs")
        took_s = time.monotonic() - start_s
        wait_until(lambda: takes.counts[NORMAL, "rpop"] == NORMAL_JOBS, within_s=60)
        wait_until(lambda: takes.counts[BATCH, "rpop"] >= BATCH_JOBS, within_s=60)
    assert takes.out_of_turn == 0
    assert takes.waiting_normal == 0
    assert takes.most_waiting >= 2  # otherwise the test would have tested nothing
    tell(tier_farm, normal, slots, took_s, takes)


def _is_ready(farm: Farm, name: str) -> bool:
    return "ready." in farm.log(name)


def _at_most_wait(farm: Farm, count: float) -> bool:
    return farm.broker.lists.depth(BATCH) <= count


def submit_in_bursts(farm: Farm, chance: random.Random) -> list[str]:
    """Submit normal jobs, some in bursts, so that they arrive at all stages of the batch."""
    ids: list[str] = []
    while len(ids) < NORMAL_JOBS:
        count = min(chance.randint(2, 40), NORMAL_JOBS - len(ids))
        ids += submit_at_once(farm, [f"n{len(ids) + number}-1.test" for number in range(count)])
        goal = len(ids) * BATCH_JOBS * 0.9 / NORMAL_JOBS
        wait_until(partial(_at_most_wait, farm, BATCH_JOBS - goal), within_s=600)
    return ids


def submit_at_once(farm: Farm, domains: list[str]) -> list[str]:
    """Submit as the API does, but let Redis process all jobs at the same time, so that several wait."""
    with farm.store.transaction() as session:
        ids = [job_id for chunk in create_jobs(session, map(NewJob, domains)) for job_id in chunk]
    with raw(farm.broker).pipeline(transaction=True) as pipe:
        for job_id in ids:
            pipe.lpush(NORMAL, build_message(job_id, NORMAL))
        pipe.execute()
    return ids


def unfinished(farm: Farm) -> int:
    with farm.store.read_only() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def tell(farm: Farm, normal: list[str], slots: int, took_s: float, takes: Takes) -> None:
    with farm.store.read_only() as session:
        runs = session.execute(select(Run.created_at, Run.started_at).where(Run.id.in_(normal))).all()
        everything = session.scalar(select(func.count()).select_from(Run))
    assert everything == NORMAL_JOBS + BATCH_JOBS
    waits = sorted((run.started_at - run.created_at).total_seconds() * 1000 for run in runs)
    figures = {
        "slots": slots,
        "seconds": round(took_s, 1),
        "most_normal_waiting": takes.most_waiting,
        "start_ms_median": round(waits[len(waits) // 2]),
        "start_ms_worst": round(waits[-1]),
    }
    log.info("%s", figures)
