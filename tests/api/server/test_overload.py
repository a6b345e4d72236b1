"""With too many requests for a process, excess requests are refused in time, and accepted ones are stored."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from gonemaster_api.v1.system.schemas import ReadySchema
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
SHARE = 2  # threads that the writing requests of one client may have; one thread remains for its other requests


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


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()


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
            held = [stack.enter_context(connect(service, submission(number))) for number in range(SHARE)]
            wait_for(lambda: waiting_statements(store), what="a submission that waits for the database")
            others = [stack.enter_context(connect(service, submission(100 + number))) for number in range(SENT)]
            refused = [parse(read_to_end(connection)) for connection in others]  # while the database still hangs
            assert {(answer[0], code_of(answer)) for answer in refused} == {(503, "overloaded")}
            assert all(answer[1]["retry-after"] for answer in refused)
            before = waiting_statements(store)
            reader = stack.enter_context(connect(service, get("/api/v1/jobs")))  # the last thread of this client
            wait_for(lambda: waiting_statements(store) > before, what="a request that waits for the database")
            status, headers, body = exchange(service, get("/api/v1/readyz"))
            assert (status, bool(headers["retry-after"])) == (503, True)
            assert ReadySchema().validate(json.loads(body)) == {}, "the probe gets its own document"
            assert json.loads(body)["status"] == "unavailable"
        read_to_end(reader)
        accepted = [parse(read_to_end(connection)) for connection in held]
    assert [answer[0] for answer in accepted] == [201] * SHARE
    assert count(store, "jobs") == raw(broker).llen(NORMAL) == SHARE
    metrics = get("/api/v1/metrics?format=prom")
    wait_for(
        lambda: f'code="overloaded"}} {SENT + 1}' in exchange(service, metrics)[2].decode(), what="the refusals counted"
    )


def test_a_refused_client_keeps_its_connection_and_may_ask_again(service: Service, store: Store) -> None:
    with ExitStack() as stack:
        with store.transaction() as session:
            session.execute(sa.text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
            held = [stack.enter_context(connect(service, submission(number))) for number in range(SHARE)]
            wait_for(lambda: waiting_statements(store), what="a submission that waits for the database")
            kept: socket.socket = stack.enter_context(connect(service))
            request = submission(100).replace(b"Connection: close\r\n", b"")
            kept.sendall(request)
            assert read_response(kept)[0] == 503
        for connection in held:
            read_to_end(connection)
        kept.sendall(request)
        assert read_response(kept)[0] == 201
