"""Batch runs of hostile zones yield the event loop to a normal run, for which a person waits."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from pathlib import Path

import pytest

from gonemaster_engine import loop_time
from gonemaster_engine.loop_time import BatchTime, LoopTime
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import run_test
from tests.hostile._giants import GOOD_ZONE, ZONE, giant_world
from tests.support.engine import loopback_profile

BATCH_RUNS = 8
BUSY_S = 0.5  # processor time of the batch runs before the first normal run
RUNS = 4
TIMES = 8  # ratio of the processor time of all runs to that of the normal runs; without rests it is about 30


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["large_sets", "policies"])
def test_batch_runs_get_little_processor_time_during_a_normal_run(kind: str, tmp_path: Path) -> None:
    async def figures(hints: Path, port: int) -> tuple[float, float]:
        resources = Resources.open(root_hints=hints, dns_port=port, hot_cache_ttl_s=0, ipv6=False)

        async def test(zone: str, *, is_urgent: bool) -> float:
            begun = time.thread_time()
            await run_test(zone, loopback_profile(), resources=resources, is_urgent=is_urgent, deadline_s=60.0)
            return time.thread_time() - begun

        async def keep_testing() -> None:
            while True:
                await test(ZONE, is_urgent=False)

        await test(GOOD_ZONE, is_urgent=True)
        alone = sum([await test(GOOD_ZONE, is_urgent=True) for _ in range(RUNS)])
        begun = time.thread_time()
        batch = [asyncio.create_task(keep_testing()) for _ in range(BATCH_RUNS)]
        while time.thread_time() - begun < BUSY_S:  # noqa: ASYNC110 - the processor time has no event
            await asyncio.sleep(0.01)
        beside = sum([await test(GOOD_ZONE, is_urgent=True) for _ in range(RUNS)])
        for run in batch:
            run.cancel()
        await asyncio.gather(*batch, return_exceptions=True)
        await resources.close()
        return alone, beside

    with giant_world(kind) as world:
        alone, beside = asyncio.run(figures(world.write_hints(tmp_path / "root.hints"), world.port))
    assert beside <= TIMES * alone


@pytest.mark.parametrize(("normal_runs", "pause_s"), [(0, 0.0), (1, 0.2)])
def test_after_work_that_cannot_be_divided_batch_runs_rest(
    normal_runs: int, pause_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of 30 ms on the simulated clocks of the module; parts of normal runs do not wait."""
    cpu_s = 0.0
    monkeypatch.setattr(loop_time, "thread_time", lambda: cpu_s)
    monkeypatch.setattr(loop_time, "monotonic", lambda: time.monotonic() + cpu_s)
    begun_at: list[float] = []

    async def work(turns: LoopTime) -> None:
        nonlocal cpu_s
        await turns.wait()
        begun_at.append(asyncio.get_running_loop().time())
        cpu_s += 0.03
        turns.spend(loop_time.MAX_SPENT_US)

    async def whole() -> int:
        turns = LoopTime()
        batch_turns = BatchTime(turns)
        turns.normal_runs.count = normal_runs
        assert not batch_turns.is_over  # begins a turn
        batch = [asyncio.create_task(work(batch_turns)) for _ in range(4)]
        await asyncio.sleep(0)
        for _ in range(20):
            await turns.wait()
            turns.spend(loop_time.MAX_SPENT_US)
        done = len(begun_at)
        await asyncio.gather(*batch)
        return done

    done_meanwhile = asyncio.run(whole())
    pauses = [after - before for before, after in pairwise(begun_at)]
    assert len(pauses) == 3
    assert min(pauses) >= pause_s
    assert normal_runs == 0 or done_meanwhile < len(begun_at)


def test_batch_runs_continue_while_normal_runs_use_all_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rest has a maximum, and after it at least one task continues."""
    monkeypatch.setattr(loop_time, "MAX_REST_S", 0.01)

    async def whole() -> None:
        turns = LoopTime()
        batch_turns = BatchTime(turns)
        turns.normal_runs.count = 1
        is_done = False

        async def work() -> None:
            nonlocal is_done
            for _ in range(5):
                batch_turns.spend(loop_time.MAX_SPENT_US)
                await batch_turns.wait()
            is_done = True

        task = asyncio.create_task(work())
        async with asyncio.timeout(30):
            while not is_done:
                turns.spend(loop_time.MAX_SPENT_US)
                await turns.wait()
            await task

    asyncio.run(whole())
