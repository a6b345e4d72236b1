"""Malformed HTTP on a real socket: the response is the API's error document, and the connection ends."""

import json
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as exploring
from hypothesis import strategies as st

from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.hostile import LONG
from tests.hostile._http import connect, exchange, get, parse, post, read_response, read_to_end, serving
from tests.support.service import Service

pytestmark = [pytest.mark.xdist_group("raw_http"), pytest.mark.thorough]  # one server
JOB = b'{"domain": "a.example"}'


@pytest.fixture(scope="module")
def store_settings(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> StoreSettings:
    """One database kind is enough: the database is not used."""
    path = tmp_path_factory.mktemp("raw") / "store.db"
    shutil.copyfile(sqlite_template, path)
    return StoreSettings(dsn=str(path))


@pytest.fixture(scope="module")
def service(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Iterator[Service]:
    with serving(store_settings, redis_server, idle_timeout="1s") as service:
        yield service


CHUNKED = b"Transfer-Encoding: chunked"


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
    "unknown coding": (post(b"Transfer-Encoding: rot13"), 400, "bad_request"),
    "space before a colon": (post(b"Content-Length : 23"), 400, "bad_request"),
    "three line feeds": (b"GET /api/v1/jobs HTTP/1.1\nHost: 127.0.0.1\n\n", 400, "bad_request"),
    "carriage return in a header": (get(b"/api/v1/jobs", b"X-A: 1\r2"), 400, "bad_request"),
    "nul before the request": (b"\x00" + get(b"/api/v1/jobs"), 400, "bad_request"),
    "space before the first header": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "bad_request"),
    "list of lengths": (post(b"Content-Length: 23, 23"), 400, "bad_request"),
    "length in hexadecimal": (post(b"Content-Length: 0x17"), 400, "bad_request"),
    "length with an underscore": (post(b"Content-Length: 2_3"), 400, "bad_request"),
    "length of other digits": (post("Content-Length: \u00b2".encode("latin-1")), 400, "bad_request"),
    "length without digits": (post(b"Content-Length: "), 400, "bad_request"),
    "length of a thousand digits": (post(b"Content-Length: " + b"9" * 1000), 400, "bad_request"),
    "length after the chunks": (post(CHUNKED, b"Content-Length: 23"), 400, "bad_request"),
    "chunks twice": (post(b"Transfer-Encoding: chunked, chunked"), 400, "bad_request"),
    "chunks in two headers": (post(CHUNKED, CHUNKED), 400, "bad_request"),
    "chunks in HTTP/1.0": (post(CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0"), 400, "bad_request"),
    "packed chunks": (post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 501, "not_implemented"),
    "chunk size that is none": (post(CHUNKED, body=b"x\r\n"), 400, "bad_request"),
    "chunk size with a sign": (post(CHUNKED, body=b"+5\r\nabcde\r\n0\r\n\r\n"), 400, "bad_request"),
    "chunk size with a prefix": (post(CHUNKED, body=b"0x5\r\nabcde\r\n0\r\n\r\n"), 400, "bad_request"),
    "chunk size that is huge": (post(CHUNKED, body=b"f" * 17 + b"\r\n"), 400, "bad_request"),
    "chunk size without an end": (post(CHUNKED, body=b"5" * 5000), 400, "bad_request"),
    "chunk size with a line feed alone": (post(CHUNKED, body=b"5\nabcde\r\n0\r\n\r\n"), 400, "bad_request"),
    "chunk that is longer": (post(CHUNKED, body=b"2\r\nabcde\r\n0\r\n\r\n"), 400, "bad_request"),
    "chunk extension with nul": (post(CHUNKED, body=b"5;a=\x00\r\nabcde\r\n0\r\n\r\n"), 400, "bad_request"),
    "trailer that is none": (post(CHUNKED, body=b"0\r\nno trailer\r\n\r\n"), 400, "bad_request"),
    "trailer without an end": (post(CHUNKED, body=b"0\r\n" + b"a: b\r\n" * 20_000), 400, "bad_request"),
    "many small chunks": (post(CHUNKED, body=b"1\r\nx\r\n" * 80_000 + b"0\r\n\r\n"), 400, "invalid_json"),
    "too much in chunks": (post(CHUNKED, body=b"100001\r\n" + b" " * 0x100001), 413, "body_too_large"),
    "packed body": (post(b"Content-Length: 23", b"Content-Encoding: gzip"), 415, "unsupported_media_type"),
    "announced size": (post(b"Content-Length: 99999999999"), 413, "body_too_large"),
    "no host": (get(b"/api/v1/jobs").replace(b"Host: 127.0.0.1\r\n", b""), 400, "bad_request"),
    "two hosts": (get(b"/api/v1/jobs", b"Host: 127.0.0.1"), 400, "bad_request"),
    "a foreign host in the target": (get(b"http://evil.example/api/v1/jobs"), 421, "unknown_host"),
    "a foreign user and host in the target": (get(b"http://127.0.0.1@evil.example/api/v1/jobs"), 421, "unknown_host"),
    "a host in the target that is none": (get(b"http://[::1/api/v1/jobs"), 400, "bad_request"),
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
        assert headers["connection"] == "close", name
    assert service.process.poll() is None
    assert "Traceback" not in service.log


def test_chunks_are_read_to_their_end(service: Service) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (JOB[:5], JOB[5:])) + b"0\r\n\r\n"
    status, headers, content = exchange(service, post(b"Transfer-Encoding: chunked", body=chunks))
    assert (status, json.loads(content)["domain"]) == (201, "a.example")
    assert headers["connection"] == "close"


def test_small_chunked_batches_are_not_counted_as_large_ones(service: Service) -> None:
    body = b'{"domains": ["a.example"]}'
    request = post(CHUNKED, path=b"/api/v1/jobs/batch", body=b"%x\r\n%s\r\n0\r\n\r" % (len(body), body))
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(service, request)) for _ in range(16)]
        for connection in connections:
            connection.sendall(b"\n")
        answers = [parse(read_to_end(connection)) for connection in connections]
        assert [status for status, _, _ in answers] == [202] * 16, answers


