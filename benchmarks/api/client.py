"""An HTTP client that sends requests at a fixed rate, even if the server cannot keep up."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

PATIENCE_S = 10.0
_CONNECTIONS = 1000  # connections of a generator; a request that finds no free one is delayed


@dataclass
class Outcome:
    """The results of the requests: counts by status or error, and the duration of each in seconds.

    `late` has the delay of each request in seconds, because the generator shares the machine. `refused` counts
    responses without 2xx by the second of the measurement in which the request was sent.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=dict)

    def add(self, status: str, seconds: float, *, sent_s: float) -> None:
        self.statuses[status] += 1
        if not status.startswith("2"):
            self.refused[int(sent_s)] += 1
        self.times.setdefault(status, []).append(seconds)

    def figures(self, status: str) -> dict[str, float]:
        """Return the percentage of requests with this status, and their median and 95th percentile in milliseconds."""
        times = self.times.get(status, [])
        cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
        share = len(times) / max(1, self.statuses.total()) * 100
        return {
            "answered": round(share, 1),
            "median_ms": round(cuts[49] * 1000, 1),
            "p95_ms": round(cuts[94] * 1000, 1),
        }

    def report(self) -> str:
        parts = []
        for status, times in sorted(self.times.items()):
            cuts = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
            figures = f"median {cuts[49] * 1000:.1f} ms, p95 {cuts[94] * 1000:.1f}, p99 {cuts[98] * 1000:.1f}"
            parts.append(f"{status}: {len(times)} ({figures}, most {max(times) * 1000:.0f})")
        if self.refused:
            parts.append(f"refused in second {dict(sorted(self.refused.items()))}")
        late = statistics.quantiles(self.late, n=100)
        return "; ".join([*parts, f"sent late: median {late[49] * 1000:.1f} ms, p95 {late[94] * 1000:.1f}"])


class Connection(asyncio.Protocol):
    """One connection to the server: one request at a time, response with a Content-Length."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._answer: asyncio.Future[int] | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's class is not a subclass

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed without a response"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._answer is None or self._answer.done():
            return
        head = bytes(self._received[:end]).lower()
        start = head.find(b"\r\ncontent-length: ") + 18
        length = int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else len(head)])
        if len(self._received) >= end + 4 + length:
            self.closed = self.closed or b"\r\nconnection: close" in head
            self._answer.set_result(int(head[9:12]))

    def ask(self, request: bytes) -> asyncio.Future[int]:
        assert self._transport is not None
        self._received.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def close(self) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.close()


class Generator:
    """Sends requests at a rate over persistent connections."""

    def __init__(self, port: int, *, connections: int = _CONNECTIONS) -> None:
        self._port = port
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(connections)

    async def run(self, make: Callable[[int], bytes], *, rate: float, seconds: float) -> Outcome:
        """Send `rate` requests a second; `make` creates each from its number."""
        outcome, tasks, begun = Outcome(), set(), time.perf_counter()
        for number in range(int(rate * seconds)):
            due = begun + number / rate
            if (wait := due - time.perf_counter()) > 0.001:
                await asyncio.sleep(wait)
            task = asyncio.create_task(self._send(make(number), due, outcome, begun=begun))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        while tasks:
            await asyncio.wait(tasks)
        return outcome

    async def _send(self, request: bytes, due: float, outcome: Outcome, *, begun: float) -> None:
        async with self._places:
            sent = time.perf_counter()
            outcome.late.append(sent - due)
            outcome.add(await self._exchange(request), time.perf_counter() - sent, sent_s=sent - begun)

    async def _exchange(self, request: bytes) -> str:
        connection: Connection | None = None
        try:
            async with asyncio.timeout(PATIENCE_S):
                connection = await self._connection()
                status = str(await connection.ask(request))
        except (OSError, TimeoutError) as error:
            status = type(error).__name__
            if connection is not None:
                connection.close()
        if connection is not None:
            if connection.closed:
                connection.close()
            else:
                self._idle.append(connection)
        return status

    async def _connection(self) -> Connection:
        while self._idle:
            kept = self._idle.pop()
            if not kept.closed:
                return kept
        _, made = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", self._port)
        return made


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body
