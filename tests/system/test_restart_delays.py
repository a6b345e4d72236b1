"""The delay before the supervisor restarts a process."""

import os
import sys
import threading

import pytest

from gonemaster_api.server.supervisor.child import HEALTHY_AFTER_S, MAX_DELAY_S, Child, Program

pytestmark = pytest.mark.core  # starts nothing


def child() -> Child:
    program = Program(name="one", command=(sys.executable, "-c", ""), environ=os.environ, stop_timeout_s=1)
    ended = threading.Event()
    made = Child(program, lambda *_: ended.set())
    made.start()
    assert ended.wait(60)
    return made


def test_a_process_restarts_immediately_and_after_longer_delays_if_it_fails_again() -> None:
    ends = child()
    delays = [ends.delay_before_restart() for _ in range(12)]
    assert delays[:4] == [0, 0.5, 1, 2]
    assert delays[-1] == MAX_DELAY_S
    ends.started -= HEALTHY_AFTER_S + 1
    assert ends.delay_before_restart() == 0
