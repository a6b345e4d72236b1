"""Turns of the event loop: work waits in order, and some of it is done in each turn."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from gonemaster_engine.loop_time import MAX_SPENT_US, LoopTime


def test_parts_are_done_at_once_while_a_turn_has_time_and_then_in_order() -> None:
    async def whole() -> list[int]:
        turns, done = LoopTime(), list[int]()

        def part(number: int) -> None:
            done.append(number)
            turns.spend(MAX_SPENT_US)

        for number in range(5):
            turns.call(lambda number=number: part(number))  # type: ignore[misc] # mypy cannot infer the lambda
        assert done == [0]
        seen = [list(done)]
        while len(done) < 5:
            await asyncio.sleep(0)
            seen.append(list(done))
        assert all(len(after) - len(before) <= 1 for before, after in pairwise(seen))
        return done

    assert asyncio.run(whole()) == [0, 1, 2, 3, 4]


def test_each_turn_lets_a_task_continue_even_if_no_time_is_left() -> None:
    async def work(turns: LoopTime, done: list[int], number: int) -> None:
        await turns.wait()
        done.append(number)
        turns.spend(10 * MAX_SPENT_US)

    async def whole() -> None:
        turns, done = LoopTime(), list[int]()
        turns.spend(MAX_SPENT_US)
        tasks = [asyncio.create_task(work(turns, done, number)) for number in range(20)]
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)
        assert sorted(done) == list(range(20))

    asyncio.run(whole())


def test_the_end_of_a_run_comes_first() -> None:
    async def work(turns: LoopTime, done: list[str], name: str, *, is_first: bool) -> None:
        await turns.wait(is_first=is_first)
        done.append(name)
        turns.spend(MAX_SPENT_US)

    async def whole() -> list[str]:
        turns, done = LoopTime(), list[str]()
        tasks = [asyncio.create_task(work(turns, done, str(number), is_first=False)) for number in range(3)]
        tasks.append(asyncio.create_task(work(turns, done, "end", is_first=True)))
        await asyncio.gather(*tasks)
        return done

    assert asyncio.run(whole())[:2] == ["0", "end"]
