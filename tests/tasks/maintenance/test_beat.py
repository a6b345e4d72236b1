"""One of several beats sends, the others report standby; an unavailable Redis causes no traceback."""

import logging
from collections.abc import Iterator

import pytest

from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.scheduler import Scheduler


@pytest.fixture
def pair(own_redis: EmbeddedRedis) -> Iterator[tuple[Scheduler, Scheduler]]:
    """The schedulers of two beats."""
    broker, app = Broker.open(own_redis.url), make_app(own_redis.url)
    broker.beat.share_client(app)
    yield Scheduler(app, lazy=True), Scheduler(app, lazy=True)
    app.close()
    broker.close()


def test_a_beat_without_the_lock_says_once_that_it_stands_by(
    pair: tuple[Scheduler, Scheduler], caplog: pytest.LogCaptureFixture
) -> None:
    active, standby = pair
    with caplog.at_level(logging.INFO, "gonemaster_tasks.broker.scheduler"):
        for scheduler in (active, standby, active, standby):
            scheduler.tick()
    message = [record.getMessage() for record in caplog.records]
    assert message.count("beat acquired the lock") == 1
    assert message.count("another beat holds the lock, standing by") == 1
    active.close()
    with caplog.at_level(logging.INFO, "gonemaster_tasks.broker.scheduler"):
        standby.tick()
    assert [record.getMessage() for record in caplog.records].count("beat acquired the lock") == 2


def test_a_redis_that_goes_leaves_no_traceback(
    pair: tuple[Scheduler, Scheduler], own_redis: EmbeddedRedis, caplog: pytest.LogCaptureFixture
) -> None:
    active, standby = pair
    for scheduler in pair:
        scheduler.tick()
    own_redis.stop()
    caplog.clear()
    assert active.tick() > 0
    assert standby.tick() > 0
    active.close()
    failed = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert failed
    assert [record.getMessage() for record in failed if record.exc_info] == []
