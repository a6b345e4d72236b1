"""A worker process whose engine is a stand-in: the domain name says what the run does.

`NAME-<ms>.test` sleeps that long, `fail.test` raises, `stubborn-<ms>.test` reports no progress, `poison.test` finds
what cannot be stored. Each start is a JSON line in the file that GONEMASTER_TEST_STARTS names.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from gonemaster_db.records import EntryRecord
from gonemaster_tasks.worker.main import main
from gonemaster_tasks.worker.runner import Listeners, Outcome, TestOrder

ENTRIES = 3


class StandIn:
    """Runs nothing but keeps the time."""

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def run(self, order: TestOrder, listeners: Listeners) -> Outcome:
        _note_start(order)
        if order.domain.startswith("fail"):
            raise RuntimeError("the engine broke")
        listeners.on_progress(10)
        await asyncio.sleep(_duration_s(order.domain))
        module: Any = None if order.domain.startswith("poison") else "BASIC"
        entries = [
            EntryRecord(number / 10, module, "basic01", "B01_CHILD_FOUND", "INFO", {"domain": order.domain})
            for number in range(ENTRIES)
        ]
        for entry in entries:
            listeners.on_entry(entry)
        return Outcome(entries, effective_profile={"no_network": False}, score=100, grade="A")


def _duration_s(domain: str) -> float:
    number = domain.removesuffix(".test").rpartition("-")[2]
    return int(number) / 1000 if number.isdigit() else 0.0


def _note_start(order: TestOrder) -> None:
    line = json.dumps({"job_id": order.job_id, "domain": order.domain, "at": time.time(), "pid": os.getpid()})
    with Path(os.environ["GONEMASTER_TEST_STARTS"]).open("a") as file:
        file.write(line + "\n")


def _set_clock_wrong(offset_s: float) -> None:
    """Let all Python code of this process read a wrong wall clock: ours, kombu's and Celery's."""
    right = time.time
    time.time = lambda: right() + offset_s


if __name__ == "__main__":
    _set_clock_wrong(float(os.environ.get("GONEMASTER_TEST_CLOCK_OFFSET_S", "0")))
    sys.exit(main(runner=StandIn()))
