"""Clients that are slow, silent or do not read occupy connections, but no other resources."""

import json
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from gonemaster_api.server.bridge import BULK_THREADS as HEAVY_AT_ONCE
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.hostile import LONG
from tests.hostile._http import (
    code_of,
    connect,
    exchange,
    get,
    parse,
    port_of,
    post,
    read_response,
    read_to_end,
    serving,
)
from tests.support.rows import make_run, queue_job, record
from tests.support.service import Service, wait_for
from tests.support.stores import MakeSettings, opened

pytestmark = pytest.mark.thorough

CLIENTS = 40 * (5 if LONG else 1)
SILENT = 300
PAGE = 200 * 40_000  # bytes of the entries below; more than sockets buffer
SHORT = 2  # seconds


@pytest.fixture(scope="module")
def store_settings(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> StoreSettings:
    """A database with one large run and a waiting job."""
    path = tmp_path_factory.mktemp("slow") / "store.db"
    shutil.copyfile(sqlite_template, path)
    settings = StoreSettings(dsn=str(path))
    with opened(settings) as store:
        large = [EntryRecord(1.0, "ZONE", "zone01", "T", "INFO", {"text": "x" * 40_000})] * 50
        for number in range(4):  # a run has 2 MiB at most
            make_run(store, f"large{number}.example", record(entries=large))
        queue_job(store, "waiting.example")
    return settings


@pytest.fixture(scope="module")
def service(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Iterator[Service]:
    with serving(store_settings, redis_server) as service:
        yield service


@pytest.fixture(scope="module")
def impatient_service(store_settings: StoreSettings, redis_server: EmbeddedRedis) -> Iterator[Service]:
    """A server with short time limits."""
    limits = {"read_timeout": f"{SHORT}s", "write_timeout": f"{SHORT}s", "idle_timeout": f"{SHORT}s"}
    with serving(store_settings, redis_server, **limits) as service:
        yield service


def answers(service: Service) -> None:
    """Request the queue; fail if no response arrives within a few seconds. A busy machine may refuse some requests."""

    def answered() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port_of(service)}/api/v1/queue", timeout=20) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            with error:
                if json.load(error)["error"]["code"] != "overloaded":
                    raise
            return False

    wait_for(answered, timeout_s=20, what="an answer")


def events_path(service: Service) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port_of(service)}/api/v1/jobs?status=queued", timeout=20) as page:
        return f"/api/v1/jobs/{json.load(page)['items'][0]['id']}/events".encode()


def test_no_number_of_slow_clients_stops_the_others(service: Service) -> None:
    head = b"POST /api/v1/jobs/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    body = head + b"Content-Length: 60000000\r\n\r\n" + b'{"domains": ["'
    chunk = head + b"Transfer-Encoding: chunked\r\n\r\n4\r\n{"
    events = get(events_path(service))
    kinds = {
        "silent": (b"", SILENT),
        "slow header": (head, CLIENTS),
        "slow body": (body, CLIENTS),
        "slow chunks": (chunk, CLIENTS),
        "JSON is not read": (get(b"/api/v1/entries?limit=500"), CLIENTS),
        "CSV is not read": (get(b"/api/v1/entries?format=csv"), CLIENTS),
        "events are not read": (events, CLIENTS),
        "a file is not read": (get(b"/api/v1/docs/assets/swagger-ui-bundle.js"), CLIENTS),
    }
    with ExitStack() as stack:
        for data, number in kinds.values():
            for _ in range(number):
                stack.enter_context(connect(service, data, receive_buffer=4096))
            answers(service)
        for _ in range(10):
            answers(service)
    answers(service)


def test_large_responses_that_do_not_end_leave_threads_to_others(
    make_store_settings: MakeSettings, redis_server: EmbeddedRedis
) -> None:
    settings = make_store_settings("postgres")
    with (
        serving(settings, redis_server) as service,
        opened(settings) as store,
        ExitStack() as stack,
    ):
        make_run(store, "a.example", record("INFO"))
        answers(service)  # the process has made its first requests, which would wait for the lock
        with store.transaction() as session:
            session.execute(sa.text("LOCK TABLE run_documents IN ACCESS EXCLUSIVE MODE"))
            held = [stack.enter_context(connect(service, get(b"/api/v1/entries"))) for _ in range(40)]
            wait_for(lambda: readers_of(store) == HEAVY_AT_ONCE, what="requests that wait for the database")
            for _ in range(5):
                answers(service)
            assert readers_of(store) == HEAVY_AT_ONCE
        assert [parse(read_to_end(connection))[0] for connection in held] == [200] * 40


