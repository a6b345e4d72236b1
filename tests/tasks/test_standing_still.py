"""Runs that only wait for name servers give way to others; those of a busy loop do not."""

import asyncio

import pytest

from gonemaster_tasks.worker.execute import standing_still
from gonemaster_tasks.worker.execute.standing_still import StandingStill

IN_TIME = 0.0
LATE = 1.0


def look(still: StandingStill, *lateness: float) -> None:
    for late_s in lateness:
        still.look(late_s=late_s)


def test_only_a_loop_with_time_to_spare_has_runs_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    async def whole() -> None:
        monkeypatch.setattr(standing_still, "TICK_S", 3600.0)  # looks are those of the test
        monkeypatch.setattr(standing_still, "STILL_S", 0.0)
        monkeypatch.setattr(standing_still, "_MOST_MEMORY", 1 << 40)  # this process has run many tests
        still, asked = StandingStill(), []

        def give_way() -> bool:
            asked.append("asked")
            return len(asked) > 1

        with still.watch(give_way):
            look(still, IN_TIME, IN_TIME, IN_TIME, LATE, IN_TIME, IN_TIME, IN_TIME)
            assert not asked
            look(still, IN_TIME)
            assert asked == ["asked"]
            look(still, LATE, IN_TIME)
            assert asked == ["asked"]
            look(still, IN_TIME, IN_TIME, IN_TIME)
            assert asked == ["asked"] * 2
            look(still, IN_TIME)  # it has given way
            assert asked == ["asked"] * 2

    asyncio.run(whole())


def test_a_run_that_moves_on_or_has_ended_or_wants_much_memory_does_not_give_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def whole() -> None:
        monkeypatch.setattr(standing_still, "TICK_S", 3600.0)
        monkeypatch.setattr(standing_still, "STILL_S", 3600.0)
        still, asked = StandingStill(), []

        def give_way() -> bool:
            asked.append("asked")
            return True

        with still.watch(give_way) as moved:
            moved()
            look(still, *[IN_TIME] * 5)
            monkeypatch.setattr(standing_still, "STILL_S", 0.0)
            monkeypatch.setattr(standing_still, "_MOST_MEMORY", 1)
            look(still, IN_TIME)
        monkeypatch.setattr(standing_still, "_MOST_MEMORY", 1 << 40)
        look(still, IN_TIME)
        assert not asked

    asyncio.run(whole())
