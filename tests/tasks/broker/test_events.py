"""Events reach their subscribers; a sweep without subscribers publishes only its progress."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from gonemaster_tasks.broker import keys as names
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.event_reader import EventReader, Position
from gonemaster_tasks.broker.events import FOUND, LARGEST_FOUND, EventPublisher, JobEvent, PendingEvent
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


def test_findings_of_a_watched_job_replace_each_other(broker: Broker, publisher: EventPublisher) -> None:
    assert broker.events.found("job_1") is None
    for number in (1, 2):
        publisher.post("job_1", JobEvent(FOUND, {"queries": number}), if_watched=True)
        publisher.post("job_2", JobEvent(FOUND, {"queries": number}), if_watched=True)
    publisher.post("job_1", JobEvent(FOUND, {"name": "x" * LARGEST_FOUND}), if_watched=True)
    publisher.stop()
    assert broker.events.found("job_2") is None, "nobody watched it"
    assert broker.events.read("job_1") == [], "the stream of events has none of them"


def test_findings_end_with_the_job(broker: Broker, publisher: EventPublisher) -> None:
    broker.events.watch("job_1")
    publisher.post("job_1", JobEvent(FOUND, {"queries": 7}), if_watched=True)
    publisher.stop()
    assert broker.events.found("job_1") == {"queries": 7}
    broker.events.publish("job_1", DONE)
    assert broker.events.found("job_1") is None
    raw(broker).set("gm:found:job_1", "{half")
    assert broker.events.found("job_1") is None
    raw(broker).delete("gm:found:job_1")
    raw(broker).lpush("gm:found:job_1", "list")
    assert broker.events.found("job_1") is None


def read_at(broker: Broker, *positions: Position, count: int = 100) -> dict[Position, list[int]]:
    """Return the progress of the events after each position that has any."""

    async def read() -> dict[Position, list[JobEvent]]:
        async with aclosing(EventReader(broker.address)) as reader:
            return await reader.read(positions, count=count)

    found = asyncio.run(read())
    return {position: [event.data["progress"] for event in events] for position, events in found.items()}


def test_viewers_of_one_job_read_from_their_own_positions(broker: Broker) -> None:
    published = [("job_1", 0), ("job_1", 1), ("job_1", 2), ("job_2", 3)]
    events = [PendingEvent(job_id, JobEvent("progress", {"progress": number})) for job_id, number in published]
    broker.events.publish_many(events)
    raw(broker).set(names.events("job_3"), "no stream")
    first, second, last = (event.id for event in broker.events.read("job_1"))
    new, middle, current, other = ("job_1", "0"), ("job_1", second), ("job_1", last), ("job_2", "0")
    assert read_at(broker, new, current, other, middle) == {new: [0, 1, 2], middle: [2], other: [3]}
    assert read_at(broker, new, ("job_3", "0"), ("job_1", first), count=1) == {new: [0], ("job_1", first): [1]}
