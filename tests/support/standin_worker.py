"""A worker process whose engine is a stand-in: the domain name says what the run does.

`NAME-<ms>.test` sleeps that long, `still-<ms>.test` yields its slot for that time, `fail.test` raises,
`stubborn-<ms>.test` reports no progress, `poison.test` has a result that cannot be stored. DEADLY lists the actions
that end or stall the process. Each start is a JSON line in the file that GONEMASTER_TEST_STARTS names.
"""

import asyncio
import ctypes
import json
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gonemaster_db.core.records import EntryRecord
from gonemaster_tasks.worker.execute import process_identity
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder

ENTRIES = 3


def _fill_memory() -> None:
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


DEADLY: dict[str, Callable[[], object]] = {
    "segfault": lambda: ctypes.string_at(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),  # as the kernel does when memory is short
    "exit": lambda: os._exit(3),
    "block": lambda: time.sleep(3600),
    "spin": lambda: re.match(r"(a+)+$", "a" * 60 + "b"),  # holds the GIL
    "hold": lambda: ctypes.PyDLL(None).sleep(3600),  # holds the GIL, too
    "memory": _fill_memory,
}
"""Actions of a job that end or stall its process, by the prefix of its domain."""


class StandIn:
    """An engine that does nothing except take time."""

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def run(self, order: TestOrder, listeners: Listeners) -> RunOutcome:
        _note_start(order)
        if order.domain.startswith("fail"):
            raise RuntimeError("the engine broke")
        listeners.on_progress(10)
        kind = order.domain.removesuffix(".test").partition("-")[0]
        if kind in DEADLY:
            DEADLY[kind]()
        sleeping = asyncio.create_task(asyncio.sleep(_duration_s(order.domain)))
        while kind == "still" and not listeners.on_stall():
            await asyncio.wait([sleeping], timeout=0.05)
        await sleeping
        module: Any = None if order.domain.startswith("poison") else "BASIC"
        entries = [
            EntryRecord(number / 10, module, "basic01", "B01_CHILD_FOUND", "INFO", {"domain": order.domain})
            for number in range(ENTRIES)
        ]
        for entry in entries:
            listeners.on_entry(entry)
        return RunOutcome(entries, effective_profile={"no_network": False}, score=100, grade="A")


def _duration_s(domain: str) -> float:
    number = domain.removesuffix(".test").rpartition("-")[2]
    return int(number) / 1000 if number.isdigit() else 0.0


def _note_start(order: TestOrder) -> None:
    # All processes of this machine share the monotonic clock, also those with a wrong wall clock.
    when = {"at": time.time(), "steady": time.monotonic()}
    what = {"job_id": order.job_id, "domain": order.domain, "pid": os.getpid(), "host": socket.gethostname()}
    line = json.dumps(what | when)
    with Path(os.environ["GONEMASTER_TEST_STARTS"]).open("a") as file:
        file.write(line + "\n")


def _set_clock_wrong(offset_s: float) -> None:
    """Give all Python code of this process a wrong wall clock: ours, kombu's and Celery's."""
    right = time.time
    time.time = lambda: right() + offset_s


def _pretend_another_machine(name: str) -> None:
    """Hide the death of this process from all others."""
    if name:
        process_identity.machine_id = lambda: name


def _poll_nothing() -> None:
    """Stop the consumer of this process from polling any queue, as if Redis had lost its request."""
    from gonemaster_tasks.worker.consume.tier_order import TierOrder

    consume: Any = TierOrder.consume
    TierOrder.consume = lambda order, n: consume(order, n)[:0]  # type: ignore[method-assign, assignment]  # a fault


if __name__ == "__main__":
    if "GONEMASTER_TEST_DEAF" in os.environ:
        _poll_nothing()
    _pretend_another_machine(os.environ.get("GONEMASTER_TEST_MACHINE", ""))
    _set_clock_wrong(float(os.environ.get("GONEMASTER_TEST_CLOCK_OFFSET_S", "0")))
    from gonemaster_tasks.worker.main import main

    sys.exit(main(runner=StandIn()))
