"""Tests wild zones one after the other in one process, and prints the costs of each run as JSON."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
from pathlib import Path
from typing import Any

from gonemaster_engine.memory import collect_rarely, limit_heaps, release_free_memory
from gonemaster_engine.net.wire.rdata import load_all_types
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import run_test
from tests.hostile._cost_child import MeasuredLoop, peak_mib
from tests.hostile._counting import settings
from tests.support.engine import loopback_profile


def reset_peak() -> None:
    """Set the peak memory of this process to its current memory."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


async def measured(options: argparse.Namespace, loop: MeasuredLoop) -> list[dict[str, Any]]:
    resources = Resources.open(root_hints=options.hints, dns_port=options.port, hot_cache_ttl_s=0, ipv6=False)
    profile, figures = loopback_profile(**settings(timeout_s=1.0, retrans_s=0.5)), []
    for zone in options.zones:
        gc.collect()
        release_free_memory()
        reset_peak()
        loop.longest_turn_s, cpu_s, begun = 0.0, time.thread_time(), time.monotonic()
        result = await run_test(
            zone, profile, resources=resources, deadline_s=options.deadline_s, is_urgent=True, with_chain=True
        )
        figures.append(
            {
                "zone": zone,
                "longest_turn_s": round(loop.longest_turn_s, 3),
                "cpu_s": round(time.thread_time() - cpu_s, 2),
                "duration_s": round(time.monotonic() - begun, 1),
                "rss_mib": round(peak_mib()),
                "entries": len(result.entries),
                "queries": result.queries,
                "faults": [entry.args["msg"] for entry in result.entries if entry.tag == "MODULE_ERROR"],
            }
        )
    await resources.close()
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("zones", nargs="+")
    parser.add_argument("--port", type=int)
    parser.add_argument("--hints")
    parser.add_argument("--deadline-s", type=float)
    limit_heaps()  # these three as a worker does
    load_all_types()
    collect_rarely(for_runs=True)
    with asyncio.Runner(loop_factory=MeasuredLoop) as runner:
        measured_loop = runner.get_loop()
        assert isinstance(measured_loop, MeasuredLoop)
        print(json.dumps(runner.run(measured(parser.parse_args(), measured_loop))))
