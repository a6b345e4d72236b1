"""A program that does not become ready within `start_timeout` ends the start of the service."""

from datetime import timedelta

import pytest

from gonemaster_api.server.supervisor.child import Program
from gonemaster_api.server.supervisor.tree import StartFailed, Supervisor
from gonemaster_tasks.config.loader import load_settings


def test_a_program_that_is_not_ready_in_time_ends_the_start() -> None:
    never = Program(name="never", command=("sleep", "60"), environ={}, stop_timeout_s=5, ready=lambda: False)
    timeout = load_settings({"start_timeout": "1s"}, {}).start_timeout
    assert timeout == timedelta(seconds=1)
    with pytest.raises(StartFailed, match="never is not ready after 1 s"):
        Supervisor([[never]], ready_timeout=timeout).run()
