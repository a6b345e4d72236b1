"""The event stream of a job, from the broker's messages and the store."""

import threading
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from gonemaster_api.streams import hub
from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.events import JobEvent
from gonemaster_tasks.control.parts import QueueParts
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.event_streams import EventStream
from tests.support.rows import claim, finish_job, make_run, queue_job

ENTRY = {"timestamp": 0.5, "module": "BASIC", "testcase": "basic01", "tag": "B01_CHILD_FOUND", "level": "INFO"}


@pytest.fixture
def follow(client: FlaskClient) -> Iterator[Callable[..., EventStream]]:
    """Open a stream with `follow(job_id)`; it is closed after the test."""
    streams: list[EventStream] = []

    def open_stream(job_id: str, **headers: str) -> EventStream:
        fields = {name.replace("_", "-"): text for name, text in headers.items()}
        streams.append(EventStream(client.application, f"/api/v1/jobs/{job_id}/events", headers=fields))
        return streams[-1]

    yield open_stream
    for stream in streams:
        stream.close()


@pytest.fixture
def broker(queue: QueueParts) -> Broker:
    return queue.broker


Follow = Callable[..., EventStream]


def test_events_arrive_in_order_until_the_end(follow: Follow, store: Store, broker: Broker) -> None:
    job = claim(store, queue_job(store).id)
    stream = follow(job.id)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-cache"
    assert stream.next()[:2] == ("state", {"status": "running", "progress": 0})
    broker.events.publish(job.id, JobEvent("progress", {"progress": 40}))
    broker.events.publish(job.id, JobEvent("entry", ENTRY | {"args": {"domain": "example.com"}}))
    broker.events.publish(job.id, JobEvent("done", {"status": "succeeded"}))
    assert stream.next()[:2] == ("progress", {"progress": 40})
    kind, entry, identity = stream.next()
    assert (kind, entry["tag"]) == ("entry", "B01_CHILD_FOUND")
    assert entry["message"]
    assert identity
    assert stream.next()[:2] == ("done", {"status": "succeeded"})
    assert stream.rest() == []


def test_stream_goes_on_behind_the_last_event_seen(follow: Follow, store: Store, broker: Broker) -> None:
    job = claim(store, queue_job(store).id)
    for percent in (10, 20, 30):
        broker.events.publish(job.id, JobEvent("progress", {"progress": percent}))
    first = follow(job.id)
    first.next()
    first.next()
    seen = first.next()[2]
    broker.events.publish(job.id, JobEvent("done", {"status": "succeeded"}))
    again = follow(job.id, Last_Event_ID=seen)
    assert again.next()[:2] == ("progress", {"progress": 30})
    assert again.rest() == ["done"]


def test_end_is_sent_even_if_its_event_was_lost(follow: Follow, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LOOK_EVERY_S", 0.0)
    job = claim(store, queue_job(store).id)
    stream = follow(job.id)
    stream.next()
    finish_job(store, job)
    assert stream.next()[:2] == ("done", {"status": "succeeded"})
    assert stream.rest() == []


def test_finished_job_has_a_state_and_the_end(follow: Follow, store: Store) -> None:
    stream = follow(make_run(store).id)
    assert stream.next()[:2] == ("state", {"status": "succeeded", "progress": 100})
    assert stream.next()[0] == "done"
    assert stream.rest() == []


def test_what_was_missed_of_an_ended_job_comes_before_its_end(follow: Follow, store: Store, broker: Broker) -> None:
    job = claim(store, queue_job(store).id)
    for percent in (10, 20, 30):
        broker.events.publish(job.id, JobEvent("progress", {"progress": percent}))
    seen = broker.events.read(job.id)[0].id
    finish_job(store, job)
    broker.events.publish(job.id, JobEvent("done", {"status": "succeeded"}))
    again = follow(job.id, Last_Event_ID=seen)
    assert [again.next()[:2] for _ in range(3)] == [
        ("progress", {"progress": 20}),
        ("progress", {"progress": 30}),
        ("done", {"status": "succeeded"}),
    ]
    assert again.rest() == []
    assert follow(job.id, Last_Event_ID="from elsewhere").rest() == ["done"]


def test_browser_that_saw_the_end_gets_204(client: FlaskClient, store: Store) -> None:
    run = make_run(store)
    assert client.get(f"/api/v1/jobs/{run.id}/events", headers={"Last-Event-ID": "end"}).status_code == 204


def test_quiet_stream_is_kept_alive(follow: Follow, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "KEEP_ALIVE_S", 0.0)
    stream = follow(queue_job(store).id)
    assert ": keep-alive" in [next(stream.blocks) for _ in range(4)]


def test_streams_end_when_the_service_stops(follow: Follow, store: Store, stopping: threading.Event) -> None:
    stream = follow(queue_job(store).id)
    stream.next()
    stopping.set()
    assert stream.rest() == []


def test_viewers_are_limited_in_all_and_for_each_client(make_app: MakeApp, store: Store) -> None:
    app = make_app(max_viewers=3, max_viewers_per_client=2)
    path = f"/api/v1/jobs/{queue_job(store).id}/events"
    streams = [EventStream(app, path) for _ in range(2)]
    refused = app.test_client().get(path)
    assert (refused.status_code, error_of(refused)["code"]) == (429, "too_many_client_streams")
    assert refused.headers["Retry-After"]
    other = "192.0.2.1"
    streams.append(EventStream(app, path, remote=other))
    refused = app.test_client().get(path, environ_overrides={"REMOTE_ADDR": other})
    assert (refused.status_code, error_of(refused)["code"]) == (503, "too_many_streams")
    streams[0].close()
    streams.append(EventStream(app, path))
    assert streams[-1].next()[0] == "state"
    for stream in streams[1:]:
        stream.close()
