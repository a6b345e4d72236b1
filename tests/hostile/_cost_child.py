"""Tests zones in a separate process and prints their costs as JSON.

The processor time of the event loop's thread is used instead of elapsed time: it does not depend on other load on the
machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

from gonemaster_engine.memory import collect_rarely
from gonemaster_engine.net.wire.rdata import load_all_types
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import DSInfo, run_test
from tests.support.engine import loopback_profile


class MeasuredLoop(asyncio.SelectorEventLoop):
    """An event loop that measures its iterations, and their total from a given moment, in its thread's processor
    time."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_turn_s = 0.0
        self.at_mark_s = 0.0

    def _run_once(self) -> None:
        before = time.thread_time()
        super()._run_once()  # type: ignore[misc] # one turn: waits for events and calls what is ready
        self.longest_turn_s = max(self.longest_turn_s, time.thread_time() - before)

    def mark(self) -> None:
        self.at_mark_s = time.thread_time()

    @property
    def since_mark_s(self) -> float:
        return time.thread_time() - self.at_mark_s if self.at_mark_s else 0.0


def peak_mib() -> float:
    """Return the peak memory of the process. (`ru_maxrss` also counts the memory of its parent before exec.)"""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


async def measured(options: argparse.Namespace, loop: MeasuredLoop) -> dict[str, Any]:
    resources = Resources.open(root_hints=options.hints, dns_port=options.port, hot_cache_ttl_s=0, ipv6=options.ipv6)
    loop.longest_turn_s = 0.0  # the imports are finished
    runs = [asyncio.create_task(tested(zone, resources, options)) for zone in options.zones]
    if options.cancel_after_s:
        loop.call_later(options.cancel_after_s, loop.mark)
        for run in runs:
            loop.call_later(options.cancel_after_s, run.cancel)
    else:
        loop.call_later(options.deadline_s, loop.mark)
    results = await asyncio.gather(*runs, return_exceptions=True)
    figures = {
        "longest_turn_s": loop.longest_turn_s,
        "late_s": loop.since_mark_s,
        "runs": [result for result in results if isinstance(result, dict)],
        "rss_mib": peak_mib(),
    }
    await resources.close()
    return figures


async def tested(zone: str, resources: Resources, options: argparse.Namespace) -> dict[str, Any]:
    supplied = json.loads(options.supplied.read_text()) if options.supplied else {"nameservers": (), "ds": ()}
    result = await run_test(
        zone,
        loopback_profile(),
        resources=resources,
        deadline_s=options.deadline_s,
        nameservers=[(name, address) for name, address in supplied["nameservers"]],
        ds=[DSInfo(*each) for each in supplied["ds"]],
        is_urgent=options.urgent,
    )
    limits = [entry.args["limits"] for entry in result.entries if entry.tag == "RUN_LIMIT_REACHED"]
    return {
        "zone": zone,
        "duration_s": result.duration_s,
        "entries": len(result.entries),
        "queries": result.queries,
        "unfinished": result.unfinished,
        "limits": [each["limit"] for found in limits for each in found],
        "faults": [entry.args["msg"] for entry in result.entries if entry.tag == "MODULE_ERROR"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("zones", nargs="+")
    parser.add_argument("--port", type=int)
    parser.add_argument("--hints")
    parser.add_argument("--deadline-s", type=float)
    parser.add_argument("--cancel-after-s", type=float, default=0.0)
    parser.add_argument("--ipv6", action="store_true")
    parser.add_argument("--urgent", action="store_true", help="normal runs instead of batch runs")
    parser.add_argument("--supplied", type=Path, help="JSON: pairs in nameservers, key tag and more in ds")
    load_all_types()  # both as a worker does
    collect_rarely(for_runs=True)
    with asyncio.Runner(loop_factory=MeasuredLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, MeasuredLoop)
        print(json.dumps(runner.run(measured(parser.parse_args(), loop))))
