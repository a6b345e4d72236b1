"""Events reach their subscribers; a sweep without subscribers publishes only its progress."""

from datetime import timedelta

import pytest

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.events import EventPublisher, JobEvent
from tests.support.redis import raw

RUNNING = JobEvent("state", {"status": "running", "progress": 0})
HALF = JobEvent("progress", {"progress": 50})
DONE = JobEvent("done", {"status": "succeeded"})


@pytest.fixture
def publisher(broker: Broker) -> EventPublisher:
    """A publisher that sends its events when it is stopped."""
    made = EventPublisher(broker.events, interval=timedelta(hours=1))
    made.start()
    return made


def keys(broker: Broker) -> set[str]:
    return set(raw(broker).keys("gm:*"))


def test_events_of_a_job_are_read_in_order(broker: Broker, publisher: EventPublisher) -> None:
    for event in (RUNNING, HALF):
        publisher.post("job_1", event)
    publisher.stop()
    assert [(event.type, event.data) for event in broker.events.read("job_1")] == [
        (event.type, event.data) for event in (RUNNING, HALF)
    ]
    assert broker.events.progress(["job_1", "job_2"]) == {"job_1": 50}


def test_a_run_without_viewers_stores_its_progress_only(broker: Broker, publisher: EventPublisher) -> None:
    for event in (RUNNING, HALF):
        publisher.post("job_1", event, if_watched=True)
    for event in (RUNNING, HALF, DONE):
        publisher.post("job_2", event, if_watched=True)
    publisher.stop()
    assert keys(broker) == {"gm:progress:job_1"}
    assert broker.events.progress(["job_1"]) == {"job_1": 50}


def test_what_is_watched_is_published(broker: Broker, publisher: EventPublisher) -> None:
    broker.events.watch("job_1")
    for job_id in ("job_1", "job_2"):
        publisher.post(job_id, DONE, if_watched=True)
    publisher.stop()
    assert [event.type for event in broker.events.read("job_1")] == ["done"]
    assert broker.events.read("job_2") == []


def test_who_reads_watches(broker: Broker, publisher: EventPublisher) -> None:
    assert broker.events.read("job_1") == []
    publisher.post("job_1", HALF, if_watched=True)
    publisher.stop()
    assert [event.type for event in broker.events.read("job_1")] == ["progress"]
