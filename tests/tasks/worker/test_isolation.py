"""Processes of single jobs: how they start, how they end, and which starts do not count as attempts."""

import os
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.queues import NORMAL
from gonemaster_tasks.worker.consume.gate import Gate
from gonemaster_tasks.worker.execute import isolated_run, isolation
from gonemaster_tasks.worker.execute.fork_server import ForkServer, ForkServerLost
from gonemaster_tasks.worker.execute.isolation import (
    IsolatedProcessEnded,
    IsolatedProcessLost,
    IsolatedRunFailed,
    Isolation,
)
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder
from gonemaster_tasks.worker.execute.running import RunningJob, Stop
from tests.support.standin_worker import ENTRIES, StandIn
from tests.support.workers import Farm, wait_until

FORKED = "ignore:This process:DeprecationWarning"  # pytest-xdist has threads
pytestmark = pytest.mark.filterwarnings(FORKED)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    """A fork server whose processes run the stand-in."""
    monkeypatch.setenv("GONEMASTER_TEST_STARTS", str(tmp_path / "starts.jsonl"))
    made = ForkServer.start(partial(isolated_run.main, make_runner=lambda _: StandIn()))
    yield made
    made.stop()


def run_alone(server: ForkServer, domain: str, running: RunningJob | None = None) -> RunOutcome | None:
    order = TestOrder("job_1", domain, {}, None, deadline_s=60)
    gate = Gate(slots=4, reserved_normal=0, clock=SharedClock())
    silent = Listeners(lambda _: None, lambda _: None)
    running = running or RunningJob("job_1", NORMAL)
    return Isolation(server).run(order, running, silent, settings=Settings(stall_timeout_seconds=100), gate=gate)


def test_a_process_returns_what_it_found_or_why_it_failed(server: ForkServer) -> None:
    outcome = run_alone(server, "good.test")
    assert outcome is not None
    assert (len(outcome.entries), outcome.score) == (ENTRIES, 100)
    with pytest.raises(IsolatedRunFailed, match="RuntimeError: the engine broke"):
        run_alone(server, "fail.test")


@pytest.mark.parametrize(
    ("domain", "reason"), [("segfault.test", "signal 11"), ("kill.test", "signal 9"), ("exit.test", "the status 3")]
)
def test_a_process_that_ends_without_a_result_says_how(server: ForkServer, domain: str, reason: str) -> None:
    with pytest.raises(IsolatedProcessEnded, match=reason):
        run_alone(server, domain)
    assert run_alone(server, "good.test") is not None


def test_memory_is_bounded_in_a_separate_process(server: ForkServer) -> None:
    """The address space of the process is limited; the memory of the machine is not."""
    with pytest.raises(IsolatedRunFailed, match="MemoryError"):
        run_alone(server, "memory.test")


def test_a_stopped_job_ends_its_process(server: ForkServer) -> None:
    running = RunningJob("job_1", NORMAL)
    running.stop(Stop.CANCELED)
    assert run_alone(server, "block.test", running) is None
    assert run_alone(server, "good.test") is not None


def hang(_: socket.socket) -> int:
    signal.pause()
    return 1


def test_a_process_that_reaches_no_first_line_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "AGAIN_S", 0.0)
    monkeypatch.setattr(isolation, "START_S", 0.1)
    for work in (lambda _: 1, hang):
        server = ForkServer.start(work)
        with pytest.raises(IsolatedProcessLost):
            run_alone(server, "good.test")
        server.stop()


def test_a_server_that_ended_accepts_no_job(server: ForkServer) -> None:
    os.kill(server.pid, signal.SIGKILL)
    os.waitpid(server.pid, 0)
    with pytest.raises(ForkServerLost):
        server.connect()


def test_a_start_without_a_first_line_is_no_attempt(farm: Farm) -> None:
    """Two attempts are allowed: the first worker is killed, the server of the second, and the third start succeeds."""
    farm.environ["GONEMASTER_MAX_ATTEMPTS"] = "2"
    farm.start_worker("first")
    job_id = farm.submit("job-3000.test")
    wait_until(lambda: farm.started(job_id), what="the first start")
    pause_queue(farm.parts)
    farm.stop("first", signal.SIGKILL)
    second = farm.start_worker("second")
    (server,) = Path(f"/proc/{second.pid}/task/{second.pid}/children").read_text().split()
    os.kill(int(server), signal.SIGKILL)
    resume_queue(farm.parts)
    wait_until(lambda: second.poll() is not None, what="the end of the second")
    assert farm.log("second").count("the process of a job did not start") == 1
    farm.start_worker("third")
    run = farm.run_of(job_id)
    assert (run.status, len(farm.starts())) == ("succeeded", 2)
