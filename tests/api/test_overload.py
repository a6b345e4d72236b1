"""More requests than a process can answer: they are refused in time, and what was accepted is there."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from gonemaster_api.server.http.waiting import ADMITTED_S, PATIENCE_S, WaitingRequests

from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.queues import NORMAL
from tests.hostile._http import code_of, connect, exchange, parse, post, read_response, read_to_end, serving
from tests.support.redis import raw
from tests.support.service import Service, wait_for
from tests.support.stores import MakeSettings, opened

THREADS, SENT = 4, 20


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    return make_store_settings("postgres")


@pytest.fixture
def service(store_settings: StoreSettings, broker: Broker, redis_server: EmbeddedRedis) -> Iterator[Service]:
    with serving(store_settings, redis_server, api_threads=THREADS) as service:
        yield service


@pytest.fixture
def store(store_settings: StoreSettings) -> Iterator[Store]:
    with opened(store_settings) as store:
        yield store


def submission(number: int, *headers: bytes) -> bytes:
    body = json.dumps({"domain": f"d{number}.example"}).encode()
    return post(b"Content-Length: %d" % len(body), *headers, body=body)


def waiting_statements(store: Store) -> int:
    with store.read_only() as session:
        return int(session.scalar(sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")) or 0)


def count(store: Store, table: str) -> int:
    with store.read_only() as session:
        return int(session.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)


def test_while_no_thread_is_free_requests_are_refused_and_what_is_accepted_is_stored(
    service: Service, store: Store, broker: Broker
) -> None:
    with ExitStack() as stack:
        with store.transaction() as session:
            session.execute(sa.text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
            held = [stack.enter_context(connect(service, submission(number))) for number in range(THREADS)]
            wait_for(lambda: waiting_statements(store), what="a submission that waits for the database")
            others = [stack.enter_context(connect(service, submission(100 + number))) for number in range(SENT)]
            refused = [parse(read_to_end(connection)) for connection in others]  # while the database still stands
            assert {(answer[0], code_of(answer)) for answer in refused} == {(503, "overloaded")}
            assert all(answer[1]["retry-after"] for answer in refused)
        accepted = [parse(read_to_end(connection)) for connection in held]
    assert [answer[0] for answer in accepted] == [201] * THREADS
    assert count(store, "jobs") == raw(broker).llen(NORMAL) == THREADS
    request = b"GET /api/v1/metrics?format=prom HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    wait_for(
        lambda: f'code="overloaded"}} {SENT}' in exchange(service, request)[2].decode(), what="the refusals counted"
    )


def test_a_refused_client_keeps_its_connection_and_may_ask_again(service: Service, store: Store) -> None:
    with ExitStack() as stack:
        with store.transaction() as session:
            session.execute(sa.text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
            held = [stack.enter_context(connect(service, submission(number))) for number in range(THREADS)]
            wait_for(lambda: waiting_statements(store), what="a submission that waits for the database")
            kept: socket.socket = stack.enter_context(connect(service))
            request = submission(100).replace(b"Connection: close\r\n", b"")
            kept.sendall(request)
            assert read_response(kept)[0] == 503
        for connection in held:
            read_to_end(connection)
        kept.sendall(request)
        assert read_response(kept)[0] == 201


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_requests_that_waited_too_long_are_given_out_and_their_work_never_begins() -> None:
    clock = Clock()
    waiting: WaitingRequests[str] = WaitingRequests(clock=clock)
    futures: list[Future[None]] = [Future() for _ in range(3)]
    for name, future in zip("abc", futures, strict=True):
        waiting.add(name, future, clock.now)
        clock.now += PATIENCE_S / 4
    futures[0].set_running_or_notify_cancel()
    assert waiting.take_overdue() == []
    clock.now += PATIENCE_S / 2
    ((name, waited_s),) = waiting.take_overdue()
    assert name == "b"
    assert waited_s == pytest.approx(PATIENCE_S)
    assert futures[1].cancelled()
    futures[2].set_running_or_notify_cancel()
    clock.now += PATIENCE_S
    assert (waiting.take_overdue(), len(waiting)) == ([], 0)


def test_no_request_is_admitted_while_another_one_waits_long_or_the_loop_itself_is_late() -> None:
    clock = Clock()
    waiting: WaitingRequests[int] = WaitingRequests(clock=clock)
    assert not waiting.is_too_much(clock.now)
    first, second = Future[None](), Future[None]()
    waiting.add(1, first, clock.now)
    clock.now += ADMITTED_S / 2
    waiting.add(2, second, clock.now)
    assert not waiting.is_too_much(clock.now)
    clock.now += ADMITTED_S / 2
    assert waiting.is_too_much(clock.now)
    first.set_running_or_notify_cancel()
    assert not waiting.is_too_much(clock.now)
    assert waiting.is_too_much(clock.now - ADMITTED_S)


def test_a_queue_has_an_end_however_young_it_is() -> None:
    waiting: WaitingRequests[int] = WaitingRequests(clock=Clock())
    while not waiting.is_too_much(0.0):
        waiting.add(len(waiting), Future(), 0.0)
    assert len(waiting) == 500
