"""Jobs leave nothing in the process of a worker: no objects, and no unused heap."""

from __future__ import annotations

import asyncio
import functools
import gc
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gonemaster_engine.net.wire.messages import query_body
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from gonemaster_tasks.worker.execute.runner import Listeners, TestOrder
from tests.support.dnsworld import World

MAX_SEPARATE = 8192  # cached results; otherwise memory grows until all caches are full
SOCKETS = "gonemaster_engine.net.udp"  # their number is bounded, and depends on the load of the machine
DOMAINS = ("good.xa", "expired.xa", "missing.xa")
SETTLED = 3  # rounds after which all one-time objects exist
ROUNDS = 6


def caches() -> dict[str, functools._lru_cache_wrapper[object]]:
    """Return our functions that cache their results."""
    # isinstance() fails for a weak proxy whose object is gone.
    found = [one for one in gc.get_objects() if type(one) is functools._lru_cache_wrapper]
    return {f"{one.__module__}.{one.__qualname__}": one for one in found if one.__module__.startswith("gonemaster")}


def endless() -> dict[str, int]:
    """Return the sizes of caches without a bound."""
    infos = {name: function.cache_info() for name, function in caches().items()}
    return {name: info.currsize for name, info in infos.items() if info.maxsize is None}


def project_objects() -> Counter[str]:
    """Count the objects of our classes by class."""
    gc.collect()
    kinds = [kind for kind in map(type, gc.get_objects()) if str(kind.__module__).startswith("gonemaster")]
    return Counter(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds if kind.__module__ != SOCKETS)


@pytest.mark.timeout(600)
def test_jobs_that_have_ended_leave_no_objects(demo_world: World, demo_hints: Path) -> None:
    settings = Settings(
        root_hints_path=demo_hints,
        dns_port=demo_world.port,
        allow_non_global=True,
        cross_job_hot_cache=False,
        timeout=2,
        retry=1,
    )

    async def whole() -> list[tuple[Counter[str], dict[str, int]]]:
        runner = EngineRunner(LiveSettings(settings))
        await runner.open()
        counts = []
        try:
            for number in range(SETTLED + ROUNDS):
                for domain in (*DOMAINS, f"gone-{number}.xa"):  # unique names: a cache by domain would grow
                    config = {"origin": "admin"}  # with its chain of trust, as for jobs that users submit
                    await runner.run(TestOrder(f"job_{number}", domain, config, None, 60.0), listeners())
                if number + 1 in {SETTLED, SETTLED + ROUNDS}:
                    await timers_are_over(runner)
                    query_body.cache_clear()  # this cache is bounded, and contains objects of ours
                    counts.append((project_objects(), endless()))
        finally:
            await runner.close()
        return counts

    (before, kept_before), (after, kept_after) = asyncio.run(whole())
    assert {kind: count for kind, count in (after - before).items() if count >= ROUNDS} == {}
    assert kept_before == kept_after
    sizes = {name: function.cache_info().maxsize or 0 for name, function in caches().items()}
    assert {name for name in sizes if name.startswith("gonemaster_engine") and sizes[name] > MAX_SEPARATE} == set()


async def timers_are_over(runner: EngineRunner) -> None:
    """Wait until the queue of time limits, which also contains finished queries until their limit, is empty."""
    resources = runner._resources
    assert resources is not None
    while resources.transport._deadlines._timers:  # noqa: ASYNC110 - nothing tells when they are over
        await asyncio.sleep(0.05)


def listeners() -> Listeners:
    return Listeners(lambda _percent: None, lambda _entry: None)


HEAPS = """
import sys
from pathlib import Path
from gonemaster_engine.memory import release_free_memory, limit_heaps

limit_heaps()
resident = lambda: int(Path("/proc/self/statm").read_text().split()[1])
blocks = [bytes(20_000) for _ in range(4_000)]  # as answers are: too large for Python's own blocks, small for mmap
kept = blocks[::50]
del blocks
before = resident()
release_free_memory()
print(resident() / before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc, and is of use with glibc")
def test_free_memory_between_what_is_in_use_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", HEAPS], capture_output=True, text=True, check=True, timeout=100)
    assert float(done.stdout) < 0.5
