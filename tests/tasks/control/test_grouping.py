"""Items of concurrent callers are processed together, each with a separate result."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from gonemaster_tasks.control.grouping import Groups
from tests.support.workers import wait_until


class Work:
    """Records the groups; its first call waits until it is released. Odd numbers are rejected."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go_on = threading.Event()

    def __call__(self, items: Sequence[int]) -> list[str | BaseException]:
        self.groups.append(list(items))
        self.go_on.wait(20)
        if items == [99]:
            raise KeyError(99)
        return [ValueError(item) if item % 2 else str(item) for item in items]


def test_who_comes_while_others_are_at_work_is_done_in_one_group() -> None:
    work, groups = Work(), Groups[int, str](maximum=10)
    with ThreadPoolExecutor(32) as threads:
        futures = [threads.submit(groups.do, 0, work)]
        wait_until(lambda: work.groups == [[0]])
        futures += [threads.submit(groups.do, number, work) for number in range(1, 26)]
        wait_until(lambda: len(groups._waiting) == 25)
        work.go_on.set()
        for number, future in enumerate(futures):
            if number % 2:
                with pytest.raises(ValueError, match=str(number)):
                    future.result()
            else:
                assert future.result() == str(number)
    assert [len(group) for group in work.groups] == [1, 10, 10, 5]
    assert sorted(item for group in work.groups for item in group) == list(range(26))


def test_an_error_of_the_work_is_that_of_all_and_the_next_ones_are_done() -> None:
    work, groups = Work(), Groups[int, str](maximum=10)
    work.go_on.set()
    with pytest.raises(KeyError):
        groups.do(99, work)
    assert groups.do(2, work) == "2"


def test_nothing_is_lost_or_mixed_up_between_many_threads() -> None:
    groups = Groups[int, int](maximum=7)
    with ThreadPoolExecutor(16) as threads:
        results = list(
            threads.map(lambda number: groups.do(number, lambda items: [-item for item in items]), range(3000))
        )
    assert results == [-number for number in range(3000)]


def test_items_wait_for_a_complete_group() -> None:
    work, groups = Work(), Groups[int, str](maximum=10)
    work.go_on.set()
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(groups.do, number, work, wait_s=60, expected=4) for number in range(0, 8, 2)]
    assert [future.result() for future in futures] == ["0", "2", "4", "6"]
    assert [sorted(group) for group in work.groups] == [[0, 2, 4, 6]]
    assert groups.do(8, work, wait_s=0.01, expected=4) == "8"  # no other item joins
    assert work.groups[1:] == [[8]]


def test_an_item_that_cannot_wait_ends_the_wait_of_the_others() -> None:
    work, groups = Work(), Groups[int, str](maximum=10)
    work.go_on.set()
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(groups.do, 2, work, wait_s=60, expected=5)
        wait_until(lambda: len(groups._waiting) == 1)
        assert groups.do(4, work) == "4"
        assert waiting.result() == "2"
    assert work.groups == [[2, 4]]
