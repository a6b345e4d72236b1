"""No byte of a request is misinterpreted if bytes are changed, duplicated, cut or hidden in another request. Each run
adds new examples to the fixed ones; a failure prints the blob that reproduces it.
"""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.hostile import LONG
from tests.hostile._http import code_of, connect, exchange, get, parse, post, read_response, read_to_end, serving
from tests.hostile._requests import (
    NAME,
    Sent,
    broken,
    cuts,
    mutated,
    pieces,
    requests,
)
from tests.support.service import Service

pytestmark = [pytest.mark.xdist_group("http_mutations"), pytest.mark.slow]  # one server
FUZZ: dict[str, Any] = {"derandomize": False, "print_blob": True, "deadline": None}
OVER_SOCKETS = settings(max_examples=1_000 if LONG else 60, suppress_health_check=[HealthCheck.too_slow], **FUZZ)
SMUGGLED_NAME = b"mdeadbeef.example"
HIDDEN = post(b"Content-Length: 30", body=b'{"domain":"%s"}' % SMUGGLED_NAME)


@pytest.fixture(scope="module")
def service(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedRedis
) -> Iterator[Service]:
    path = tmp_path_factory.mktemp("mutations") / "store.db"
    shutil.copyfile(sqlite_template, path)
    with serving(StoreSettings(dsn=str(path)), redis_server) as service:
        yield service


def responses(received: bytes) -> list[tuple[int, bytes]]:
    """Split the data of a connection into responses; each must be complete."""
    found = []
    while received:
        head, separator, rest = received.partition(b"\r\n\r\n")
        assert separator, received
        status, headers, _ = parse(head + separator)
        length = int(headers["content-length"])
        assert len(rest) >= length
        found.append((status, rest[:length]))
        received = rest[length:]
    return found


def talk(service: Service, data: list[bytes]) -> list[tuple[int, bytes]]:
    """Send bytes in pieces, and then the end; return the responses."""
    with connect(service) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionError):
            for piece in data:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
        return responses(read_to_end(connection))


@OVER_SOCKETS
@given(st.lists(requests(), min_size=1, max_size=4), cuts)
def test_good_requests_are_answered_in_order_however_they_are_cut(
    service: Service,
    sent: list[Sent],
    places: list[int],
) -> None:
    # The last request is complete, so it is answered before the server sees the end of the connection.
    last = get(b"/api/v1/healthz")
    with connect(service) as connection:
        for piece in pieces(b"".join(each.octets for each in sent) + last, places):
            connection.sendall(piece)
        found = responses(read_to_end(connection))
    assert [status for status, _ in found] == [*(each.status for each in sent), 200]
    for each, (_, body) in zip(sent, found, strict=False):
        assert NAME.findall(body)[:1] == each.names


@OVER_SOCKETS
@given(st.lists(requests(), max_size=2), broken(), cuts)
def test_a_malformed_request_is_refused_and_ends_the_connection(
    service: Service,
    before: list[Sent],
    bad: bytes,
    places: list[int],
) -> None:
    found = talk(service, pieces(b"".join(sent.octets for sent in before) + bad + HIDDEN, places))
    # The server does not read the rest; its reset may have destroyed responses in transit.
    assert len(found) <= len(before) + 1
    for status, body in found[len(before) :]:
        assert 400 <= status < 500 or status == 501
        assert b'"error"' in body
    assert not any(SMUGGLED_NAME in body for _, body in found)


@OVER_SOCKETS
@given(mutated(), cuts)
def test_any_change_gets_whole_responses_and_no_error_of_the_server(
    service: Service,
    data: bytes,
    places: list[int],
) -> None:
    assert all(status < 500 or status == 501 for status, _ in talk(service, pieces(data, places)))


