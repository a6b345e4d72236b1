"""Several API processes behind one socket: a change in one of them takes effect in the others."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.queues import NORMAL
from tests.api.streams.test_viewers import Viewer, end, publish, read_all, running
from tests.hostile._http import Answer, exchange, get, post, serving
from tests.support.redis import raw
from tests.support.service import Service, wait_for
from tests.support.stores import MakeSettings, opened

PROCESSES, CLIENTS = 3, 24


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    return make_store_settings("postgres")


@pytest.fixture
def service(store_settings: StoreSettings, broker: Broker, redis_server: EmbeddedRedis) -> Iterator[Service]:
    with serving(store_settings, redis_server, api_processes=PROCESSES) as service:
        wait_for(lambda: len(re.findall("event='serving'", service.log)) == PROCESSES, what="all processes")
        yield service


@pytest.fixture
def store(store_settings: StoreSettings) -> Iterator[Store]:
    with opened(store_settings) as store:
        yield store


def send(service: Service, path: bytes, document: object, *headers: bytes) -> Answer:
    body = json.dumps(document).encode()
    return accepted(service, post(b"Content-Length: %d" % len(body), *headers, body=body, path=b"/api/v1" + path))


def accepted(service: Service, request: bytes) -> Answer:
    """Send until the server accepts: a busy machine refuses delayed requests without processing them."""
    answers: list[Answer] = []

    def taken() -> bool:
        answers.append(exchange(service, request))
        status, headers, body = answers[-1]
        assert status != 503 or (headers["retry-after"] and json.loads(body)["error"]["code"] == "overloaded"), body
        return status != 503

    wait_for(taken, what="a server that is not overloaded")
    return answers[-1]


def test_a_process_whose_event_loop_hangs_ends() -> None:
    code = (
        "import asyncio, time, uvicorn; from gonemaster_api.server import api_process; api_process.HUNG_S = 0.2;"
        "server = api_process.ApiServer(uvicorn.Config(print), None); asyncio.run(server.on_tick(0)); time.sleep(60)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False)
    assert (ended.returncode, "Timeout" in ended.stderr) == (1, True), ended.stderr


def test_several_processes_serve_as_one(service: Service, store: Store, broker: Broker) -> None:
    """One test covers all steps, because starting the processes takes longest."""
    a_request_with_one_key_is_done_once(service, store, broker)
    concurrent_submissions_are_all_stored_in_their_groups(service, store, broker)
    a_pause_is_seen_by_all(service)
    a_setting_reaches_all(service)
    events_reach_the_viewers_of_all(service, store, broker)


def a_request_with_one_key_is_done_once(service: Service, store: Store, broker: Broker) -> None:
    with ThreadPoolExecutor(CLIENTS) as threads:
        one = {"domain": "once.example"}
        answers = list(
            threads.map(lambda _: send(service, b"/jobs", one, b"Idempotency-Key: the-only"), range(CLIENTS))
        )
    assert {answer[0] for answer in answers} == {201}
    assert len({json.loads(answer[2])["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer[1] for answer in answers) == CLIENTS - 1
    assert (jobs_in(store), raw(broker).llen(NORMAL)) == (1, 1)


def concurrent_submissions_are_all_stored_in_their_groups(service: Service, store: Store, broker: Broker) -> None:
    """Some keys are already in use: a repeated key must not fail the other submissions of its group."""

    def submit(number: int) -> Answer:
        key = b"Idempotency-Key: key-%d" % (number // 2)  # every second request is a repetition
        return send(service, b"/jobs", {"domain": f"d{number // 2}.example"}, *((key,) if number % 3 else ()))

    before = jobs_in(store)
    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = list(threads.map(submit, range(150)))
    assert {answer[0] for answer in answers} == {201}
    ids = {json.loads(answer[2])["id"] for answer in answers}
    assert jobs_in(store) - before == len(ids) == 50 + 75  # without a key, and different keys
    assert raw(broker).llen(NORMAL) - before == len(ids)


def a_pause_is_seen_by_all(service: Service) -> None:
    assert send(service, b"/queue/pause", {})[0] == 200
    states = [json.loads(accepted(service, get(b"/api/v1/queue"))[2])["tiers"] for _ in range(4 * PROCESSES)]
    assert all(tier["paused"] for tiers in states for tier in tiers)
    assert send(service, b"/queue/resume", {})[0] == 200


def a_setting_reaches_all(service: Service) -> None:
    status, _ = service_call(service, b"PUT", b"/settings", {"min_level": "CRITICAL"})
    assert status == 200

    def seen() -> bool:
        documents = [accepted(service, get(b"/api/v1/settings"))[2] for _ in range(4 * PROCESSES)]
        return all(b'"database"' in document for document in documents)  # the origin of a value

    wait_for(seen, what="the setting in all processes")


def service_call(service: Service, method: bytes, path: bytes, document: object) -> tuple[int, bytes]:
    body = json.dumps(document).encode()
    request = post(b"Content-Length: %d" % len(body), body=body, path=b"/api/v1" + path).replace(b"POST", method, 1)
    answer = accepted(service, request)
    return answer[0], answer[2]


def events_reach_the_viewers_of_all(service: Service, store: Store, broker: Broker) -> None:
    jobs = running(store, 2)
    with ExitStack() as stack:
        viewers = [Viewer(service, job_id) for job_id in jobs for _ in range(8)]
        for viewer in viewers:
            stack.enter_context(viewer.socket)
        read_all(viewers, lambda: all(viewer.events for viewer in viewers))
        publish(broker, jobs, range(5))
        end(broker, jobs)
        read_all(viewers, lambda: all(viewer.closed for viewer in viewers))
    assert [viewer.numbers for viewer in viewers] == [list(range(5))] * len(viewers)


def jobs_in(store: Store) -> int:
    with store.read_only() as session:
        return int(session.scalar(sa.text("SELECT count(*) FROM jobs WHERE status = 'queued'")) or 0)
