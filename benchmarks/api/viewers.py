"""Viewers of live events in one process: they read, count and drop the events."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.events import JobEvent, PendingEvent

EVENTS_A_SECOND = 1  # events of each job


class Viewer(asyncio.Protocol):
    """One stream."""

    def __init__(self) -> None:
        self.events = 0
        self.refused = False
        self.began, self.ended = asyncio.Event(), asyncio.Event()
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self.began.is_set():
            self.began.set()
            self.refused = not data.startswith(b"HTTP/1.1 200")
        self.events += data.count(b"event: ")

    def connection_lost(self, exc: Exception | None) -> None:
        self.began.set()
        self.ended.set()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def open_viewers(port: int, jobs: Sequence[str], of_each: int, *, headers: str = "") -> list[Viewer]:
    """Open the streams, forty at a time."""
    loop, made = asyncio.get_running_loop(), []
    places = asyncio.Semaphore(40)

    async def open_one(job_id: str) -> None:
        async with places:
            transport, viewer = await loop.create_connection(Viewer, "127.0.0.1", port)
            request = f"GET /api/v1/jobs/{job_id}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n"
            transport.write(request.encode())
            await viewer.began.wait()
            made.append(viewer)

    await asyncio.gather(*(open_one(job_id) for job_id in jobs for _ in range(of_each)))
    return made


def publish(broker_url: str, jobs: Sequence[str], seconds: float) -> int:
    """Publish events as workers do for a few seconds, then the final events; return the number of events of a job."""
    entry = {"timestamp": 0.5, "module": "BASIC", "testcase": "basic01", "tag": "B01_CHILD_FOUND", "level": "INFO"}
    sent: Counter[str] = Counter()
    with closing(Broker.open(broker_url)) as broker:
        began = time.monotonic()
        for turn in range(int(seconds * 5)):
            time.sleep(max(0.0, began + turn / 5 - time.monotonic()))
            pending = [
                PendingEvent(job_id, JobEvent("entry", entry | {"args": {"domain": f"{turn}.example"}}))
                for place, job_id in enumerate(jobs)
                for number in range(EVENTS_A_SECOND)
                if (turn + place + number) % 5 == 0
            ]
            sent.update(event.job_id for event in pending)
            broker.events.publish_many(pending)
        broker.events.publish_many([PendingEvent(job_id, JobEvent("done", {"status": "succeeded"})) for job_id in jobs])
    return sum(sent.values())
