"""Runs that wait only for name servers yield their slots; runs that wait for a busy event loop do not."""

import asyncio

import pytest

from gonemaster_tasks.worker.execute import stalls
from gonemaster_tasks.worker.execute.stalls import StallDetector

IN_TIME = 0.0
LATE = 1.0


def check(detector: StallDetector, *lateness: float) -> None:
    for late_s in lateness:
        detector.check(late_s=late_s)


def test_only_a_loop_with_time_to_spare_has_runs_yield_their_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    async def whole() -> None:
        monkeypatch.setattr(stalls, "TICK_S", 3600.0)  # the test triggers the checks
        monkeypatch.setattr(stalls, "STALLED_S", 0.0)
        monkeypatch.setattr(stalls, "MAX_MEMORY", 1 << 40)  # this process has run many tests
        detector, asked = StallDetector(), []

        def yield_slot() -> bool:
            asked.append("asked")
            return len(asked) > 1

        with detector.track(yield_slot):
            check(detector, IN_TIME, IN_TIME, IN_TIME, LATE, IN_TIME, IN_TIME, IN_TIME)
            assert not asked
            check(detector, IN_TIME)
            assert asked == ["asked"]
            check(detector, LATE, IN_TIME)
            assert asked == ["asked"]
            check(detector, IN_TIME, IN_TIME, IN_TIME)
            assert asked == ["asked"] * 2
            check(detector, IN_TIME)  # it has yielded
            assert asked == ["asked"] * 2

    asyncio.run(whole())


def test_a_run_that_moves_on_has_ended_or_wants_much_memory_keeps_its_slot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def whole() -> None:
        monkeypatch.setattr(stalls, "TICK_S", 3600.0)
        monkeypatch.setattr(stalls, "STALLED_S", 3600.0)
        detector, asked = StallDetector(), []

        def yield_slot() -> bool:
            asked.append("asked")
            return True

        with detector.track(yield_slot) as moved:
            moved()
            check(detector, *[IN_TIME] * 5)
            monkeypatch.setattr(stalls, "STALLED_S", 0.0)
            monkeypatch.setattr(stalls, "MAX_MEMORY", 1)
            check(detector, IN_TIME)
        monkeypatch.setattr(stalls, "MAX_MEMORY", 1 << 40)
        check(detector, IN_TIME)
        assert not asked

    asyncio.run(whole())
