"""Processes with wrong clocks agree on the time of the Redis host."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import LazyClock, SharedClock
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.pause import pause_queue
from gonemaster_tasks.control.pause_flags import read_controls
from gonemaster_tasks.queues import BATCH
from tests.support.clocks import SkewedClock

MUCH = timedelta(hours=1)


def is_correct(clock: SharedClock, broker: Broker) -> bool:
    return abs(clock.now() - datetime.fromtimestamp(broker.time(), UTC)) < MUCH / 2


@pytest.fixture
def wrong_host_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + MUCH.total_seconds())


@pytest.mark.usefixtures("wrong_host_clock")
def test_a_wrong_host_clock_is_corrected(broker: Broker) -> None:
    clock = SharedClock()
    assert not is_correct(clock, broker)
    clock.synchronize(broker)
    assert is_correct(clock, broker)


@pytest.mark.usefixtures("wrong_host_clock")
def test_a_lazy_clock_is_corrected_when_it_is_asked(broker: Broker) -> None:
    assert is_correct(LazyClock(broker), broker)


def test_a_lazy_clock_goes_on_without_redis(broker: Broker) -> None:
    away = Broker.open("redis+socket:///nowhere/redis.sock")
    assert is_correct(LazyClock(away), broker)
    away.close()


def test_a_pause_begins_by_the_clock_that_all_share(parts: QueueParts) -> None:
    clock = SkewedClock(MUCH)
    ahead = QueueParts(parts.store, parts.broker, parts.celery, clock)
    pause_queue(ahead, [BATCH], until=clock.now() + MUCH / 2)
    assert list(parts.broker.marks.controls().paused) == [BATCH]
    assert read_controls(parts.store, now=clock.now() - MUCH).paused != {}
    assert read_controls(parts.store, now=clock.now() + MUCH).paused == {}
