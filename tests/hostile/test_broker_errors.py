"""A Redis that responds with errors counts as unavailable: requests report it, workers wait, threads continue."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gonemaster_api.app import create_app
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewJob
from gonemaster_db.core.session import open_store
from gonemaster_db.queue.jobs import create_job
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.events import EventPublisher, JobEvent, PendingEvent
from gonemaster_tasks.broker.keys import BEAT_LOCK
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.control.parts import open_queue
from gonemaster_tasks.errors import BrokerLoginRefused, BrokerRefused, BrokerUnavailable
from gonemaster_tasks.queues import NORMAL
from tests.hostile import LONG
from tests.support.examples import examples
from tests.support.redis import raw
from tests.support.redis_faults import FAULTS, answering_with
from tests.support.stores import MakeSettings
from tests.support.workers import Farm, wait_until

LIFE = timedelta(seconds=10)
STATE = WorkerState("w", "h", 1, (NORMAL,), 1, {}, 0.0)
CALLS: dict[str, Callable[[Broker], object]] = {
    "ping": lambda broker: broker.ping(),
    "check": lambda broker: broker.check(),
    "time": lambda broker: broker.time(),
    "enqueue": lambda broker: broker.lists.enqueue("job_1", NORMAL),
    "remove": lambda broker: broker.lists.remove(["job_1"], NORMAL),
    "move": lambda broker: broker.lists.move(["job_1"], NORMAL, "front"),
    "reorder": lambda broker: broker.lists.reorder(["job_1"], NORMAL),
    "depths": lambda broker: broker.lists.depths(),
    "waiting": lambda broker: list(broker.lists.waiting_ids(NORMAL)),
    "held": lambda broker: broker.unacked.held(["job_1"]),
    "drop": lambda broker: broker.unacked.drop(["job_1"]),
    "controls": lambda broker: broker.marks.set_controls(Controls({})),
    "submission": lambda broker: broker.marks.begin_submission("s", LIFE),
    "register": lambda broker: broker.workers.register(STATE, LIFE),
    "living": lambda broker: broker.workers.live(),
    "lock": lambda broker: broker.locks.acquire("l", "me", LIFE),
    "release": lambda broker: broker.locks.release("l", "me"),
    "event": lambda broker: broker.events.publish_many([PendingEvent("job_1", JobEvent("state", {}))]),
    "events": lambda broker: broker.events.read("job_1"),
    "beat": lambda broker: broker.beat.active(),
    "rejected": lambda broker: broker.rejected.quarantine_wrong_types(),
}


def refused(broker: Broker) -> set[str]:
    """The calls that raise BrokerUnavailable; no call raises another error.

    Only the check at the start reports that a login is insufficient, so that the process exits with the reason.
    """
    names = set()
    for name, call in CALLS.items():
        try:
            call(broker)
        except BrokerUnavailable:
            names.add(name)
        except BrokerRefused as error:
            if name != "check" or not isinstance(error.__cause__, BrokerLoginRefused):
                raise
            names.add(name)
    return names


@pytest.mark.parametrize("fault", FAULTS)
def test_each_error_of_a_real_server_is_a_broker_that_is_unavailable(
    fault: str, own_redis: EmbeddedRedis, own_broker: Broker
) -> None:
    with answering_with(fault, own_redis):
        assert {"enqueue", "register", "lock", "event"} <= refused(own_broker)
    wait_until(lambda: not refused(own_broker), what="the server serves again")


class Refusing:
    """A server that answers each command with the same error."""

    def __init__(self) -> None:
        self.answer = b"-ERR\r\n"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while data := connection.recv(65536):
                connection.sendall(self.answer * max(1, data.count(b"*")))


_WELCOME = b"%2\r\n+server\r\n+redis\r\n+proto\r\n:3"


class Speaking(Refusing):
    """A server that answers some commands with given lines, and all others with OK."""

    def __init__(self, lines: Mapping[bytes, bytes]) -> None:
        self._lines = lines
        super().__init__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while data := connection.recv(65536):
                for command in data.split(b"*")[1:]:
                    words = command.split(b"\r\n")[2::2]
                    connects = words[0] == b"HELLO" and len(words) > 1  # newer clients request a protocol version
                    reply = _WELCOME if connects else self._lines.get(words[0].upper(), b"+OK")
                    connection.sendall(reply + b"\r\n")


@pytest.fixture(scope="module")
def refusing() -> Iterator[Refusing]:
    server = Refusing()
    yield server
    server.close()


@pytest.mark.parametrize(
    "reply", [b"*0", b"*1\r\n$6\r\nserver", b"*3\r\n$7\r\nversion\r\n*1\r\n:1\r\n*1\r\n:2", b":7", b"+OK"]
)
def test_a_malformed_hello_without_info_ends_the_start_with_a_sentence(reply: bytes) -> None:
    lines = {b"INFO": b"-NOPERM no permissions", b"HELLO": reply}
    with (
        Speaking(lines) as server,
        closing(Broker.open(server.url)) as broker,
        pytest.raises(BrokerRefused, match="too old or not Redis"),
    ):
        broker.check()


CODES = [
    "LOADING Redis is loading the dataset in memory", "NOAUTH Authentication required.", "WRONGPASS invalid username",
    "CLUSTERDOWN The cluster is down", "NOREPLICAS Not enough good replicas to write.", "UNKILLABLE", "EXECABORT x",
    "MOVED 1 127.0.0.1:7000", "ASK 1 127.0.0.1:7000", "NOSCRIPT No matching script.",
    "ERR max number of clients reached", "WRONGTYPE Operation against a key holding the wrong kind of value",
]  # fmt: skip


def with_examples(codes: list[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        for code in codes:
            test = example(text=code)(test)
        return test

    return decorate


@settings(max_examples=2000 if LONG else examples(15, 60), derandomize=False, print_blob=True)
@with_examples(CODES)
@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=80))
def test_every_wrong_answer_of_a_server_raises_broker_unavailable(refusing: Refusing, text: str) -> None:
    refusing.answer = f"-{text}\r\n".encode()
    broker = Broker.open(refusing.url)
    try:
        assert refused(broker) == set(CALLS)
    finally:
        broker.close()


@pytest.mark.parametrize("fault", ["busy", "misconf", "noperm", "oom"])
def test_the_api_answers_503_and_says_when_to_come_again(
    fault: str, own_redis: EmbeddedRedis, make_store_settings: MakeSettings, tmp_path: Path
) -> None:
    flags = {"broker_url": own_redis.url, "data_dir": str(tmp_path)}
    parts = open_queue(load_settings(flags, {}), open_store(make_store_settings("sqlite")))
    client = create_app(load_settings(flags, {}), queue=parts, stopping=threading.Event()).test_client()
    with answering_with(fault, own_redis):
        answers = [client.get("/api/v1/queue/health"), client.post("/api/v1/queue/pause", json={})]
        if fault in ("busy", "misconf", "noperm"):  # a full server still answers PING
            answers.append(client.post("/api/v1/jobs", json={"domain": "example.com"}))
        assert client.get("/api/v1/queue").status_code in (200, 503)
        reported = [(answer.status_code, answer.headers.get("Retry-After", "")) for answer in answers]
    assert {status for status, _ in reported} <= {200, 503}
    assert all(after for status, after in reported if status == 503)
    # A full server answers PING: the pause is stored, and claims read it there.
    assert any(status == 503 for status, _ in reported) == (fault != "oom")
    wait_until(lambda: client.post("/api/v1/jobs", json={"domain": "example.com"}).status_code == 201)
    parts.broker.close()
    parts.celery.close()
    parts.store.close()


@pytest.mark.parametrize("fault", FAULTS if LONG else ["busy", "oom", "noperm"])
def test_a_worker_outlives_each_error_and_takes_jobs_again(
    fault: str, fault_farm: Farm, own_redis: EmbeddedRedis
) -> None:
    farm = fault_farm
    worker = farm.start_worker("one")
    assert farm.run_of(farm.submit("before.test")).status == "succeeded"
    slow = farm.submit("across-1500.test")
    wait_until(lambda: farm.started(slow), what="a job that runs on")
    with answering_with(fault, own_redis):
        job_id = farm.store.run_in_transaction(lambda session: create_job(session, NewJob("meanwhile.test"))).id
        assert farm.run_of(slow).status == "succeeded"  # the database has its result, regardless of the state of Redis
        wait_until(lambda: "heartbeat" in farm.log("one"), what="the error is noticed")
        assert worker.poll() is None, farm.log("one")
    run = farm.run_of(job_id, within_s=120)
    assert (run.status, run.attempt, worker.poll()) == ("succeeded", 1, None)
    wait_until(lambda: farm.broker.workers.live(), what="the heartbeat")


@pytest.mark.parametrize("fault", FAULTS if LONG else ["busy", "noperm", "oom", "readonly"])
def test_beat_outlives_each_error_with_one_line_in_its_log(
    fault: str, fault_farm: Farm, own_redis: EmbeddedRedis
) -> None:
    beat = fault_farm.start_beat()
    wait_until(lambda: _sent(fault_farm) >= 1, what="the first task")
    with answering_with(fault, own_redis):
        wait_until(lambda: "task failed, will be retried" in fault_farm.log("beat"), what="the error is noticed")
        before = _sent(fault_farm)
    wait_until(lambda: _sent(fault_farm) > before and "works again" in fault_farm.log("beat"), what="a later task")
    assert beat.poll() is None
    assert "Traceback" not in fault_farm.log("beat")
    assert fault_farm.log("beat").count("task failed, will be retried") == 1


def test_beat_waits_for_a_redis_that_is_loading_and_stops_on_a_signal(refusing: Refusing, farm: Farm) -> None:
    refusing.answer = b"-LOADING Redis is loading the dataset in memory\r\n"
    beat = farm.start_beat(GONEMASTER_BROKER_URL=refusing.url)
    wait_until(lambda: "task failed, will be retried" in farm.log("beat"), what="a line in the log")
    assert beat.poll() is None, farm.log("beat")
    assert farm.stop("beat") in (0, -signal.SIGTERM)
    assert "Traceback" not in farm.log("beat")


def test_beat_without_its_lock_sends_nothing_until_it_has_it_again(fault_farm: Farm) -> None:
    beat = fault_farm.start_beat()
    wait_until(lambda: _sent(fault_farm) >= 1, what="the first task")
    raw(fault_farm.broker).flushdb()  # the schedule is deleted, too
    raw(fault_farm.broker).set(BEAT_LOCK, "another beat")
    wait_until(lambda: "beat lost its lock" in fault_farm.log("beat"), what="the loss is noticed")
    sent = _sent(fault_farm)
    raw(fault_farm.broker).delete(BEAT_LOCK)
    wait_until(lambda: _sent(fault_farm) > sent, what="a later task")
    after_the_loss = fault_farm.log("beat").partition("beat lost its lock")[2]
    assert after_the_loss.index("beat acquired the lock") < after_the_loss.index("Sending due task")
    assert fault_farm.stop("beat") == 0
    assert not raw(fault_farm.broker).exists(BEAT_LOCK)
    assert beat.returncode == 0


def _sent(farm: Farm) -> int:
    return farm.log("beat").count("Sending due task")


def test_events_are_sent_again_after_a_script_that_held_redis(own_redis: EmbeddedRedis, own_broker: Broker) -> None:
    publisher = EventPublisher(own_broker.events, interval=timedelta(milliseconds=10))
    publisher.start()
    with answering_with("busy", own_redis):
        publisher.post("job_1", JobEvent("state", {"number": 1}))
        wait_until(lambda: not publisher.waiting, what="the event was tried")
    wait_until(lambda: _delivered(own_broker, publisher), what="a later event")
    publisher.stop()


def _delivered(broker: Broker, publisher: EventPublisher) -> bool:
    publisher.post("job_1", JobEvent("state", {"at": utcnow().isoformat()}))
    with suppress(BrokerUnavailable):
        return bool(broker.events.read("job_1"))
    return False
