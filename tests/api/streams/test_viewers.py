"""Many viewers of live events on a real server need no thread or Redis connection each, and miss no event."""

import re
import selectors
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.broker.events import JobEvent, PendingEvent
from tests.hostile._http import connect, get, port_of, serving
from tests.support.event_streams import SentEvent, blocks_of, read_event
from tests.support.redis import fresh_server, raw
from tests.support.rows import claim, queue_job
from tests.support.service import Service, wait_for
from tests.support.stores import MakeSettings, opened

JOBS, OF_EACH = 10, 10
WRITE_TIMEOUT_S = 2


class Viewer:
    """A client that reads a dechunked stream; it can stop reading, and resume after the last event that it read."""

    def __init__(self, service: Service, job_id: str, *, seen: str = "", receive_buffer: int = 0) -> None:
        resume = (f"Last-Event-ID: {seen}".encode(),) if seen else ()
        request = get(f"/api/v1/jobs/{job_id}/events".encode(), *resume)
        self.socket = connect(service, request, receive_buffer=receive_buffer)
        self.socket.settimeout(20)
        self.received = b""
        self.closed = False

    def read(self) -> None:
        """Read the available data."""
        try:
            piece = self.socket.recv(1 << 20)
        except ConnectionResetError:
            piece = b""
        self.received += piece
        self.closed = not piece

    @property
    def text(self) -> str:
        body, found = self.received.partition(b"\r\n\r\n")[2], b""
        while head := re.match(rb"([0-9a-f]+)\r\n", body, re.IGNORECASE):
            size = int(head[1], 16)
            found += body[head.end() : head.end() + size]
            body = body[head.end() + size + 2 :]
        return found.decode()

    @property
    def complete(self) -> bool:
        """Return whether the response ended properly."""
        return self.received.endswith(b"\r\n0\r\n\r\n")

    @property
    def events(self) -> list[SentEvent]:
        return [event for event in map(read_event, blocks_of([self.text.encode()])) if event.kind]

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of the received entries, as assigned by `publish`."""
        return [event.data["args"]["number"] for event in self.events if event.kind == "entry"]

    @property
    def last_id(self) -> str:
        return next((event.id for event in reversed(self.events) if event.id), "")


def read_all(viewers: Sequence[Viewer], until: Any, *, timeout_s: float = 30.0) -> None:
    """Read from all of them until a condition holds."""
    with selectors.DefaultSelector() as selector:
        for viewer in viewers:
            selector.register(viewer.socket, selectors.EVENT_READ, viewer)
        deadline = time.monotonic() + timeout_s
        while not until():
            if time.monotonic() > deadline:
                raise AssertionError([viewer.text[-200:] for viewer in viewers[:3]])
            for key, _ in selector.select(0.2):
                key.data.read()
                if key.data.closed:
                    selector.unregister(key.fileobj)


@pytest.fixture(scope="module")
def redis() -> Iterator[EmbeddedRedis]:
    """A server for this module; one test restarts it."""
    yield from fresh_server()


@pytest.fixture(scope="module")
def store_settings(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> StoreSettings:
    path = tmp_path_factory.mktemp("viewers") / "store.db"
    path.write_bytes(sqlite_template.read_bytes())
    return StoreSettings(dsn=str(path))


@pytest.fixture(scope="module")
def store(store_settings: StoreSettings) -> Iterator[Store]:
    with opened(store_settings) as store:
        yield store


@pytest.fixture(scope="module")
def service(store_settings: StoreSettings, redis: EmbeddedRedis) -> Iterator[Service]:
    limits = {"write_timeout": f"{WRITE_TIMEOUT_S}s", "shutdown_timeout": "5s", "max_viewers_per_client": 150}
    with serving(store_settings, redis, **limits) as service:
        yield service


@pytest.fixture
def publisher(redis: EmbeddedRedis) -> Iterator[Broker]:
    broker = Broker.open(redis.url)
    yield broker
    broker.close()


def running(store: Store, number: int) -> list[str]:
    return [claim(store, queue_job(store, f"v{place}.example").id).id for place in range(number)]


def publish(broker: Broker, jobs: Sequence[str], numbers: Sequence[int], *, size: int = 10) -> None:
    entry = {"timestamp": 0.5, "module": "BASIC", "testcase": "basic01", "tag": "B01_CHILD_FOUND", "level": "INFO"}
    broker.events.publish_many(
        [
            PendingEvent(job_id, JobEvent("entry", entry | {"args": {"number": number, "text": "x" * size}}))
            for number in numbers
            for job_id in jobs
        ]
    )


def end(broker: Broker, jobs: Sequence[str]) -> None:
    broker.events.publish_many([PendingEvent(job_id, JobEvent("done", {"status": "succeeded"})) for job_id in jobs])


def threads_of(service: Service) -> int:
    return sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in service.processes())


def test_a_hundred_viewers_cost_no_thread_and_no_connection_to_redis_each(
    service: Service, store: Store, publisher: Broker
) -> None:
    jobs = running(store, JOBS)
    connections = len(raw(publisher).client_list())
    with ExitStack() as stack:
        viewers = [Viewer(service, job_id) for job_id in jobs for _ in range(OF_EACH)]
        for viewer in viewers:
            stack.enter_context(viewer.socket)
        read_all(viewers, lambda: all(viewer.events for viewer in viewers))
        publish(publisher, jobs, range(3))
        read_all(viewers, lambda: all(len(viewer.numbers) == 3 for viewer in viewers))
        assert threads_of(service) < 60  # threads of requests, 32 at most
        assert len(raw(publisher).client_list()) - connections <= 32 + 2
        publish(publisher, jobs, range(3, 6))
        end(publisher, jobs)
        read_all(viewers, lambda: all(viewer.closed for viewer in viewers))
    for viewer in viewers:
        assert viewer.numbers == list(range(6))
        assert [event.kind for event in viewer.events] == ["state", *["entry"] * 6, "done"]
        assert viewer.complete


def test_a_viewer_that_does_not_read_is_dropped_alone_and_resumes_without_loss(
    service: Service, store: Store, publisher: Broker
) -> None:
    (job,) = running(store, 1)
    slow, quick = Viewer(service, job, receive_buffer=4096), Viewer(service, job)
    with slow.socket, quick.socket:
        read_all([quick], lambda: quick.events)
        for begin in range(0, 600, 100):
            publish(publisher, [job], range(begin, begin + 100), size=20_000)
            read_all([quick], lambda end=begin + 100: len(quick.numbers) == end)
        service.wait_for_log(f"{job}/events", timeout_s=30)  # the access log has the end of a stream
        read_all([slow], lambda: slow.closed)
        assert not slow.complete
        assert len(slow.numbers) < 600
        again = Viewer(service, job, seen=slow.last_id)
        end(publisher, [job])
        with again.socket:
            read_all([again, quick], lambda: again.closed and quick.closed)
    assert slow.numbers + again.numbers == quick.numbers == list(range(600))


def test_viewers_outlive_a_restart_of_redis(
    service: Service, store: Store, publisher: Broker, redis: EmbeddedRedis
) -> None:
    jobs = running(store, 2)
    viewers = [Viewer(service, job_id) for job_id in jobs]
    with viewers[0].socket, viewers[1].socket:
        publish(publisher, jobs, [0, 1])
        read_all(viewers, lambda: all(viewer.numbers == [0, 1] for viewer in viewers))
        redis.process.kill()  # type: ignore[union-attr]  # it runs
        redis.process.wait()  # type: ignore[union-attr]
        wait_for(lambda: "work='live events'" in service.log, what="the failure of a reading")
        redis.start()
        publish(publisher, jobs, [2])
        read_all(viewers, lambda: all(viewer.numbers[-1] == 2 for viewer in viewers))
        end(publisher, jobs)
        read_all(viewers, lambda: all(viewer.closed for viewer in viewers))
    assert [viewer.numbers for viewer in viewers] == [[0, 1, 2]] * 2


def test_viewers_beyond_the_limit_of_a_client_are_refused_and_others_are_not(service: Service, store: Store) -> None:
    (job,) = running(store, 1)
    with ExitStack() as stack:
        viewers = [Viewer(service, job) for _ in range(151)]
        for viewer in viewers:
            stack.enter_context(viewer.socket)
        read_all(viewers, lambda: all(viewer.events or viewer.closed for viewer in viewers))
        refused = [viewer for viewer in viewers if viewer.received.startswith(b"HTTP/1.1 429")]
        assert len(refused) == 1
        assert b"too_many_client_streams" in refused[0].received
        other = socket.create_connection(("127.0.0.1", port_of(service)), source_address=("127.0.0.2", 0))
        with other:
            other.sendall(get(f"/api/v1/jobs/{job}/events".encode()))
            assert other.recv(12) == b"HTTP/1.1 200"
    wait_for(lambda: is_admitted(service, job), what="the seats of viewers that have left")


def is_admitted(service: Service, job_id: str) -> bool:
    with connect(service, get(f"/api/v1/jobs/{job_id}/events".encode())) as connection:
        return connection.recv(12) == b"HTTP/1.1 200"


def test_old_clients_get_the_events_until_the_connection_ends(
    service: Service, store: Store, publisher: Broker
) -> None:
    (job,) = running(store, 1)
    request = get(f"/api/v1/jobs/{job}/events".encode()).replace(b"HTTP/1.1", b"HTTP/1.0")
    with connect(service, request) as connection:
        publish(publisher, [job], [7])
        end(publisher, [job])
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"chunked" not in head.lower()
    assert [event.kind for event in map(read_event, blocks_of([body])) if event.kind] == ["state", "entry", "done"]


def test_a_stop_ends_the_streams_and_tells_browsers_when_to_come_back(
    make_store_settings: MakeSettings, redis: EmbeddedRedis
) -> None:
    settings = make_store_settings("sqlite")
    with opened(settings) as store, serving(settings, redis) as service:
        (job,) = running(store, 1)
        viewer = Viewer(service, job)
        with viewer.socket:
            read_all([viewer], lambda: viewer.events)
            service.process.send_signal(signal.SIGTERM)
            read_all([viewer], lambda: viewer.closed)
        assert viewer.complete
        assert len(re.findall(r"^retry: \d+$", viewer.text, re.MULTILINE)) == 2
        assert service.process.wait(20) == 0
