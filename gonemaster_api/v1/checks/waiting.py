"""The response to a check: it is written on the event loop, because a check must not occupy a thread for seconds."""

import asyncio
import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gonemaster_api.queries.runs.checks import CheckedDelegation, read_check
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.checks import OpenCheck, close_check
from gonemaster_api.v1.checks.schemas import CheckSchema
from gonemaster_api.web.asgi_responses import InnerRequest
from gonemaster_tasks.errors import BrokerUnavailable

_POLL = timedelta(seconds=1)  # without a server: one wait for events, less than the time limit of the connection
_LOOK_S = 0.2  # without Redis

Measure = Callable[[str, float], None]


@dataclass(frozen=True)
class CheckResponse:
    """One client that waits for a check. `measure` counts the verdict and the duration."""

    state: State
    check: OpenCheck
    began: float  # of the request, on the monotonic clock
    measure: Measure
    release: Callable[[], None]  # frees the position of the client

    @property
    def _left_s(self) -> float:
        return max(0.0, self.check.deadline - self.state.queue.clock.timestamp())

    async def __call__(self, _scope: dict[str, Any], receive: Any, send: Any, _inner: InnerRequest) -> None:
        """Wait for the end of the check, and send the answer; cancel the check if the client leaves."""
        try:
            if await self._wait(receive):
                body = await asyncio.to_thread(self.answer)
                await send({"type": "http.response.start", "status": 200, "headers": _headers(body)})
                await send({"type": "http.response.body", "body": body})
        finally:
            self.release()
            await asyncio.shield(asyncio.to_thread(close_check, self.state, self.check))

    async def _wait(self, receive: Any) -> bool:
        """Wait for the end or the deadline; return False if the client has left."""
        grace_s = max(0.0, self.state.settings.shutdown_timeout.total_seconds() - 1)
        ending = asyncio.ensure_future(
            self.state.hub.has_ended(self.check.run_id, limit_s=self._left_s, grace_s=grace_s)
        )
        leaving = asyncio.ensure_future(_until_disconnected(receive))
        try:
            await asyncio.wait((ending, leaving), return_when=asyncio.FIRST_COMPLETED)
            return ending.done()
        finally:
            for task in (ending, leaving):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    def answer(self) -> bytes:
        """Return the answer as JSON."""
        return json.dumps(self.document()).encode()

    def document(self) -> dict[str, Any]:
        """Return the answer, and count it."""
        check = self.check
        found = read_check(
            self.state, check.run_id, CheckedDelegation(check.domain, check.policy, check.locale, check.policy)
        )
        total_s = time.monotonic() - self.began
        timings = {
            "submitted_at": datetime.fromtimestamp(check.submitted_at, UTC),
            "deadline_at": datetime.fromtimestamp(check.deadline, UTC),
            "waited_ms": found.pop("waited_ms", None),
            "run_ms": found.pop("run_ms", None),
            "total_ms": round(total_s * 1000),
        }
        self.measure(found["verdict"], total_s)
        dumped: dict[str, Any] = CheckSchema().dump({**found, "run_id": check.run_id, "timings": timings})
        return dumped

    def wait_in_thread(self) -> dict[str, Any]:
        """Return the answer of a server that is not ours: this thread waits for the events of the check."""
        after = "0"
        try:
            while self._left_s > 0:
                wait = min(_POLL, timedelta(seconds=math.ceil(self._left_s)))
                try:
                    events = self.state.broker.events.read(self.check.run_id, after=after, wait=wait)
                except BrokerUnavailable:
                    time.sleep(_LOOK_S)
                    continue
                if any(event.type == "done" for event in events):
                    break
                after = events[-1].id if events else after
            return self.document()
        finally:
            self.release()
            close_check(self.state, self.check)


async def _until_disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(body: bytes) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
