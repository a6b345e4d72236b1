"""Requests of several threads are served in groups, each exactly once, and none waits for company."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import pytest

from gonemaster_tasks.worker.group_commit import GroupCommit
from tests.support.workers import wait_until


@dataclass
class Server:
    """Doubles numbers; keeps the first group until it is let go, and says what it served in which thread."""

    let_go: threading.Event = field(default_factory=threading.Event)
    groups: list[tuple[int, ...]] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.groups.append(tuple(items))
        self.threads.append(threading.get_ident())
        assert self.let_go.wait(30)
        if 13 in items:
            raise ValueError("unlucky")
        return [LookupError(str(item)) if item < 0 else 2 * item for item in items]


def are_pending(group_commit: "GroupCommit[int, int]", count: int) -> bool:
    return group_commit.pending == count


def all_together(
    pool: ThreadPoolExecutor, server: Server, items: Sequence[int], *, max_group: int
) -> list["Future[int]"]:
    """Submit the first item and, while it is under way, the others."""
    group_commit = GroupCommit(server, max_group=max_group)
    futures = [pool.submit(group_commit.submit, items[0])]
    wait_until(lambda: server.groups, what="the first is under way")
    for count, item in enumerate(items[1:], start=1):
        futures.append(pool.submit(group_commit.submit, item))
        wait_until(partial(are_pending, group_commit, count + 1), what="the others wait")
    server.let_go.set()
    return futures


@pytest.fixture
def pool() -> ThreadPoolExecutor:
    """Threads for all requests of a test."""
    return ThreadPoolExecutor(16)


def test_a_lone_request_is_served_at_once_by_its_own_thread() -> None:
    server = Server()
    server.let_go.set()
    group_commit = GroupCommit(server, max_group=8)
    assert [group_commit.submit(number) for number in (1, 2)] == [2, 4]
    assert server.groups == [(1,), (2,)]
    assert set(server.threads) == {threading.get_ident()}


def test_requests_that_come_meanwhile_are_served_together(pool: ThreadPoolExecutor) -> None:
    server = Server()
    futures = all_together(pool, server, [1, 2, 3, 4], max_group=8)
    assert [future.result(30) for future in futures] == [2, 4, 6, 8]
    assert server.groups == [(1,), (2, 3, 4)]


def test_no_group_is_larger_than_allowed(pool: ThreadPoolExecutor) -> None:
    server = Server()
    futures = all_together(pool, server, [1, 2, 3, 4, 5, 6], max_group=2)
    assert [future.result(30) for future in futures] == [2, 4, 6, 8, 10, 12]
    assert server.groups == [(1,), (2, 3), (4, 5), (6,)]


def test_an_exception_for_one_item_is_raised_to_its_thread_only(pool: ThreadPoolExecutor) -> None:
    futures = all_together(pool, Server(), [1, 2, -3, 4], max_group=8)
    assert isinstance(futures[2].exception(30), LookupError)
    assert [futures[number].result(30) for number in (0, 1, 3)] == [2, 4, 8]


def test_what_the_service_raises_is_raised_to_the_whole_group_and_the_next_is_served(pool: ThreadPoolExecutor) -> None:
    futures = all_together(pool, Server(), [1, 13, 2, 3], max_group=2)
    assert [isinstance(future.exception(30), ValueError) for future in futures] == [False, True, True, False]
    assert futures[3].result(30) == 6


def test_every_request_of_many_threads_is_served_once(pool: ThreadPoolExecutor) -> None:
    server = Server()
    server.let_go.set()
    group_commit = GroupCommit(server, max_group=5)
    numbers = [number for number in range(2000) if number != 13]
    assert list(pool.map(group_commit.submit, numbers)) == [2 * number for number in numbers]
    assert sorted(number for group in server.groups for number in group) == numbers
