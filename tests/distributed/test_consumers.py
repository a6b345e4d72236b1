"""A worker whose consumer takes no messages reports this, reconnects within a second, or exits."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewJob
from gonemaster_db.queue.jobs import create_job
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.monitoring.health import find_issues_in_time
from gonemaster_tasks.queues import BATCH
from tests.support.redis import raw
from tests.support.stores import MakeSettings
from tests.support.workers import Farm, open_farm, wait_until

SETTINGS = load_settings({})
SUSPENDED_S = 16  # Longer than 10 s and the pause between two reports.
ATTEMPTS = 10  # With pauses of 2, 4, 6, ... s these would take 90 s.


@pytest.fixture
def own_farm(own_redis: EmbeddedRedis, make_store_settings: MakeSettings, tmp_path: Any) -> Iterator[Farm]:
    """Processes of the service with a Redis that the test may disturb."""
    with (
        closing(Broker.open(own_redis.url)) as broker,
        open_farm(broker, make_store_settings("sqlite"), tmp_path) as farm,
    ):
        yield farm


def kinds(farm: Farm) -> set[tuple[str, str]]:
    return {(issue.kind, issue.subject.partition("@")[0]) for issue in find_issues_in_time(farm.parts, SETTINGS)}


def disconnect_consumers(farm: Farm) -> None:
    """Close the connections that wait for messages, and refuse new ones, which begin with a PING."""
    server = raw(farm.broker)
    server.acl_setuser("default", enabled=True, commands=["-ping"])
    for client in server.client_list():
        if client["cmd"] in ("brpop", "psubscribe", "subscribe"):
            server.client_kill_filter(_id=client["id"])


def test_a_consumer_connects_each_second() -> None:
    accepted: list[float] = []

    def refuse(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.close()
            accepted.append(time.monotonic())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=refuse, args=(listener,), daemon=True).start()
        app = make_app(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")

        def stop() -> None:
            if len(accepted) >= ATTEMPTS:
                raise InterruptedError

        timeout = threading.Timer(60, accepted.extend, [[0.0] * ATTEMPTS])
        timeout.start()
        with app.connection_for_read() as connection, pytest.raises(InterruptedError):
            connection.ensure_connection(callback=stop)
        timeout.cancel()
        listener.shutdown(socket.SHUT_RDWR)
    app.close()
    assert 0.0 not in accepted


def test_a_worker_whose_consumer_is_not_connected_is_named(own_farm: Farm) -> None:
    own_farm.start_worker("one")
    disconnect_consumers(own_farm)
    wait_until(lambda: ("worker_disconnected", "one") in kinds(own_farm), what="worker_disconnected")
    raw(own_farm.broker).acl_setuser("default", enabled=True, commands=["+ping"])
    assert own_farm.run_of(own_farm.submit("after.test")).attempt == 1
    wait_until(lambda: ("worker_disconnected", "one") not in kinds(own_farm), what="no worker_disconnected")
    assert own_farm.processes["one"].poll() is None


def test_a_worker_that_takes_no_waiting_job_is_named_and_ends_itself(own_farm: Farm) -> None:
    worker = own_farm.start_worker("one", "--queues", "batch,maintenance")
    running = own_farm.submit_batch(["long-12000.test"]).job_ids[0]
    wait_until(lambda: own_farm.started(running), what="a running job")
    disconnect_consumers(own_farm)
    with own_farm.store.transaction() as session:
        waiting = create_job(session, NewJob("waiting.test", priority=1), now=utcnow())
    own_farm.broker.lists.enqueue(waiting.id, BATCH)
    wait_until(lambda: ("worker_disconnected", "one") in kinds(own_farm), what="worker_disconnected")
    wait_until(lambda: worker.poll() is not None, what="its end")
    assert own_farm.log("one").count("no messages received although jobs are waiting") == 1
    assert own_farm.run_of(running).attempt == 1  # It had the time to finish.


@pytest.mark.parametrize(("how", "refusals"), [("permission", 4), ("replica", 12)])  # longer than 10 s
def test_a_worker_whose_requests_redis_refuses_is_named_and_lives_on(own_farm: Farm, how: str, refusals: int) -> None:
    worker = own_farm.start_worker("one")
    server, before = raw(own_farm.broker), own_farm.log("one")
    if how == "permission":
        server.acl_setuser("default", enabled=True, commands=["-brpop"])
        job_id = own_farm.submit("waiting.test")
        wait_until(lambda: ("worker_refused", "one") in kinds(own_farm), what="worker_refused")
    else:
        server.replicaof("127.0.0.1", 9)  # no such server
    wait_until(lambda: server.info("commandstats")["cmdstat_brpop"]["rejected_calls"] >= refusals, what="refusals")
    assert worker.poll() is None
    said = own_farm.log("one").removeprefix(before)
    assert said.count("request for messages") == 1
    assert "Connection to broker lost" not in said
    if how == "permission":
        server.acl_setuser("default", enabled=True, commands=["+brpop"])
    else:
        server.replicaof("NO", "ONE")
        job_id = own_farm.submit("waiting.test")
    assert own_farm.run_of(job_id).attempt == 1
    wait_until(lambda: ("worker_refused", "one") not in kinds(own_farm), what="no worker_refused")


def test_a_worker_for_paused_or_empty_tiers_is_never_idle(own_farm: Farm) -> None:
    pause_queue(own_farm.parts, [BATCH])
    worker = own_farm.start_worker("one", GONEMASTER_TEST_DEAF="1")
    job_id = own_farm.submit_batch(["paused.test"]).job_ids[0]
    for number in range(3):
        own_farm.start_worker(f"other{number}")  # This takes longer than the limits.
    assert worker.poll() is None
    assert not {kind for kind, _ in kinds(own_farm)} & {"worker_idle", "worker_disconnected"}
    for number in range(3):
        own_farm.stop(f"other{number}")
    resume_queue(own_farm.parts)
    wait_until(lambda: ("worker_idle", "one") in kinds(own_farm), what="worker_idle")
    wait_until(lambda: worker.poll() is not None, what="its end")
    own_farm.start_worker("two")
    assert own_farm.run_of(job_id).status == "succeeded"
    own_farm.stop("two", signal.SIGTERM)


def test_a_suspended_worker_ends_itself_with_one_log_line(own_farm: Farm) -> None:
    worker = own_farm.start_worker("one", GONEMASTER_STALL_TIMEOUT_SECONDS="3")
    own_farm.submit("long-600000.test")
    wait_until(own_farm.starts, what="a running job")
    worker.send_signal(signal.SIGSTOP)
    wait_until(lambda: own_farm.broker.reports.recent()[0].silent_s > SUSPENDED_S, what="a long silence")
    before = own_farm.log("one")
    worker.send_signal(signal.SIGCONT)
    assert worker.wait(60) == 70
    after = own_farm.log("one").removeprefix(before)
    assert after.count("\n") == 1, after
    assert "process was suspended, process exits" in after