def readers_of(store: Store) -> int:
    """Count the statements that wait for a lock."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with store.read_only() as session:
        return int(session.scalar(waiting) or 0)


def drip(connection: socket.socket, data: bytes) -> None:
    """Send one byte after another, five a second, until the server answers or closes."""
    connection.settimeout(0.2)
    for octet in data:
        with suppress(ConnectionError):
            connection.sendall(bytes([octet]))
        with suppress(TimeoutError):
            connection.recv(1, socket.MSG_PEEK)
            break
    else:
        raise AssertionError("the server took it all")
    connection.settimeout(60)


def test_header_has_one_deadline_for_all_of_it(impatient_service: Service) -> None:
    with connect(impatient_service, b"GET /api/v1/queue HTTP/1.1\r\nHost: ") as connection:
        drip(connection, b"x" * 200)
        answer = parse(read_to_end(connection))
    assert (answer[0], code_of(answer)) == (408, "request_timeout")


def test_body_has_one_deadline_for_all_of_it(impatient_service: Service) -> None:
    for framing, begin in ((b"Content-Length: 900", b"{"), (b"Transfer-Encoding: chunked", b"384\r\n{")):
        with connect(impatient_service, post(framing, body=begin)) as connection:
            drip(connection, b"x" * 200)
            answer = parse(read_to_end(connection))
        assert (answer[0], code_of(answer)) == (408, "request_timeout")


def test_silent_and_idle_connections_are_closed_without_an_answer(impatient_service: Service) -> None:
    keep = get(b"/api/v1/healthz").replace(b"close", b"keep-alive")
    with connect(impatient_service) as silent, connect(impatient_service, keep) as idle:
        assert read_response(idle)[0] == 200
        assert read_to_end(silent) == read_to_end(idle) == b""


def test_empty_lines_do_not_keep_an_idle_connection_open(impatient_service: Service) -> None:
    keep = get(b"/api/v1/healthz").replace(b"close", b"keep-alive")
    with connect(impatient_service, keep) as connection:
        assert read_response(connection)[0] == 200
        connection.settimeout(0.1)

        def is_closed() -> bool:
            try:
                connection.sendall(b"\r\n")
                return not connection.recv(1)
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        wait_for(is_closed, what="the end of the connection")


@pytest.mark.parametrize("query", [b"limit=500", b"format=csv"])
def test_response_that_is_not_taken_is_given_up(impatient_service: Service, query: bytes) -> None:
    with connect(impatient_service, get(b"/api/v1/entries?" + query), receive_buffer=4096) as connection:
        wait_for(lambda: sockets_of(impatient_service) == 1, what="the server's end of the connection")
        wait_for(lambda: sockets_of(impatient_service) == 0, what="the end of the connection")
        assert len(read_to_end(connection)) < PAGE
    answers(impatient_service)


def test_stream_that_is_taken_slowly_is_not_given_up(impatient_service: Service) -> None:
    """The whole response takes longer than the deadline; each part of it does not."""
    with connect(impatient_service, get(b"/api/v1/entries?format=csv"), receive_buffer=65536) as connection:
        received, start = b"", time.monotonic()
        while piece := connection.recv(65536):
            received += piece
            if time.monotonic() - start < 2 * SHORT:
                time.sleep(0.1)  # the test measures this pause; it is not a wait
    assert received.endswith(b"0\r\n\r\n")
    assert len(received) > PAGE


def _is_opened(stack: ExitStack, service: Service, request: bytes) -> bool:
    connection = stack.enter_context(connect(service, request, receive_buffer=4096))
    return connection.recv(12) == b"HTTP/1.1 200"


def test_streams_leave_threads_to_other_requests_and_end_with_their_clients(service: Service) -> None:
    csv = get(b"/api/v1/entries?format=csv")
    with ExitStack() as stack:
        for _ in range(24):
            # One after another: a busy machine refuses some of 24 parallel requests as too many.
            wait_for(lambda: _is_opened(stack, service, csv), what="a stream")
        answer = exchange(service, csv)
        assert (answer[0], code_of(answer)) == (503, "too_many_streams")
        assert answer[1]["retry-after"]
    wait_for(lambda: exchange(service, csv)[0] == 200, what="the end of a stream")


def sockets_of(service: Service) -> int:
    """Count established connections at the server's port, only its own end."""
    port = f":{port_of(service):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    established = "01"
    return sum(line.split()[1].endswith(port) and line.split()[3] == established for line in lines)