FIELDS = (
    *(
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Access-Control-Request-Method",
        "Authorization",
        "Cache-Control",
    ),
    *(
        "Cache-Control",
        "Connection",
        "Content-Encoding",
        "Content-Language",
        "Content-Type",
        "Cookie",
        "Date",
        "Expect",
    ),
    *(
        "Forwarded",
        "Host",
        "Idempotency-Key",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
        "If-Range",
        "Keep-Alive",
    ),
    *("Last-Event-ID", "Max-Forwards", "Origin", "Proxy", "Range", "Referer", "Sec-Fetch-Mode", "Sec-Fetch-Site", "TE"),
    *("Trailer", "Upgrade", "User-Agent", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    *("X-HTTP-Method-Override", "X-Request-Id", "X-Real-IP", "X_Forwarded_For", "Script-Name", "Path-Info"),
)
ODD_VALUES = (
    *(b"=?utf-8?q?=00?=", b"%00", b"a" * 4000, b"\xc0\xaf", b"\xed\xa0\x80", b"bytes=0-0,1-1", b'W/"', b"," * 2000),
    *(b"text/html;q=NaN", b"utf-9", b"Basic \xff", b"Bearer " + b"." * 900, b"-1", b"9" * 40, b"1e309", b"[::1"),
)
VALUES = st.one_of(
    st.binary(max_size=60).map(lambda octets: bytes(octet for octet in octets if octet == 9 or 32 <= octet != 127)),
    st.text(max_size=30).map(lambda text: bytes(each for each in text.encode("utf-8", "replace") if 32 <= each != 127)),
    st.sampled_from(ODD_VALUES),
)
TARGETS = (
    (b"GET", b"/api/v1/jobs"),
    (b"GET", b"/api/v1/docs/assets/swagger-ui-bundle.js"),
    (b"GET", b"/api/v1/jobs/none/events"),
    (b"GET", b"/api/v1/entries?format=csv"),
    (b"HEAD", b"/"),
    (b"OPTIONS", b"/api/v1/jobs"),
    (b"POST", b"/api/v1/jobs"),
    (b"DELETE", b"/api/v1/batches/none"),
)


@OVER_SOCKETS
@given(st.sampled_from(TARGETS), st.lists(st.tuples(st.sampled_from(FIELDS), VALUES), min_size=1, max_size=4))
@example(TARGETS[6], [("Idempotency-Key", b"\xff\xfe")])
@example(TARGETS[2], [("Last-Event-ID", "\u2028\u0661".encode())])
@example(TARGETS[0], [("X-Request-Id", b"a\xc3\xa4\t"), ("Cookie", b"\xff=\xff;=;")])
def test_any_value_of_any_field_is_answered(
    service: Service, target: tuple[bytes, bytes], fields: list[tuple[str, bytes]]
) -> None:
    method, path = target
    lines = [name.encode() + b": " + value for name, value in fields]
    request = get(path, *lines) if method != b"POST" else post(b"Content-Length: 23", *lines)
    if any(name == "Host" for name, _ in fields):
        request = request.replace(b"Host: 127.0.0.1\r\n", b"", 1)
    if any(name == "Content-Type" for name, _ in fields):
        request = request.replace(b"Content-Type: application/json\r\n", b"", 1)
    with connect(service, request.replace(b"GET", method, 1)) as connection:
        head = read_to_end(connection).partition(b"\r\n\r\n")[0]
    if head.startswith(b"HTTP/1.1 100"):
        return
    assert re.match(rb"HTTP/1\.1 [1-4]\d\d ", head), head
    assert re.fullmatch(rb"[\t\x20-\x7e\r\n]+", head), head


def test_nothing_of_all_that_was_hidden_has_become_a_job(service: Service) -> None:
    """Runs after the others of this file, on the same server."""
    path = b"/api/v1/jobs?limit=1&domain=" + SMUGGLED_NAME
    assert b'"total":0' in exchange(service, get(path))[2].replace(b" ", b"")
    assert service.process.poll() is None
    assert "Traceback" not in service.log


TLS_HELLO = bytes.fromhex("16030100c8010000c40303") + bytes(range(189))


@pytest.mark.parametrize(
    "start", [TLS_HELLO, TLS_HELLO[:1], b"\x80\x2e\x01\x03\x01", b"g", b"\x00", b"GE ", b"G" * 21, b"\r\n\x16"]
)
def test_what_cannot_become_a_request_is_refused_before_its_end(service: Service, start: bytes) -> None:
    """The connection stays open, without a time limit, so the refusal is not a timeout."""
    with connect(service, start) as connection:
        answer = parse(read_to_end(connection))
        assert (answer[0], code_of(answer)) == (400, "bad_request")


def test_a_body_behind_an_upgrade_is_read_at_every_cut_of_the_head(service: Service) -> None:
    """Some clients offer HTTP/2 with their first request, of any kind."""
    body = b'{"domain": "upgrade.example"}'
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"upGrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")
    request = post(b"Content-Length: %d" % len(body), *offer, body=body).replace(b"Connection: close\r\n", b"")
    for cut in range(1, len(request), 7):
        with connect(service) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request[:cut])
            connection.sendall(request[cut:])
            assert read_response(connection)[0] == 201


def test_an_upgrade_is_not_taken_up(service: Service) -> None:
    """RFC 9110 section 7.8: a server may ignore it; the following data is read as the next request."""
    upgrade = [
        b"GET /api/v1/healthz HTTP/1.1",
        b"Host: 127.0.0.1",
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        b"",
        b"",
    ]
    for protocol in (b"websocket", b"h2c", b"TLS/1.0"):
        with connect(service, b"\r\n".join(upgrade).replace(b"websocket", protocol)) as connection:
            status, headers, _ = read_response(connection)
            assert (status, headers.get("upgrade")) == (200, None)
            connection.sendall(get(b"/api/v1/healthz"))
            assert read_response(connection)[0] == 200
            connection.sendall(b"\x81\x85\x00\x00\x00\x00hello")  # a frame: the connection has ended
        with connect(service, b"\r\n".join(upgrade)) as connection:
            assert read_response(connection)[0] == 200
            connection.sendall(b"\x81\x85\x00\x00\x00\x00hello")
            assert parse(read_to_end(connection))[0] == 400
