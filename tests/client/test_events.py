"""Event streams: the parser, and continuation after interruptions."""

from __future__ import annotations

import pytest

from gonemaster_client import Retries, errors
from gonemaster_client.calls import jobs
from gonemaster_client.events import Event, Following
from gonemaster_client.responses import Answer
from tests.client.servers import Reply, scripted
from tests.client.test_transports import Both, both, error

__all__ = ["both"]  # a fixture

STREAM = {"Content-Type": "text/event-stream"}
FIRST = b'retry: 0\n\nid: 1-1\nevent: state\ndata: {"status": "running", "progress": 0}\n\n: keep-alive\n\n'
LAST = b'id: 1-2\nevent: progress\ndata: {"progress": 50}\n\nid: end\nevent: done\ndata: {"status": "succeeded"}\n\n'


def fed(*pieces: bytes) -> list[Event]:
    state = Following(Retries())
    return [event for piece in pieces for event in state.feed(piece)]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_are_read_from_pieces_of_any_size(size: int) -> None:
    text = FIRST + LAST
    found = fed(*(text[at : at + size] for at in range(0, len(text), size)))
    assert [event.kind for event in found] == ["state", "progress", "done"]
    assert found[1] == Event("progress", {"progress": 50}, "1-2")


def test_line_separators_inside_of_texts_end_no_line() -> None:
    [event] = fed('event: entry\r\ndata: {"message": "a\u2028b\x85"}\r\n\r\n'.encode())
    assert event.data == {"message": "a\u2028b\x85"}


def test_an_interrupted_stream_continues_after_its_last_event(both: Both) -> None:
    with scripted(
        Reply(200, FIRST, STREAM, is_cut=True),
        error(503, "too_many_streams", **{"Retry-After": "0"}),
        Reply(200, LAST, STREAM),
    ) as server:
        found = both.events(server.url, jobs.events("job_1"))
    assert [event.kind for event in found] == ["state", "progress", "done"]
    assert [request.headers.get("last-event-id") for request in server.received] == [None, "1-1", "1-1"]


def test_a_stream_that_the_server_ends_is_reopened(both: Both) -> None:
    with scripted(Reply(200, FIRST, STREAM), Reply(200, LAST, STREAM)) as server:
        assert len(both.events(server.url, jobs.events("job_1"))) == 3
    assert server.received[1].headers["last-event-id"] == "1-1"


def test_a_client_that_has_the_last_event_stops(both: Both) -> None:
    with scripted(Reply(200, FIRST, STREAM), Reply(204, b"", {})) as server:
        assert [event.kind for event in both.events(server.url, jobs.events("job_1"))] == ["state"]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(404, "not_found"), errors.NotFound),
        (error(401, "unauthorized"), errors.Unauthorized),
        (Reply(200, b"<html>", {"Content-Type": "text/html"}), errors.UnexpectedResponse),
        (Reply(200, b"{}", {"Content-Type": "application/json"}), errors.UnexpectedResponse),
    ],
    ids=["404", "401", "html", "json"],
)
def test_a_refused_stream_is_not_reopened(both: Both, reply: Reply, kind: type[errors.ClientError]) -> None:
    with scripted(reply) as server, pytest.raises(kind):
        both.events(server.url, jobs.events("job_1"))
    assert len(server.received) == 1


def test_a_stream_that_only_fails_is_given_up(both: Both) -> None:
    with scripted(Reply(body=None)) as server, pytest.raises(errors.Interrupted):
        both.events(server.url, jobs.events("job_1"))
    assert len(server.received) == 1 + Retries().stream_count


def test_an_answer_without_a_type_is_no_stream() -> None:
    with pytest.raises(errors.UnexpectedResponse, match="sends no content type instead of events"):
        Following(Retries()).opened(Answer("http://h/", 200, {}, b"{}"))
