"""Schedules with real beats and workers that are killed: each occurrence is submitted once, and its jobs end once."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gonemaster_db.core.clock import utcnow
from gonemaster_db.models import Job, Run
from gonemaster_db.service.settings import settings_revision, write_settings
from gonemaster_tasks.broker.client import Broker
from tests.support.redis import raw
from tests.support.schedules import fill_tag, make_due, read_schedule, schedule, scheduled_batches
from tests.support.stores import DRIVERS, MakeSettings
from tests.support.workers import Farm, open_farm, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TAGS, DOMAINS = 3, 15
FAR = datetime(2100, 1, 1, 12, 0, tzinfo=UTC)
FAULTS = ("none", "worker", "beat", "redis", "both workers", "worker and redis", "both beats")


@pytest.fixture(params=DRIVERS)
def farm(
    request: pytest.FixtureRequest, broker: Broker, make_store_settings: MakeSettings, tmp_path: Path
) -> Iterator[Farm]:
    """A service without processes, on each kind of database; due schedules are checked every second."""
    settings = make_store_settings(request.param)
    with open_farm(broker, settings, tmp_path, GONEMASTER_SCHEDULER_INTERVAL_SECONDS="1") as made:
        yield made


def start(farm: Farm) -> None:
    """Start those of the two beats and the two workers that are not running."""
    missing = [name for name in ("one", "two") if name not in farm.processes]
    for name in missing:
        farm.start_worker(name, ready=False)
    for name in missing:
        farm.wait_ready(name)
    for name in ("beat-1", "beat-2"):
        if name not in farm.processes:
            farm.start_beat(name)


def unfinished(farm: Farm) -> int:
    with farm.store.read_only() as session:
        return session.scalar(select(func.count()).select_from(Job)) or 0


def is_decided(farm: Farm, schedule_ids: Sequence[int]) -> bool:
    times = [read_schedule(farm.store, schedule_id).next_run_at for schedule_id in schedule_ids]
    return all(moment is not None and moment > utcnow() for moment in times)


def has_batches(farm: Farm, least: int) -> bool:
    return len(scheduled_batches(farm.store)) >= least


def runs_of_batches(farm: Farm) -> Counter[int]:
    with farm.store.read_only() as session:
        query = select(Run.batch_key, func.count()).group_by(Run.batch_key)
        return Counter({key: number for key, number in session.execute(query) if key is not None})


def strike(farm: Farm, fault: str) -> None:
    """Kill a part of the service while occurrences are decided."""
    if "redis" in fault:
        raw(farm.broker).flushall()
    victims = {
        "worker": ["one"],
        "both workers": ["one", "two"],
        "beat": ["beat-1"],
        "both beats": ["beat-1", "beat-2"],
        "worker and redis": ["two"],
    }.get(fault, [])
    for name in victims:
        farm.stop(name, signal.SIGKILL)


def test_each_occurrence_is_submitted_once_after_every_kill(farm: Farm) -> None:
    chance = random.Random(11)
    for number in range(TAGS):
        fill_tag(farm.store, f"t{number}", DOMAINS)
    made = [schedule(farm.store, f"t{number}", due_at=FAR) for number in range(TAGS)]
    start(farm)
    for rounds, fault in enumerate(FAULTS, start=1):
        before = len(scheduled_batches(farm.store))
        make_due(farm.store, made, at=utcnow() - timedelta(seconds=1))
        # cause the fault before the first occurrence is decided, or after several
        seen = before + chance.randrange(TAGS)
        wait_until(partial(has_batches, farm, seen), within_s=240, what=f"batches of round {rounds}")
        strike(farm, fault)
        start(farm)
        about = f"of round {rounds}, {fault}"
        wait_until(lambda: is_decided(farm, made), within_s=240, what=f"occurrences {about}")
        wait_until(lambda: not unfinished(farm), within_s=240, what=f"end of the batches {about}")
        batches = scheduled_batches(farm.store)
        assert Counter(batch.tag for batch in batches) == {f"t{number}": rounds for number in range(TAGS)}, fault
        assert runs_of_batches(farm) == {batch.key: DOMAINS for batch in batches}, fault
    wait_until(lambda: not any(farm.broker.lists.depths().values()), what="empty queues")


def test_a_scheduler_that_is_switched_off_leaves_what_is_due(farm: Farm) -> None:
    fill_tag(farm.store, "mine", 2)
    made = schedule(farm.store, "mine", due_at=FAR)
    turn(farm, on=False)
    farm.start_beat()
    farm.start_worker("one")
    make_due(farm.store, [made], at=utcnow() - timedelta(seconds=1))
    wait_until(lambda: farm.log("beat").count("gonemaster.run_schedules") >= 3, what="three looks")
    assert scheduled_batches(farm.store) == []
    turn(farm, on=True)
    wait_until(lambda: len(scheduled_batches(farm.store)) == 1, what="the batch")
    wait_until(lambda: not unfinished(farm), what="the end of the batch")


def turn(farm: Farm, *, on: bool) -> None:
    """Set the scheduler switch as PUT /settings does."""
    with farm.store.transaction() as session:
        write_settings(session, {"scheduler_enabled": on}, now=utcnow())
        mark = settings_revision(session)
    farm.broker.marks.publish_settings(mark)
