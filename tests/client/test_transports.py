"""Both clients against scripted servers: retries, idempotency keys, paging, errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from gonemaster_client import AsyncClient, Client, Retries, errors
from gonemaster_client.calls import batches, jobs, runs, tags
from gonemaster_client.calls.description import Call, Pages, Stream
from gonemaster_client.server import root_of
from tests.client.servers import Reply, scripted

FAST = Retries(count=3, first_pause_s=0.001)
JOB = Reply(201, b'{"id": "job_1"}')


def error(status: int, code: str = "x", **headers: str) -> Reply:
    body = json.dumps({"error": {"code": code, "message": "no", "details": {"field": "domain"}}}).encode()
    return Reply(status, body, {"Content-Type": "application/json", **headers})


class Both:
    """The operations of a client, in the kind that a test is run with."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def _run(self, url: str, work: Callable[[Any], Any], options: Any) -> Any:
        if self.kind == "sync":
            with Client(url, **{"retries": FAST, **options}) as client:
                return work(client)

        async def run() -> Any:
            async with AsyncClient(url, **{"retries": FAST, **options}) as client:
                found = work(client)
                return [each async for each in found] if hasattr(found, "__aiter__") else await found

        return asyncio.run(run())

    def send(self, url: str, call: Call[Any], **options: Any) -> Any:
        return self._run(url, lambda client: client.send(call), options)

    def each(self, url: str, pages: Pages[Any], limit: int | None = None) -> list[Any]:
        return list(self._run(url, lambda client: _listed(client.each(pages, limit)), {}))

    def events(self, url: str, stream: Stream) -> list[Any]:
        return list(self._run(url, lambda client: _listed(client.events(stream)), {}))

    def download(self, url: str, call: Call[Any]) -> bytes:
        return b"".join(self._run(url, lambda client: _listed(client.download(call)), {}))


def _listed(found: Any) -> Any:
    return found if hasattr(found, "__aiter__") else list(found)


@pytest.fixture(params=["sync", "async"])
def both(request: pytest.FixtureRequest) -> Both:
    return Both(request.param)


@pytest.mark.parametrize(
    "failure",
    [
        error(503, "broker_unavailable", **{"Retry-After": "0"}),
        error(429, "rate_limited", **{"Retry-After": "0"}),
        Reply(502, b"<html>bad gateway</html>", {"Content-Type": "text/html"}),
        Reply(body=None),
        Reply(200, b'{"id":', is_cut=True),
    ],
    ids=["503", "429", "proxy", "closed", "cut"],
)
def test_a_failed_submission_is_repeated_with_the_same_key(both: Both, failure: Reply) -> None:
    with scripted(failure, failure, JOB) as server:
        assert both.send(server.url, jobs.create(domain="example.com"))["id"] == "job_1"
    first, second, third = server.received
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == third.headers["idempotency-key"]
    assert first.body == third.body == b'{"domain": "example.com"}'
    assert len(first.headers["idempotency-key"]) == 32


def test_two_submissions_have_different_keys() -> None:
    assert jobs.create(domain="a.example").key != jobs.create(domain="a.example").key
    assert jobs.create(domain="a.example", key="mine").key == "mine"


def test_repetition_ends_after_the_allowed_number(both: Both) -> None:
    with scripted(error(503, "overloaded")) as server, pytest.raises(errors.Unavailable) as caught:
        both.send(server.url, jobs.show("job_1"))
    assert len(server.received) == 1 + FAST.count
    assert caught.value.code == "overloaded"


def test_a_pause_that_is_too_long_is_left_to_the_caller(both: Both) -> None:
    with scripted(error(429, "rate_limited", **{"Retry-After": "3600"})) as server:
        with pytest.raises(errors.RateLimited) as caught:
            both.send(server.url, jobs.show("job_1"))
        assert len(server.received) == 1
    assert caught.value.retry_after_s == 3600


def test_the_creation_of_a_tag_is_not_repeated_if_it_may_have_succeeded(both: Both) -> None:
    for failure, kind in (
        (Reply(body=None), errors.Interrupted),
        (error(503, "store_unavailable"), errors.Unavailable),
    ):
        with scripted(failure) as server, pytest.raises(kind):
            both.send(server.url, tags.create("mine"))
        assert len(server.received) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.BadRequest),
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (410, errors.NotFound),
        (413, errors.TooLarge),
        (422, errors.BadRequest),
        (500, errors.ServerError),
    ],
)
def test_each_status_has_its_error_and_is_final(status: int, kind: type[errors.ApiError]) -> None:
    with scripted(error(status, "some_code", **{"X-Request-Id": "r1"})) as server, pytest.raises(kind) as caught:
        Both("sync").send(server.url, jobs.show("job_1"))
    assert len(server.received) == 1
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (status, "some_code", "r1")
    assert caught.value.details == {"field": "domain"}


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(200, b"<html><body>Login</body></html>", {"Content-Type": "text/html"}), "200 with text/html"),
        (Reply(404, b"<html>nothing</html>", {"Content-Type": "text/html"}), "404 with text/html"),
        (Reply(302, b"", {"Location": "https://login.example/"}), "redirects to https://login.example/"),
        (Reply(200, b'{"half":', {"Content-Type": "application/json"}), "does not respond as the API"),
    ],
    ids=["page", "unknown", "redirect", "broken"],
)
def test_a_response_of_another_program_is_named(both: Both, reply: Reply, text: str) -> None:
    with scripted(reply) as server, pytest.raises(errors.UnexpectedResponse, match=text):
        both.send(server.url, jobs.show("job_1"))


