"""Threads are admitted in order of arrival, and a thread that gives up does not take another thread's turn."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from gonemaster_db.core.connection.writer_queue import WriterQueue
from gonemaster_db.core.errors import StoreConflict, StoreUnavailable
from tests.support.threads import together
from tests.support.workers import wait_until

LONG = timedelta(seconds=60)


def are_waiting(writers: WriterQueue, count: int) -> bool:
    return len(writers._waiting) == count


def enter(writers: WriterQueue, served: list[int], number: int) -> None:
    with writers:
        served.append(number)


def test_threads_are_admitted_in_order_of_arrival() -> None:
    writers, served = WriterQueue(1, timeout=LONG, refusal=StoreConflict), list[int]()
    with ThreadPoolExecutor(6) as pool:
        with writers:
            for number in range(6):
                pool.submit(enter, writers, served, number)
                wait_until(partial(are_waiting, writers, number + 1), what="the thread waits")
            assert served == []
        enter(writers, served, 6)  # this thread arrives when a turn ends, and does not overtake
    assert served == list(range(7))


def test_no_more_than_the_limit_are_in_the_block() -> None:
    writers, inside, most = WriterQueue(3, timeout=LONG, refusal=StoreConflict), list[int](), list[int]()
    full = threading.Barrier(3)

    def work(number: int) -> None:
        for _ in range(200):
            with writers:
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    def meet() -> None:
        with writers:
            full.wait(30)  # three threads must be admitted at the same time, otherwise the barrier breaks

    assert together(meet, meet, meet) == [None] * 3
    together(*[lambda number=number: work(number) for number in range(8)])
    assert max(most) <= 3
    assert len(most) == 8 * 200


@pytest.mark.parametrize("refusal", [StoreConflict, StoreUnavailable])
def test_a_thread_that_waits_too_long_is_refused(refusal: type[Exception]) -> None:
    writers = WriterQueue(1, timeout=timedelta(milliseconds=20), refusal=refusal)  # type: ignore[arg-type]  # both are
    with ThreadPoolExecutor(1) as pool:
        with writers:
            refused: Future[None] = pool.submit(enter, writers, [], 1)
            assert isinstance(refused.exception(30), refusal)
        for number in range(3):
            enter(writers, [], number)  # the abandoned turn is not handed over


def test_a_turn_ends_with_an_exception() -> None:
    writers = WriterQueue(1, timeout=timedelta(milliseconds=20), refusal=StoreConflict)
    with pytest.raises(LookupError), writers:
        raise LookupError
    enter(writers, [], 1)
