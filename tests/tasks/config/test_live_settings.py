"""Other processes apply saved settings; settings that Redis lost are published again."""

import threading
from collections.abc import Iterator
from functools import partial

import pytest
from celery import Celery

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.service.settings import delete_settings, write_settings
from gonemaster_tasks.app import PURGE_ENTRY, make_app, make_app_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.overrides import ChangeRefused
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.watcher import SettingsWatcher, republish_settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.settings import change_settings
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.queues import BATCH, NORMAL
from gonemaster_tasks.schedule import follow_purge_interval
from gonemaster_tasks.worker.consume.gate import Gate
from tests.support.redis import raw
from tests.support.threads import together
from tests.support.workers import wait_until

INTERVAL = "database.purge_interval_seconds"


@pytest.fixture
def writing_settings() -> LiveSettings:
    """The settings of the process that changes a value."""
    return LiveSettings(Settings())


@pytest.fixture
def reading_settings() -> LiveSettings:
    """The settings of another process, which has 8 slots from its environment."""
    return LiveSettings(load_settings({}, {"GONEMASTER_WORKER_COUNT": "8"}))


@pytest.fixture
def watcher(reading_settings: LiveSettings, parts: QueueParts) -> SettingsWatcher:
    """The watcher of the other process, which has read the settings once."""
    made = SettingsWatcher(reading_settings, parts.store, parts.broker)
    assert made.poll()
    return made


def store_value(store: Store, key: str, value: object) -> None:
    with store.transaction() as session:
        write_settings(session, {key: value}, now=utcnow())


def test_a_change_is_seen_by_another_process_and_forgotten_again(
    parts: QueueParts, writing_settings: LiveSettings, reading_settings: LiveSettings, watcher: SettingsWatcher
) -> None:
    assert reading_settings.current.worker_count == 8
    assert change_settings(parts, writing_settings, {"worker_count": 3, "min_level": "notice"}) == [
        "min_level",
        "worker_count",
    ]
    assert (writing_settings.current.worker_count, writing_settings.current.min_level) == (3, "NOTICE")
    assert watcher.poll()
    assert (reading_settings.current.worker_count, reading_settings.current.source("worker_count")) == (3, "database")
    assert change_settings(parts, writing_settings, {"worker_count": None}) == ["worker_count"]
    assert watcher.poll()
    assert (
        writing_settings.current.worker_count,
        reading_settings.current.worker_count,
        reading_settings.current.min_level,
    ) == (16, 8, "NOTICE")


def test_a_thread_follows_until_it_is_stopped(
    parts: QueueParts, writing_settings: LiveSettings, reading_settings: LiveSettings
) -> None:
    watcher = SettingsWatcher(reading_settings, parts.store, parts.broker)
    watcher.start()
    change_settings(parts, writing_settings, {"worker_count": 3})
    wait_until(lambda: reading_settings.current.worker_count == 3)
    watcher.stop()
    assert "settings" not in {thread.name for thread in threading.enumerate()}


def test_a_flag_of_a_process_stands_over_what_is_saved(parts: QueueParts, writing_settings: LiveSettings) -> None:
    flagged = LiveSettings(load_settings({"worker_count": 2}, {}))
    change_settings(parts, writing_settings, {"worker_count": 3})
    flagged.load(parts.store)
    assert (flagged.current.worker_count, flagged.current.source("worker_count")) == (2, "cli_flag")
    with pytest.raises(ChangeRefused):
        change_settings(parts, flagged, {"worker_count": 4})


def test_the_database_is_read_only_after_a_change(
    parts: QueueParts, writing_settings: LiveSettings, reading_settings: LiveSettings, watcher: SettingsWatcher
) -> None:
    store_value(parts.store, "worker_count", 3)  # not notified
    assert watcher.poll()
    assert reading_settings.current.worker_count == 8
    change_settings(parts, writing_settings, {"min_level": "ERROR"})
    assert watcher.poll()
    assert reading_settings.current.worker_count == 3


def test_what_was_not_published_the_reconciler_publishes_once(
    parts: QueueParts, reading_settings: LiveSettings, watcher: SettingsWatcher
) -> None:
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    store_value(parts.store, "worker_count", 3)
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    assert watcher.poll()
    assert reading_settings.current.worker_count == 3
    assert not republish_settings(parts.store, parts.broker)
    with parts.store.transaction() as session:
        delete_settings(session, ["worker_count"])
    assert republish_settings(parts.store, parts.broker)


def test_changes_at_the_same_time_are_all_saved(parts: QueueParts) -> None:
    def change(key: str) -> None:
        own = LiveSettings(Settings())
        for value in range(1, 11):
            change_settings(parts, own, {key: value, "min_level": "NOTICE" if value % 2 else "INFO"})

    keys = ("worker_count", "max_concurrent_jobs", "min_batch_slots")
    assert list(together(*(partial(change, key) for key in keys))) == [None] * 3
    late = LiveSettings(Settings())
    late.load(parts.store)
    found = late.current
    assert (found.worker_count, found.max_concurrent_jobs, found.min_batch_slots) == (10, 10, 10)


