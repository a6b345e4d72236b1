"""The thread that leases packets in Redis for the event loop of a process, which must not wait for Redis."""

import asyncio
import os
import queue
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

from gonemaster_engine.net.pacing import LeaseRequest, Leases, LeaseTerms
from gonemaster_tasks.broker.address import BrokerAddress, parse_broker_url
from gonemaster_tasks.broker.politeness import Politeness
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.repeating import FailureLog

_STOP_S = 1.0  # A thread that waits longer for Redis does not delay the end of the process; an executor would.

_Request = tuple[Future[Leases | None], Callable[[], Leases | None]]


class RedisLeaseClient:
    """A lease client that requests leases from Redis under a unique process name."""

    def __init__(self, address: BrokerAddress, process: str) -> None:
        self._client = address.connect()
        self._politeness = Politeness(self._client)
        self._process = process
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._failures = FailureLog("politeness")
        self._thread = threading.Thread(target=self._serve, name="politeness", daemon=True)

    @classmethod
    def for_extra_process(cls, settings: Settings, kind: str) -> "RedisLeaseClient":
        """Create the lease client of a process that is not a worker."""
        return cls(parse_broker_url(settings.broker_url), f"{kind}-{os.getpid()}@{socket.gethostname()}")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; later requests get no reply."""
        self._requests.put(None)
        self._thread.join(timeout=_STOP_S)
        self._client.close()

    async def request(
        self, wants: Sequence[LeaseRequest], terms: LeaseTerms, *, limited: Sequence[str]
    ) -> Leases | None:
        """Request leases; return None while Redis is unavailable."""
        reply: Future[Leases | None] = Future()
        self._requests.put((reply, partial(self._grant, wants, terms, limited)))
        return await asyncio.wrap_future(reply)

    def _serve(self) -> None:
        while request := self._requests.get():
            reply, grant = request
            if reply.set_running_or_notify_cancel():
                reply.set_result(grant())

    def _grant(self, wants: Sequence[LeaseRequest], terms: LeaseTerms, limited: Sequence[str]) -> Leases | None:
        try:
            leases = self._politeness.grant(wants, terms, process=self._process)
            if limited:
                self._politeness.report(limited)
            self._failures.succeeded()
        except Exception as error:  # noqa: BLE001 - after any error the process keeps to its share
            self._failures.failed(error)
            return None
        return leases
