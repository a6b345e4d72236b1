"""The event stream of a batch: counts until the end, computed once for all viewers."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api import batch_counts
from gonemaster_api.batch_counts import BatchWatch
from gonemaster_api.streams import hub
from gonemaster_db.batches.batches import count_statuses
from gonemaster_db.core.errors import BatchNotFound, StoreUnavailable
from gonemaster_db.core.session import Store
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.event_streams import EventStream
from tests.support.rows import claim, finish_job


class Stream(EventStream):
    """The stream of a batch."""

    def next_completed(self) -> tuple[str, dict[str, Any], str]:
        """Return the next event with a higher `completed` than at the start: a job may appear as running first."""
        while not (event := self.next())[1].get("completed"):
            assert event[0] == "counts"
        return event

    def end(self) -> tuple[str, dict[str, Any], str]:
        """Return the last event."""
        while (event := self.next())[0] == "counts":
            pass
        return event


Follow = Callable[..., Stream]


@pytest.fixture
def follow(client: FlaskClient) -> Iterator[Follow]:
    """Open a stream with `follow(batch_id)`; it is closed after the test."""
    streams: list[Stream] = []

    def open_stream(batch_id: str, last_event_id: str = "") -> Stream:
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        streams.append(Stream(client.application, f"/api/v1/batches/{batch_id}/events", headers=headers))
        return streams[-1]

    yield open_stream
    for stream in streams:
        stream.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every check count again."""
    monkeypatch.setattr(batch_counts, "COUNT_EVERY_S", 0.0)
    monkeypatch.setattr(batch_counts, "SHARE", 0)


def test_numbers_until_the_end(client: FlaskClient, follow: Follow, store: Store) -> None:
    answer = submit(client, "a.example", "b.example")
    stream = follow(answer["batch_id"])
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["cache-control"] == "no-cache"
    kind, data, identity = stream.next()
    assert kind == "counts"
    assert identity
    assert (data["status"], data["total"], data["completed"], data["completion"]) == ("running", 2, 0, 0.0)
    assert data["status_counts"]["queued"] == 2
    finish_job(store, claim(store, answer["job_ids"][0]))
    kind, data, _ = stream.next_completed()
    assert (kind, data["completed"], data["status_counts"]["succeeded"]) == ("counts", 1, 1)
    finish_job(store, claim(store, answer["job_ids"][1]))
    kind, data, identity = stream.end()
    assert (kind, data["status"], data["completion"], identity) == ("done", "done", 100.0, "end")
    assert stream.next()[0] == "end of stream"


def test_client_that_comes_back_gets_what_differs(client: FlaskClient, follow: Follow, store: Store) -> None:
    answer = submit(client, "a.example", "b.example")
    seen = follow(answer["batch_id"]).next()[2]
    again = follow(answer["batch_id"], seen)
    assert next(again.blocks).startswith("retry: ")
    finish_job(store, claim(store, answer["job_ids"][0]))
    kind, data, _ = again.next_completed()
    assert (kind, data["completed"]) == ("counts", 1)
    assert (
        client.get(f"/api/v1/batches/{answer['batch_id']}/events", headers={"Last-Event-ID": "end"}).status_code == 204
    )


def test_finished_batch_has_its_end_at_once(client: FlaskClient, follow: Follow, store: Store) -> None:
    answer = submit(client, "a.example")
    finish_job(store, claim(store, answer["job_ids"][0]))
    stream = follow(answer["batch_id"])
    assert stream.next()[0] == "done"
    assert stream.next()[0] == "end of stream"


def test_deletion_ends_the_stream(client: FlaskClient, follow: Follow) -> None:
    answer = submit(client, "a.example")
    stream = follow(answer["batch_id"])
    stream.next()
    assert client.delete(f"/api/v1/batches/{answer['batch_id']}").status_code == 204
    assert stream.next()[0] == "done"  # deleted, or canceled before


def test_quiet_stream_is_kept_alive(client: FlaskClient, follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "KEEP_ALIVE_S", 0.0)
    blocks = follow(submit(client, "a.example")["batch_id"]).blocks
    assert ": keep-alive" in [next(blocks) for _ in range(4)]


def test_stream_ends_when_the_service_stops(client: FlaskClient, follow: Follow, stopping: threading.Event) -> None:
    stream = follow(submit(client, "a.example")["batch_id"])
    stream.next()
    stopping.set()
    assert stream.next()[0] == "end of stream"


def test_unknown_batch(client: FlaskClient) -> None:
    assert error_of(client.get("/api/v1/batches/none/events"))["code"] == "not_found"


def test_all_who_watch_share_one_count(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_counts, "COUNT_EVERY_S", 3600.0)
    counted: list[str] = []

    def noted(session: Any, batch_id: str) -> Mapping[str, int]:
        counted.append(batch_id)
        return count_statuses(session, batch_id)

    monkeypatch.setattr(batch_counts, "count_statuses", noted)
    watch, batch_id = BatchWatch(), submit(client, "a.example")["batch_id"]
    threads = [threading.Thread(target=watch.counts, args=(store, batch_id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == [batch_id]


def test_last_numbers_are_shown_while_the_database_is_unavailable(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("away")

    watch, batch_id = BatchWatch(), submit(client, "a.example")["batch_id"]
    known = watch.counts(store, batch_id)
    with monkeypatch.context() as patch:
        patch.setattr(batch_counts, "get_batch", away)
        assert watch.counts(store, batch_id) == known
        assert BatchWatch().counts(store, batch_id) is None
    with pytest.raises(BatchNotFound):
        watch.counts(store, "none")
