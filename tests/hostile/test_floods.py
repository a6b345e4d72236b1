"""A client that floods the API with connections and requests is limited, and other clients are served."""

import fcntl
import itertools
import selectors
import shutil
import socket
import struct
import termios
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.hostile._http import get, parse, port_of, post, read_to_end, serving
from tests.hostile.test_bodies import MIB, memory_of, worker_of
from tests.support.service import Service, wait_for

pytestmark = [pytest.mark.xdist_group("floods"), pytest.mark.thorough]  # one server
KEEP = b"GET /api/v1/queue HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
AFTER_A_BODY = post(b"Content-Length: 1", body=b"x").replace(b"Connection: close\r\n", b"")
BARE = b"GET / HTTP/1.1\r\n\r\n"
CHUNKED = post(b"Transfer-Encoding: chunked", body=b"", path=b"/api/v1/jobs/batch")
FIXED = post(b"Content-Length: 60000000", body=b"", path=b"/api/v1/jobs/batch")
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: discard unsent data at the end
CONNECTIONS = 3_000
PER_CLIENT = 600  # connections and event streams that one client may have, with the setting below
# Each flood comes from a new address: a client that has used more than its share of the event loop waits afterwards.
CLIENTS = (f"127.0.1.{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def service(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedRedis
) -> Iterator[Service]:
    path = tmp_path_factory.mktemp("floods") / "store.db"
    shutil.copyfile(sqlite_template, path)
    with serving(StoreSettings(dsn=str(path)), redis_server, max_viewers_per_client=100) as service:
        yield service
        assert "Traceback" not in service.log


def opened(stack: ExitStack, service: Service, data: bytes, number: int) -> list[socket.socket]:
    """Open connections of a new client, each with the same data; the server may close those beyond its limit."""
    sockets, place, client = [], ("127.0.0.1", port_of(service)), (next(CLIENTS), 0)
    for _ in range(number):
        connection = stack.enter_context(socket.create_connection(place, timeout=60, source_address=client))
        with suppress(ConnectionError):
            connection.sendall(data)
        sockets.append(connection)
    return sockets


def other_is_served(service: Service) -> bool:
    """Send one request from another address."""
    place = ("127.0.0.1", port_of(service))
    with socket.create_connection(place, timeout=60, source_address=("127.0.0.2", 0)) as connection:
        connection.sendall(get(b"/api/v1/queue"))
        return parse(read_to_end(connection))[0] == 200


def closed(sockets: list[socket.socket]) -> int:
    """Count the connections that the server has closed, and read what the others have received."""
    number = 0
    with selectors.DefaultSelector() as selector:
        for each in sockets:
            selector.register(each, selectors.EVENT_READ)
        for key, _ in selector.select(0):
            try:
                number += not key.fileobj.recv(1 << 20)  # type: ignore[union-attr]  # a socket
            except ConnectionError:
                number += 1
    return number


def test_a_flood_of_connections_ends_at_the_limit_of_a_client(service: Service) -> None:
    pid = worker_of(service)
    before = memory_of(pid, "VmRSS")
    with ExitStack() as stack:
        sockets = opened(stack, service, KEEP, CONNECTIONS)
        for _ in range(20):
            wait_for(lambda: other_is_served(service), what="an answer to another client")
        assert closed(sockets) >= CONNECTIONS - PER_CLIENT
    assert memory_of(pid, "VmHWM") - before < 100 * MIB
    wait_for(lambda: other_is_served(service), what="an answer after the flood")


@pytest.mark.parametrize(
    "data",
    [KEEP * 300, KEEP[:30], KEEP * 300 + KEEP[:30], AFTER_A_BODY + BARE * 220],
    ids=["whole", "half", "both", "after a body"],
)
def test_pipelined_and_half_requests_leave_others_their_share(service: Service, data: bytes) -> None:
    pid = worker_of(service)
    before = memory_of(pid, "VmRSS")
    with ExitStack() as stack:
        sockets = opened(stack, service, data, 60)
        for _ in range(20):
            wait_for(lambda: other_is_served(service), what="an answer to another client")
        assert len(sockets) == 60
    assert memory_of(pid, "VmHWM") - before < 100 * MIB
    assert service.process.poll() is None


@pytest.mark.parametrize("data", [KEEP * 4_000, HEAD * 20], ids=["long", "short"])
def test_a_thousand_pipelines_take_bounded_memory_and_leave_others_their_share(service: Service, data: bytes) -> None:
    """Their data wait in the kernel: the process reads small pieces, and closes pipelines whose requests it refuses."""
    pid = worker_of(service)
    (Path("/proc") / str(pid) / "clear_refs").write_text("5")  # resets the peak
    before = memory_of(pid, "VmRSS")
    with ExitStack() as stack:
        sockets = opened(stack, service, b"", 1_000)
        for each in sockets:
            each.setblocking(False)
            with suppress(OSError):  # beyond the limit of the client
                each.send(data)
        for _ in range(20):
            wait_for(lambda: other_is_served(service), what="an answer to another client")
        wait_for(lambda: closed(sockets) >= 1_000 - PER_CLIENT, what="the limit of connections")
    assert memory_of(pid, "VmHWM") - before < 80 * MIB


def unsent(sockets: list[socket.socket]) -> int:
    """Return how many bytes the kernel still holds because the server has not read the bytes before them."""
    sizes = [fcntl.ioctl(each, termios.TIOCOUTQ, b"\0" * 4) for each in sockets]
    return sum(struct.unpack("i", size)[0] for size in sizes)


@pytest.mark.parametrize(
    ("head", "data"),
    [(CHUNKED, b"1\r\nx\r\n"), (CHUNKED, b"1;a=b\r\nx\r\n"), (FIXED, b"\r\n\r\n")],
    ids=["tiny chunks", "chunk extensions", "line ends"],
)
def test_others_are_served_while_a_client_sends_what_costs_most_to_parse(
    service: Service, head: bytes, data: bytes
) -> None:
    """The event loop reads from the client only part of the time, so the client's data last longer than the test."""
    pid = worker_of(service)
    before = memory_of(pid, "VmRSS")
    with ExitStack() as stack:
        sockets = opened(stack, service, head, 40)
        for each in sockets:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            each.setblocking(False)
            each.send(data * (4 * MIB // len(data)))
        for _ in range(5):
            wait_for(lambda: other_is_served(service), what="an answer to another client")
        assert unsent(sockets) > 0
    assert memory_of(pid, "VmHWM") - before < 100 * MIB