def test_a_server_that_is_not_running_is_unreachable(both: Both) -> None:
    with pytest.raises(errors.Unreachable, match=r"cannot connect to http://127.0.0.1:1/api/v1/jobs/job_1"):
        both.send("http://127.0.0.1:1", jobs.show("job_1"))


def test_a_slow_server_is_given_up_after_the_time_limit(both: Both) -> None:
    ready = asyncio.Event()  # never set: only its object is needed to make the reply wait

    def late(_: Any) -> Reply:
        import threading

        threading.Event().wait(0.5)
        return Reply()

    del ready
    with scripted(late) as server, pytest.raises(errors.Interrupted, match="within the time limit"):
        both.send(server.url, jobs.show("job_1"), timeout_s=0.05, retries=Retries(count=0))


def page(items: list[int], **more: str) -> Reply:
    return Reply(200, json.dumps({"items": items, "total": 5, **more}).encode())


def test_pages_are_read_when_they_are_needed(both: Both) -> None:
    with scripted(page([1, 2], next_cursor="2"), page([3, 4], next_cursor="4"), page([5])) as server:
        assert both.each(server.url, runs.search(tag="mine")) == [1, 2, 3, 4, 5]
        assert [request.path for request in server.received] == [
            "/api/v1/runs?tag=mine&limit=500",
            "/api/v1/runs?tag=mine&limit=500&cursor=2",
            "/api/v1/runs?tag=mine&limit=500&cursor=4",
        ]
    with scripted(page([1, 2], next_after="r.2"), page([3, 4], next_after="r.4")) as server:
        assert both.each(server.url, runs.entries(), limit=3) == [1, 2, 3]
        assert server.received[-1].path == "/api/v1/entries?limit=3&after=r.2"


def test_a_bare_array_is_read_by_offsets(both: Both) -> None:
    full = Reply(200, json.dumps(list(range(500))).encode())
    with scripted(full, Reply(200, b"[500]")) as server:
        assert len(both.each(server.url, tags.search())) == 501
        assert server.received[1].path == "/api/v1/tags?limit=500&offset=500"


def test_names_are_quoted_in_paths_and_tokens_sent_as_bearer(both: Both) -> None:
    with scripted(Reply(200, b"{}")) as server:
        both.send(server.url, tags.summary("a b?#"), token="gm_x", headers={"X-Mine": "1"})
        [request] = server.received
    assert request.path == "/api/v1/tags/a%20b%3F%23/summary"
    assert (request.headers["authorization"], request.headers["x-mine"]) == ("Bearer gm_x", "1")


def test_a_deletion_without_body_returns_nothing(both: Both) -> None:
    with scripted(Reply(204, b"", {})) as server:
        assert both.send(server.url, batches.remove("bat_1")) is None


def test_a_download_is_passed_on_in_pieces(both: Both) -> None:
    rows = b"id,run_id\n" + b"1,2\n" * 50_000
    with scripted(Reply(200, rows, {"Content-Type": "text/csv"}), error(400, "invalid_level")) as server:
        assert both.download(server.url, runs.entries_as_csv(level="ERROR")) == rows
        assert server.received[0].path == "/api/v1/entries?level=ERROR&format=csv"
        with pytest.raises(errors.BadRequest, match="no"):
            both.download(server.url, runs.entries_as_csv())


@pytest.mark.parametrize("server", ["https://dns.example", "https://dns.example/", "https://dns.example/api/v1/"])
def test_a_server_is_named_with_or_without_the_path_of_the_api(server: str) -> None:
    assert root_of(server) == "https://dns.example"


@pytest.mark.parametrize(
    "server", ["dns.example", "ftp://dns.example", "http://", "http://h:99999", "http://u:p@h", ""]
)
def test_what_is_no_url_of_a_server_is_refused(server: str) -> None:
    with pytest.raises(ValueError, match="is not the URL of a server, such as http"):
        root_of(server)
