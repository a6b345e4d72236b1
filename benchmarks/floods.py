"""Measure the requests of another client while one client floods the API from up to a thousand connections.

    python -m benchmarks.floods [KIND ...] [--seconds 8]

The service is private, on SQLite, with one process. The other client has a separate address and process, and sends
GET /queue on a new connection each time. The output has its times, the memory that the server used in addition, and the
processor time of the whole server and of its event loop.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import selectors
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gonemaster_db.core.settings import StoreSettings
from gonemaster_engine.open_files import raise_open_files_limit
from tests.hostile._http import get, port_of, serving
from tests.hostile.test_bodies import MIB, memory_of, worker_of
from tests.support.redis import fresh_server
from tests.support.service import Service
from tests.support.stores import migrate

_TICKS = os.sysconf("SC_CLK_TCK")
_HEAD = b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_HEALTH = b"GET /api/v1/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_POST = b"POST /api/v1/jobs/batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
_BODY = _POST + b"Content-Length: 60000000\r\n\r\n"
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_SCRIPT = get(b"/api/v1/docs/assets/swagger-ui-bundle.js")


@dataclass(frozen=True)
class Flood:
    """One kind of attack: each connection sends `first`, then `more` as often as the server accepts it."""

    connections: int
    first: bytes
    more: bytes = b""
    reads: int = 65536  # bytes read per turn; 0: the client reads no response
    receive_buffer: int = 0
    is_patient: bool = False  # `more` follows each response


_KINDS = {
    "idle": Flood(0, b""),
    "silent": Flood(1000, b""),
    "slow_heads": Flood(1000, b"GET / HT"),
    "header_flood": Flood(1000, _HEAD, b"".join(b"X-%d: %s\r\n" % (number, b"y" * 600) for number in range(100))),
    "heads": Flood(1000, (_HEAD + b"\r\n") * 20, reads=0),
    "big_pipelines": Flood(1000, b"", (_HEALTH + b"\r\n") * 4000, reads=0),
    "big_requests": Flood(1000, b"", (_HEAD + b"X-A: " + b"y" * 900 + b"\r\n\r\n") * 200, reads=0),
    "repeat_small": Flood(1000, _HEALTH + b"\r\n", _HEALTH + b"\r\n", is_patient=True),
    "repeat_page": Flood(1000, _HEAD + b"\r\n", _HEAD + b"\r\n", is_patient=True),
    "upgrades": Flood(200, b"", (_HEALTH + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n") * 400),
    "expect": Flood(300, (_POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n") * 5, reads=0),
    "crlf_body": Flood(40, _BODY, b"\r\n\r\n" * 16384),
    "tiny_chunks": Flood(40, _CHUNKED, b"1\r\nx\r\n" * 10922),
    "chunk_extensions": Flood(40, _CHUNKED, b"1;" + b"e" * 60000 + b"\r\nx\r\n"),
    "slow_readers": Flood(500, _SCRIPT, reads=1, receive_buffer=1),
}


@dataclass
class Attack:
    """The connections of a flood."""

    flood: Flood
    port: int
    source: str  # address; the server limits a client for a while after its flood
    sent: int = 0
    _places: dict[socket.socket, int] = field(default_factory=dict)

    @contextmanager
    def opened(self) -> Iterator[None]:
        with ExitStack() as stack:
            for _ in range(self.flood.connections):
                connection = stack.enter_context(socket.socket())
                if self.flood.receive_buffer:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.flood.receive_buffer)
                connection.bind((self.source, 0))
                connection.connect(("127.0.0.1", self.port))
                connection.setblocking(False)
                with suppress(OSError):
                    self.sent += connection.send(self.flood.first)
                self._places[connection] = 0
            yield

    def run(self, seconds: float) -> None:
        """Send and read until the time is over."""
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for connection in self._places:
                selector.register(connection, selectors.EVENT_READ)
            while time.monotonic() < end:
                if self.flood.is_patient:
                    answered: list[Any] = [key.fileobj for key, _ in selector.select(0.1)]
                else:
                    time.sleep(0.02)
                    answered = list(self._places)
                for connection in answered:
                    if not self._turn(connection):
                        selector.unregister(connection)
                        del self._places[connection]

    def _turn(self, connection: socket.socket) -> bool:
        """Read, then send the next part; return False if the server has closed the connection."""
        try:
            if self.flood.reads:
                with suppress(BlockingIOError):
                    if not connection.recv(self.flood.reads):
                        return False
            if self.flood.more:
                at = self._places[connection]
                count = connection.send(self.flood.more[at : at + 65536])
                self._places[connection] = (at + count) % len(self.flood.more)
                self.sent += count
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


def probe(port: int, stop: Connection) -> None:
    """Send requests from another address until told to stop, then report their times and the number of failures."""
    times, failed = [], 0
    stop.send("ready")
    while not stop.poll(0.02):
        started_at, received = time.perf_counter(), b""
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=30, source_address=("127.0.0.2", 0)) as connection,
        ):
            connection.sendall(get(b"/api/v1/queue"))
            while piece := connection.recv(65536):
                received += piece
        times.append(time.perf_counter() - started_at)
        failed += not received.startswith(b"HTTP/1.1 200")
    stop.send((times, failed))


def cpu_s(pid: int) -> tuple[float, float]:
    """Return the processor time of a process, and of its main thread, which runs the event loop."""

    def used(stat: Path) -> float:
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    return used(Path(f"/proc/{pid}/stat")), used(Path(f"/proc/{pid}/task/{pid}/stat"))


def measure(name: str, service: Service, seconds: float) -> None:
    """Run one flood together with the other client, and print a line."""
    pid, port = worker_of(service), port_of(service)
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak of the memory starts here
    context = multiprocessing.get_context("spawn")
    mine, other = context.Pipe()
    prober = context.Process(target=probe, args=(port, other))
    prober.start()
    mine.recv()
    memory, (process_s, loop_s), began = memory_of(pid, "VmRSS"), cpu_s(pid), time.monotonic()
    attack = Attack(_KINDS[name], port, f"127.0.1.{1 + list(_KINDS).index(name)}")
    with attack.opened():
        attack.run(seconds)
    mine.send(None)
    times, failed = mine.recv()
    prober.join()
    took, (process_end, loop_end) = time.monotonic() - began, cpu_s(pid)
    cuts = statistics.quantiles(times, n=20)
    added = (memory_of(pid, "VmHWM") - memory) / MIB
    print(
        f"{name}: {len(times)} requests, {failed} failed; median {statistics.median(times):.3f} s, "
        f"p95 {cuts[18]:.3f}, most {max(times):.3f}; {attack.sent / MIB:.1f} MiB sent, {added:.1f} MiB added; "
        f"cores: {(process_end - process_s) / took:.2f}, event loop {(loop_end - loop_s) / took:.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"one of {', '.join(_KINDS)}; all by default")
    parser.add_argument("--seconds", type=float, default=8.0, help="duration of each flood")
    options = parser.parse_args()
    if unknown := set(options.kinds) - _KINDS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    raise_open_files_limit(20_000)
    with tempfile.TemporaryDirectory(prefix="gm-floods-", dir="/tmp") as home, contextmanager(fresh_server)() as redis:
        settings = StoreSettings(dsn=f"{home}/store.db")
        migrate(settings)
        with serving(settings, redis, idle_timeout="5s", max_viewers_per_client=100) as service:
            for name in options.kinds or _KINDS:
                measure(name, service, options.seconds)
                time.sleep(1)


if __name__ == "__main__":
    main()
