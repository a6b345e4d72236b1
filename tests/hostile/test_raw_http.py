"""What is not quite HTTP, on a real socket: the API's own error document, and the connection ends."""

import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from gonemaster_db.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.service import Service
from tests.support.stores import MakeSettings

JOB = b'{"domain": "a.example"}'


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database is enough: none is asked."""
    return make_store_settings("sqlite")


@pytest.fixture
def service(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Iterator[Service]:
    settings: dict[str, Any] = {"db_dsn": store_settings.dsn, "broker_url": redis_server.url}
    with Service("api", worker_processes=None, api_processes=1, **settings) as service:
        service.wait_for_log("Listening at", timeout_s=60)
        yield service


def exchange(service: Service, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send octets; give status, headers in lower case and body of the answer, after which the connection ends."""
    port = int(re.search(r"Listening at: \S+:(\d+)", service.log)[1])  # type: ignore[index]  # waited for
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        received = b""
        with suppress(ConnectionResetError):  # a server that closes before it has read everything resets
            while piece := connection.recv(65536):
                received += piece
    head, _, content = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return int(first.split()[1]), headers, content


def post(*headers: bytes, body: bytes = JOB) -> bytes:
    lines = [b"POST /api/v1/jobs HTTP/1.1", b"Host: localhost", b"Content-Type: application/json", b"Connection: close"]
    return b"\r\n".join([*lines, *headers, b"", body])


def get(path: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: localhost", b"Connection: close", *headers, b"", b""])


REFUSED = {
    "address too long": (get(b"/api/v1/jobs?domain=" + b"x" * 9000), 414, "uri_too_long"),
    "header too long": (get(b"/api/v1/jobs", b"X-Long: " + b"x" * 9000), 431, "headers_too_large"),
    "too many headers": (
        get(b"/api/v1/jobs", *[b"X-%d: 1" % number for number in range(200)]),
        431,
        "headers_too_large",
    ),
    "nul in a header": (get(b"/api/v1/jobs", b"Idempotency-Key: a\x00b"), 400, "bad_request"),
    "line feed in a header": (get(b"/api/v1/jobs", b"Idempotency-Key: a\nSet-Cookie: x=1"), 400, "bad_request"),
    "folded header": (get(b"/api/v1/jobs", b"X-A: 1\r\n 2"), 400, "bad_request"),
    "no request line": (b"hello\r\n\r\n", 400, "bad_request"),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "bad_request"),
    "another version": (b"GET /api/v1/jobs HTTP/7.0\r\nHost: localhost\r\n\r\n", 400, "bad_request"),
    "two lengths": (post(b"Content-Length: 5", b"Content-Length: 23"), 400, "bad_request"),
    "length that is none": (post(b"Content-Length: -1"), 400, "bad_request"),
    "length with a sign": (post(b"Content-Length: +23"), 400, "bad_request"),
    "length and chunks": (post(b"Content-Length: 23", b"Transfer-Encoding: chunked"), 400, "bad_request"),
    "unknown coding": (post(b"Transfer-Encoding: rot13"), 501, "not_implemented"),
    "space before a colon": (post(b"Content-Length : 23"), 400, "bad_request"),
    "packed body": (post(b"Content-Length: 23", b"Content-Encoding: gzip"), 415, "unsupported_media_type"),
    "announced size": (post(b"Content-Length: 99999999999"), 413, "body_too_large"),
    "nul in the address": (get(b"/api/v1/jobs/%00"), 400, "invalid_query"),
}


def test_what_is_not_http_or_too_large_is_refused_in_the_one_shape(service: Service) -> None:
    for name, (request, status, code) in REFUSED.items():
        found, headers, content = exchange(service, request)
        assert (found, json.loads(content)["error"]["code"]) == (status, code), name
        assert headers["content-type"] == "application/json", name
        assert headers["x-request-id"], name
        assert headers["x-content-type-options"] == "nosniff", name
        assert "set-cookie" not in headers, name
    assert service.process.poll() is None
    assert "Traceback" not in service.log


def test_chunks_are_read_to_their_end(service: Service) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (JOB[:5], JOB[5:])) + b"0\r\n\r\n"
    status, headers, content = exchange(service, post(b"Transfer-Encoding: chunked", body=chunks))
    assert (status, json.loads(content)["domain"]) == (201, "a.example")
    assert headers["connection"] == "close"


def test_head_and_options_have_no_body(service: Service) -> None:
    for method in (b"HEAD", b"OPTIONS"):
        status, _, content = exchange(service, get(b"/api/v1/jobs").replace(b"GET", method))
        assert (status, content) == (200, b"")


def test_service_that_is_told_to_stop_ends_without_error(service: Service) -> None:
    assert service.stop(signal.SIGTERM) == 0, service.log
