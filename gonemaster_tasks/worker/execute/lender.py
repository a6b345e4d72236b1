"""The thread that borrows packets in Redis for the event loop of a worker process, which must not wait for Redis."""

import asyncio
import os
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gonemaster_engine.net.ledger import Loans, Terms, Want
from gonemaster_tasks.broker.address import BrokerAddress, parse_broker_url
from gonemaster_tasks.broker.politeness import Politeness
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.repeating import FailureLog

_STOP_S = 1.0  # a thread that waits for Redis longer ends with the process


@dataclass(frozen=True)
class _Request:
    wants: Sequence[Want]
    terms: Terms
    answer: Callable[[Loans | None], object]  # may be called in any thread


@dataclass(frozen=True)
class _Report:
    limited: Sequence[str]


class RedisLender:
    """Asks the ledger in Redis for a process of this name, which no other one has."""

    def __init__(self, address: BrokerAddress, process: str) -> None:
        self._client = address.connect()
        self._ledger = Politeness(self._client)
        self._process = process
        self._tasks: queue.SimpleQueue[_Request | _Report | None] = queue.SimpleQueue()
        self._failures = FailureLog("politeness")
        self._thread = threading.Thread(target=self._serve, name="politeness", daemon=True)

    @classmethod
    def of_extra(cls, settings: Settings, kind: str) -> "RedisLender":
        """Make the lender of a process that is no worker."""
        return cls(parse_broker_url(settings.broker_url), f"{kind}-{os.getpid()}@{socket.gethostname()}")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what is asked later is never answered."""
        self._tasks.put(None)
        self._thread.join(timeout=_STOP_S)
        self._client.close()

    def ask(self, wants: Sequence[Want], terms: Terms, reply: Callable[[Loans | None], None]) -> None:
        """Ask for loans; `reply` is called in the running loop, with None while Redis is unavailable."""
        loop = asyncio.get_running_loop()

        def answer(loans: Loans | None) -> None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(reply, loans)

        self._tasks.put(_Request(wants, terms, answer))

    def report(self, limited: Sequence[str]) -> None:
        """Pass on where packets wait; lost while Redis is unavailable."""
        self._tasks.put(_Report(limited))

    def _serve(self) -> None:
        for task in self._waiting():
            try:
                if isinstance(task, _Report):
                    self._ledger.report(task.limited)
                else:
                    task.answer(self._ledger.lend(task.wants, task.terms, process=self._process))
                self._failures.succeeded()
            except Exception as error:  # noqa: BLE001 - whatever it is, the process keeps to its share
                self._failures.failed(error)
                if isinstance(task, _Request):
                    task.answer(None)

    def _waiting(self) -> Iterator[_Request | _Report]:
        while (task := self._tasks.get()) is not None:
            yield task
