"""Work of other runs yields to urgent runs in one event loop, and never stops."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Self

import pytest

from gonemaster_engine.priority import MAX_HOLD_S, QUANTUM_S, LoopPriority, priority_of

OTHERS = 400  # tasks of other runs, always ready
WAITS = 30  # of the urgent run, one after the other


def in_loop(work: Coroutine[Any, Any, None]) -> LoopPriority:
    """Run a coroutine, with the task factory of the priority."""
    loop = asyncio.new_event_loop()
    priority = priority_of(loop)
    loop.set_task_factory(priority.make_task)
    try:
        loop.run_until_complete(work)
    finally:
        loop.close()
    return priority


class Others:
    """Tasks of another run that are always ready; each step takes as long as a quantum."""

    def __init__(self) -> None:
        self.steps = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def _work(self) -> None:
        priority = priority_of(asyncio.get_running_loop())
        while True:
            self.steps += 1
            priority.note_work(QUANTUM_S, is_urgent=False)  # instead of the time, which would depend on the machine
            await asyncio.sleep(0)

    async def __aenter__(self) -> Self:
        with priority_of(asyncio.get_running_loop()).run(is_urgent=False):
            self._tasks = [asyncio.ensure_future(self._work()) for _ in range(OTHERS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def wait_often() -> None:
    """Wait for events of the loop, as a run waits for responses, and do some steps after each."""
    loop = asyncio.get_running_loop()
    for _ in range(WAITS):
        answer = loop.create_future()
        loop.call_soon(answer.set_result, None)
        await answer
        await asyncio.sleep(0)


@pytest.mark.parametrize("is_urgent", [True, False])
def test_an_urgent_run_does_not_wait_for_all_that_others_have_ready(is_urgent: bool) -> None:
    steps = 0

    async def work() -> None:
        nonlocal steps
        async with Others() as others:
            with priority_of(asyncio.get_running_loop()).run(is_urgent=is_urgent):
                before = others.steps
                await asyncio.ensure_future(wait_often())
                steps = others.steps - before

    in_loop(work())
    if is_urgent:
        assert steps < OTHERS + 3 * WAITS  # the first turn had begun
    else:
        assert steps > OTHERS * WAITS


def test_others_go_on_while_urgent_runs_always_have_work() -> None:
    async def work() -> None:
        async with Others() as others:
            with priority_of(asyncio.get_running_loop()).run(is_urgent=True):
                busy = asyncio.ensure_future(always_ready())
                await asyncio.sleep(2 * MAX_HOLD_S)
                before = others.steps
                while others.steps < before + 5:  # noqa: ASYNC110 - the loop itself is what is waited for
                    await asyncio.sleep(MAX_HOLD_S / 10)
                busy.cancel()

    async def always_ready() -> None:
        while True:  # noqa: ASYNC110 - it is always ready
            await asyncio.sleep(0)

    in_loop(work())


def test_held_work_ends_with_its_result_its_error_or_its_cancellation() -> None:
    caught: list[str] = []

    async def waiting() -> str:
        try:
            async with asyncio.timeout(3600):
                await asyncio.sleep(3600)
        except asyncio.CancelledError:
            caught.append("cancelled")
            raise
        return ""

    async def failing() -> None:
        await asyncio.sleep(0)
        raise ValueError("as expected")

    async def group() -> str:
        async with asyncio.TaskGroup() as tasks:
            made = tasks.create_task(asyncio.sleep(0, "result"), name="named")
        return f"{made.get_name()} {made.result()}"

    async def late() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.sleep(3600)

    async def work() -> None:
        priority = priority_of(asyncio.get_running_loop())
        with priority.run(is_urgent=False):
            waits, fails, groups, times_out = map(asyncio.ensure_future, (waiting(), failing(), group(), late()))
        with priority.run(is_urgent=True):
            assert await asyncio.ensure_future(asyncio.sleep(0, "urgent")) == "urgent"
            await asyncio.wait([fails, groups, times_out])
            waits.cancel()
            await asyncio.wait([waits])
        assert (str(fails.exception()), groups.result(), times_out.exception()) == ("as expected", "named result", None)
        assert waits.cancelled()

    in_loop(work())
    assert caught == ["cancelled"]


def test_a_task_that_is_cancelled_while_it_is_held_does_not_begin() -> None:
    begun = False

    async def begin() -> None:
        nonlocal begun
        begun = True

    async def work() -> None:
        priority = priority_of(asyncio.get_running_loop())
        with priority.run(is_urgent=False):
            held = asyncio.ensure_future(begin())
        with priority.run(is_urgent=True):
            priority.note_work(QUANTUM_S, is_urgent=False)
            await asyncio.sleep(0)
            held.cancel()
            await asyncio.wait([held])
        assert held.cancelled()

    in_loop(work())
    assert not begun


def test_without_urgent_runs_nothing_waits() -> None:
    async def work() -> None:
        priority = priority_of(asyncio.get_running_loop())
        with priority.run(is_urgent=False):
            priority.note_work(10 * QUANTUM_S, is_urgent=False)
            assert not priority.holds_others

    in_loop(work())
