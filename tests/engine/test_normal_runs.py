"""Worker processes of a machine detect each other's normal runs until these or their processes end."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from gonemaster_engine import normal_runs
from gonemaster_engine.normal_runs import NormalRuns

FORK = multiprocessing.get_context("fork")


def _run_until_message(lock_file: Path, control: Connection) -> None:
    runs = NormalRuns(lock_file)
    runs.begin()
    runs.begin()
    runs.end()
    control.send(runs.in_progress)
    control.recv()
    runs.end()
    control.send(runs.in_progress)
    control.recv()


@pytest.fixture
def lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(normal_runs, "CHECK_EVERY_S", 0.0)
    return tmp_path / "normal-runs.lock"


@pytest.mark.parametrize("end", ["run ends", "process is killed"])
def test_a_normal_run_of_another_process_counts_until_it_ends(lock_file: Path, end: str) -> None:
    here, there = multiprocessing.Pipe()
    other = FORK.Process(target=_run_until_message, args=(lock_file, there))
    ours = NormalRuns(lock_file)
    seen = [ours.in_progress]
    other.start()
    assert here.recv() is True
    seen.append(ours.in_progress)
    if end == "run ends":
        here.send(None)
        assert here.recv() is False
    else:
        assert other.pid
        os.kill(other.pid, signal.SIGKILL)
        other.join()
    seen.append(ours.in_progress)
    assert seen == [False, True, False]
    if other.is_alive():
        here.send(None)
        other.join()
    ours.close()


def test_a_process_that_was_forked_during_a_normal_run_does_not_prolong_it(lock_file: Path) -> None:
    """The fork server and the processes of single jobs live longer than a run."""
    runs, others = NormalRuns(lock_file), FORK.Process(target=signal.pause)
    runs.begin()
    others.start()
    runs.end()
    seen, there = multiprocessing.Pipe()
    asking = FORK.Process(target=lambda: there.send(NormalRuns(lock_file).in_progress))
    asking.start()
    assert seen.recv() is False
    asking.join()
    others.kill()
    others.join()
    runs.close()


def test_the_file_is_checked_at_most_every_20_ms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checks, now, check = 0, 1.0, fcntl.fcntl

    def counted(*arguments: Any) -> object:
        nonlocal checks
        checks += 1
        return check(*arguments)

    monkeypatch.setattr(fcntl, "fcntl", counted)
    monkeypatch.setattr(normal_runs, "monotonic", lambda: now)
    runs = NormalRuns(tmp_path / "normal-runs.lock")
    for _ in range(10):
        assert not any(runs.in_progress for _ in range(100))
        now += 0.011
    assert checks == 5
    runs.close()