def test_own_host_in_the_target_and_none_in_http_1_0_are_answered(service: Service) -> None:
    assert exchange(service, get(b"http://127.0.0.1/api/v1/healthz"))[0] == 200
    assert exchange(service, b"GET /api/v1/healthz HTTP/1.0\r\n\r\n")[0] == 200


def test_extensions_and_trailers_are_read_over(service: Service) -> None:
    chunks = b"%x;a=b;c\r\n%s\r\n0;x\r\nHost: evil\r\nX-A: b\r\n\r\n" % (len(JOB), JOB)
    assert exchange(service, post(CHUNKED, body=chunks))[0] == 201


def test_requests_that_come_together_are_answered_in_order(service: Service) -> None:
    keep = get(b"/api/v1/healthz").replace(b"close", b"keep-alive")
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(JOB), JOB)
    chunked = post(CHUNKED, body=body).replace(b"close", b"keep-alive")
    fixed = post(b"Content-Length: %d" % len(JOB)).replace(b"close", b"keep-alive")
    with connect(service, keep + chunked + b"\r\n" + keep + fixed + get(b"/api/v1/nowhere")) as connection:
        assert [read_response(connection)[0] for _ in range(5)] == [200, 201, 200, 201, 404]
        assert read_to_end(connection) == b""


def test_body_is_asked_for_only_if_it_is_wanted(service: Service) -> None:
    expect = b"Expect: 100-continue"
    with connect(service, post(b"Content-Length: %d" % len(JOB), expect, body=b"")) as connection:
        assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(JOB)
        assert parse(read_to_end(connection))[0] == 201
    assert exchange(service, post(b"Content-Length: 999999999", expect, body=b""))[0] == 413
    assert exchange(service, post(b"Content-Length: %d" % len(JOB), b"Expect: more"))[0] in (201, 417)


FRAGMENTS = [
    b"GET ",
    b"POST ",
    b"/api/v1/healthz",
    b"/api/v1/jobs",
    b"*",
    b"http://a/",
    b" HTTP/1.1",
    b" HTTP/1.0",
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"Host: 127.0.0.1\r\n",
    b"Content-Length: ",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: keep-alive\r\n",
    b"Content-Type: application/json\r\n",
    b"Expect: 100-continue\r\n",
    b"Upgrade: h2c\r\n",
    b"0",
    b"5",
    b"\r\n0\r\n\r\n",
    b";",
    b":",
    b" ",
    b"\t",
    b"\x00",
    b"\xff",
    b"{",
    b"}",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
]


@exploring(max_examples=10_000 if LONG else 150, derandomize=False, print_blob=True)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=4), max_size=14).map(b"".join))
@example(b"GET /api/v1/healthz HTTP/1.1\r\n\r\n")
@example(b"POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5")
@example(b"GET * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
@example(b"POST http://a/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n")
def test_any_octets_get_responses_and_a_clean_end(service: Service, sent: bytes) -> None:
    with connect(service, sent) as connection:
        connection.shutdown(socket.SHUT_WR)
        received = read_to_end(connection)
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status, headers, _ = parse(head + b"\r\n\r\n")
        length = 0 if status == 100 else int(headers["content-length"])
        body, received = rest[:length], rest[length:]
        assert len(body) == length
        assert status < 500 or status == 501, (status, body)
        assert status < 400 or json.loads(body)["error"]["code"]


def test_head_and_options_have_no_body(service: Service) -> None:
    for method in (b"HEAD", b"OPTIONS"):
        status, _, content = exchange(service, get(b"/api/v1/jobs").replace(b"GET", method))
        assert (status, content) == (200, b"")


def test_service_that_gets_a_signal_ends_without_error(
    store_settings: StoreSettings, redis_server: EmbeddedRedis
) -> None:
    with serving(store_settings, redis_server) as service, connect(service), connect(service, b"GET "):
        assert service.stop(signal.SIGTERM) == 0, service.log


def test_two_thousand_requests_that_come_together_are_answered_one_after_another(service: Service) -> None:
    keep = b"GET /api/v1/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    count = 2_000
    with connect(service) as connection:
        sender = threading.Thread(target=connection.sendall, args=(keep * (count - 1) + get(b"/api/v1/healthz"),))
        sender.start()
        received = read_to_end(connection)
        sender.join()
    assert received.count(b"HTTP/1.1 200 OK") == count
    assert exchange(service, get(b"/api/v1/healthz"))[0] == 200