def test_settings_outlive_an_emptied_redis(
    parts: QueueParts, writing_settings: LiveSettings, reading_settings: LiveSettings, watcher: SettingsWatcher
) -> None:
    change_settings(parts, writing_settings, {"worker_count": 3})
    assert watcher.poll()
    raw(parts.broker).flushall()
    assert watcher.poll()
    assert reading_settings.current.worker_count == 3
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    change_settings(parts, writing_settings, {"worker_count": 4})
    assert watcher.poll()
    assert reading_settings.current.worker_count == 4


def test_two_changes_that_are_published_in_the_wrong_order_are_both_seen(
    parts: QueueParts, reading_settings: LiveSettings, watcher: SettingsWatcher
) -> None:
    store_value(parts.store, "worker_count", 3)
    parts.broker.marks.publish_settings("first")
    assert watcher.poll()
    store_value(parts.store, "worker_count", 4)
    parts.broker.marks.publish_settings("second")
    parts.broker.marks.publish_settings("first")
    assert watcher.poll()
    assert reading_settings.current.worker_count == 4


def test_settings_are_read_without_redis_and_seen_when_it_is_back(
    store: Store, own_redis: EmbeddedRedis, writing_settings: LiveSettings, reading_settings: LiveSettings
) -> None:
    broker = Broker.open(own_redis.url)
    app = make_app(own_redis.url)
    store_value(store, "worker_count", 3)
    own_redis.stop()
    watcher = SettingsWatcher(reading_settings, store, broker)
    assert watcher.poll()
    assert reading_settings.current.worker_count == 3
    own_redis.start()
    change_settings(QueueParts(store, broker, app), writing_settings, {"worker_count": 5})
    assert watcher.poll()
    assert reading_settings.current.worker_count == 5
    broker.close()
    app.close()


def test_slots_of_a_worker_change_while_it_works() -> None:
    gate = Gate(slots=2, reserved_normal=1)
    gate.update(Controls({}), None)
    gate.acquire("job_1", BATCH)

    def allowed() -> list[str]:
        return gate.queues([NORMAL, BATCH])

    assert allowed() == [NORMAL]
    gate.set_slots(2, 0, 0)
    assert allowed() == [NORMAL, BATCH]
    gate.set_slots(3, 0, 2)
    assert allowed() == [BATCH, NORMAL]
    gate.set_slots(1, 0, 2)
    assert allowed() == []
    gate.set_slots(3, 0, 0)
    gate.update(Controls({}), 1)
    assert allowed() == []


# Beat's entry


@pytest.fixture
def other_app(broker: Broker) -> Iterator[Celery]:
    """The application of another process."""
    app = make_app_of(Settings(broker_url=broker.address.url, purge_interval_seconds=7200))
    yield app
    app.close()


def known_interval(parts: QueueParts) -> str:
    return str(raw(parts.broker).hget("redbeat:purge", "definition"))


def test_a_saved_interval_replaces_that_of_beat(
    parts: QueueParts, writing_settings: LiveSettings, other_app: Celery
) -> None:
    parts.broker.beat.save_entry(other_app, PURGE_ENTRY)
    assert '"every": 7200' in known_interval(parts)
    before = raw(parts.broker).zscore("redbeat::schedule", "redbeat:purge")
    change_settings(parts, writing_settings, {INTERVAL: 60})
    assert '"every": 60' in known_interval(parts)
    assert raw(parts.broker).zscore("redbeat::schedule", "redbeat:purge") == pytest.approx(before - 7140, abs=30)
    change_settings(parts, writing_settings, {INTERVAL: None})
    assert '"every": 3600' in known_interval(parts)


def test_the_reconciler_puts_a_saved_interval_right_and_leaves_that_of_beat_alone(
    parts: QueueParts, writing_settings: LiveSettings, other_app: Celery
) -> None:
    parts.broker.beat.save_entry(other_app, PURGE_ENTRY)
    assert not follow_purge_interval(parts.celery, parts.broker, writing_settings.current)
    assert '"every": 7200' in known_interval(parts)
    store_value(parts.store, INTERVAL, 90)
    writing_settings.load(parts.store)
    assert follow_purge_interval(parts.celery, parts.broker, writing_settings.current)
    assert not follow_purge_interval(parts.celery, parts.broker, writing_settings.current)
    assert '"every": 90' in known_interval(parts)


def test_a_lost_entry_comes_back_with_the_interval_of_the_settings(
    parts: QueueParts, writing_settings: LiveSettings
) -> None:
    change_settings(parts, writing_settings, {INTERVAL: 60})
    raw(parts.broker).flushall()
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    assert parts.broker.beat.missing_entries(parts.celery) == []
    assert '"every": 60' in known_interval(parts)
