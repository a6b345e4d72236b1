"""One timer runs the repeated tasks of a process; a waiting task does not delay the others."""

import math
import os
import threading
from collections.abc import Callable, Iterator

import pytest

from gonemaster_tasks.repeating import RepeatedTask
from tests.support.workers import wait_until

OFTEN_S = 0.01
Make = Callable[..., RepeatedTask]


@pytest.fixture
def make() -> Iterator[Make]:
    """Create tasks that end with the test."""
    made: list[RepeatedTask] = []

    def build(work: Callable[[], object], *, pause_s: float = OFTEN_S, is_quick: bool = False) -> RepeatedTask:
        made.append(RepeatedTask(f"task {len(made)}", work, pause_s=pause_s, is_quick=is_quick))
        return made[-1]

    yield build
    for task in made:
        task.stop()


def timer_threads() -> int:
    return sum(thread.name == "timer" for thread in threading.enumerate())


def test_a_task_that_is_woken_does_not_wait_for_its_time(make: Make) -> None:
    calls: list[int] = []
    task = make(lambda: calls.append(1), pause_s=math.inf)
    task.start()
    assert task.alive
    task.wake()
    wait_until(lambda: len(calls) == 1)
    task.stop()
    assert (task.alive, len(calls)) == (False, 1)


def test_a_task_that_is_woken_during_its_call_is_called_again(make: Make) -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(1)
        if len(calls) == 1:
            task.wake()

    task = make(work, pause_s=3600)
    task.start(at_once=True)
    wait_until(lambda: len(calls) == 2)


def test_tasks_that_wait_delay_no_other_task_and_leave_no_threads(make: Make) -> None:
    go_on, waiting, ticks = threading.Event(), threading.Semaphore(0), []

    def wait() -> None:
        waiting.release()
        go_on.wait()

    for _ in range(8):
        make(wait).start(at_once=True)
    for _ in range(8):
        assert waiting.acquire(timeout=60)
    make(lambda: ticks.append(1)).start()
    wait_until(lambda: len(ticks) >= 20, what="the task beside them is repeated")
    assert timer_threads() >= 9
    go_on.set()
    wait_until(lambda: timer_threads() <= 2, what="the others end")


def test_a_quick_task_is_called_while_no_thread_can_be_made(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    quick: list[int] = []
    make(lambda: quick.append(1), is_quick=True).start()
    wait_until(lambda: bool(quick))
    go_on, start = threading.Event(), threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "timer":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(4):
        make(go_on.wait).start(at_once=True)
    count = len(quick)
    wait_until(lambda: len(quick) > count + 20, what="the quick task is repeated")
    monkeypatch.undo()
    go_on.set()


def test_a_task_is_never_called_twice_at_the_same_time(make: Make) -> None:
    calls: list[int] = []
    overlaps: list[int] = []
    inside = threading.Lock()

    def work() -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(1)
            return
        task.wake()
        threading.Event().wait(OFTEN_S)
        calls.append(1)
        inside.release()

    task = make(work)
    task.start()
    wait_until(lambda: len(calls) >= 10)
    assert not overlaps


def test_who_stops_a_task_waits_for_its_call(make: Make) -> None:
    begun, ended = threading.Event(), []

    def work() -> None:
        begun.set()
        threading.Event().wait(0.1)
        ended.append(1)

    task = make(work)
    task.start(at_once=True)
    assert begun.wait(60)
    task.stop()
    assert ended
    count = len(ended)
    task.wake()
    other: list[int] = []
    make(lambda: other.append(1)).start()
    wait_until(lambda: len(other) >= 10)
    assert len(ended) == count


def test_a_child_process_has_a_separate_timer(make: Make) -> None:
    make(lambda: None).start()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        RepeatedTask("of the child", lambda: os.write(writing, b"x"), pause_s=OFTEN_S).start()
        threading.Event().wait(60)
        os._exit(0)
    assert os.read(reading, 1) == b"x"
    os.kill(child, 9)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
