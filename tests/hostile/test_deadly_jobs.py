"""A job that ends or stalls its worker fails alone after max_attempts; the other jobs of its worker succeed."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gonemaster_db.models import Run
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.jobs import cancel_job
from tests.hostile import LONG
from tests.support.stores import MakeSettings
from tests.support.workers import Farm, open_farm, wait_until

pytestmark = pytest.mark.slow

STALL_S = 3
NEIGHBOURS = 15 if LONG else 5
ENDS = {
    "segfault": f"ended by signal {int(signal.SIGSEGV)}",
    "kill": f"ended by signal {int(signal.SIGKILL)}",
    "exit": "ended with the status 3",
}
STALLS = ("block", "spin", "hold")


@pytest.fixture
def deadly_farm(broker: Broker, make_store_settings: MakeSettings, tmp_path: Path) -> Iterator[Farm]:
    """A beat, and workers that quickly detect that they are stalled."""
    environ = {
        "GONEMASTER_WORKER_COUNT": str(NEIGHBOURS + 1),
        "GONEMASTER_RESERVED_NORMAL_SLOTS": "0",
        "GONEMASTER_STALL_TIMEOUT_SECONDS": str(STALL_S),
        "GONEMASTER_MAX_ATTEMPTS": "3",
    }
    with open_farm(broker, make_store_settings("sqlite"), tmp_path, **environ) as farm:
        farm.start_beat()
        yield farm


def supervise(farm: Farm) -> None:
    """Restart a worker that has exited, as the supervisor of the service does."""
    for name, process in list(farm.processes.items()):
        if process.poll() is not None:
            farm.start_beat() if name.startswith("beat") else farm.start_worker(name, ready=False)


def ended(farm: Farm, job_ids: list[str]) -> list[Run]:
    """Wait until all jobs have finished; return their runs."""

    def all_ended() -> bool:
        supervise(farm)
        return all(farm.status(job_id) not in ("queued", "running") for job_id in job_ids)

    wait_until(all_ended, within_s=150, what="the end of all jobs")
    return [farm.run_of(job_id) for job_id in job_ids]


def run_with_neighbours(farm: Farm, deadly: str) -> tuple[Run, list[Run]]:
    """Start a deadly job and its neighbours in one worker process."""
    farm.start_worker("one")
    ids = list(farm.submit_batch([f"{deadly}.test", *(f"n{number}-1000.test" for number in range(NEIGHBOURS))]).job_ids)
    runs = ended(farm, ids)
    return runs[0], runs[1:]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ENDS if LONG else ["segfault"])
def test_a_job_that_ends_its_process_fails_alone(deadly_farm: Farm, kind: str) -> None:
    evil, neighbours = run_with_neighbours(deadly_farm, kind)
    assert (evil.status, evil.error) == ("failed", f"the process that ran the test {ENDS[kind]} (attempt 3 of 3)")
    assert Counter(str(run.status) for run in neighbours) == {"succeeded": NEIGHBOURS}
    assert {run.attempt for run in neighbours} <= {1, 2}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", STALLS if LONG else ["hold"])
def test_a_job_that_stalls_its_process_fails_alone(deadly_farm: Farm, kind: str) -> None:
    evil, neighbours = run_with_neighbours(deadly_farm, kind)
    assert evil.status == "failed"
    assert evil.error == f"the process that ran the test made no progress for {STALL_S} s (attempt 3 of 3)"
    assert Counter(str(run.status) for run in neighbours) == {"succeeded": NEIGHBOURS}
    assert {run.attempt for run in neighbours} <= {1, 2}


@pytest.mark.timeout(300)
def test_with_one_attempt_neighbours_of_deadly_jobs_succeed(deadly_farm: Farm) -> None:
    """A second deadly job kills the worker while the neighbours of the first one are tested alone."""
    farm = deadly_farm
    farm.environ["GONEMASTER_MAX_ATTEMPTS"] = "1"
    farm.start_worker("one")
    first = list(farm.submit_batch([*(f"n{n}-3000.test" for n in range(NEIGHBOURS)), "segfault.test"]).job_ids)

    def some_begin_again() -> bool:
        supervise(farm)
        return max(Counter(start["job_id"] for start in farm.starts()).values(), default=0) > 1

    wait_until(some_begin_again, within_s=150, what="a second start")
    second = [farm.submit("kill.test"), farm.submit("n-1000.test")]
    *good, evil = ended(farm, [second[1], *first])
    assert (evil.status, evil.error) == ("failed", f"the process that ran the test {ENDS['segfault']} (attempt 2 of 2)")
    assert Counter(str(run.status) for run in good) == {"succeeded": NEIGHBOURS + 1}
    (other,) = ended(farm, second[:1])
    assert other.status == "failed"


@pytest.mark.timeout(300)
def test_jobs_that_wait_for_an_isolated_run_hold_no_slot(deadly_farm: Farm) -> None:
    """The jobs in all slots are started for the second time, and four of them run; other jobs still start."""
    farm = deadly_farm
    slots = NEIGHBOURS + 1
    farm.start_worker("first")
    waiting = [farm.submit(f"long{number}-600000.test") for number in range(slots)]
    wait_until(lambda: len(farm.starts()) == slots, what="the first starts")
    farm.stop("first", signal.SIGKILL)
    farm.start_worker("second", GONEMASTER_LEASE_SECONDS="60")
    wait_until(lambda: len(farm.starts()) == slots + 4, what="four second starts")
    wait_until(lambda: [farm.status(job_id) for job_id in waiting] == ["running"] * slots, what="all are claimed")
    quick = [farm.submit(f"quick{number}.test") for number in range(3)]
    assert {farm.run_of(job_id).status for job_id in quick} == {"succeeded"}
    for job_id in waiting:
        cancel_job(farm.parts, job_id)
    assert {farm.run_of(job_id).status for job_id in waiting} == {"canceled"}
    assert len(farm.starts()) <= 2 * slots + 3


def test_a_stalled_worker_logs_what_it_was_doing(deadly_farm: Farm) -> None:
    farm = deadly_farm
    worker = farm.start_worker("one", GONEMASTER_MAX_ATTEMPTS="1")
    job_id = farm.submit("block.test")
    wait_until(lambda: worker.poll() is not None, what="the watchdog")
    assert worker.returncode == 70
    assert "event loop stalled" in farm.log("one")
    assert job_id in farm.log("one")
    assert "time.sleep(3600)" in farm.log("one") or "standin_worker.py" in farm.log("one")


def isolated(farm: Farm, domain: str, *, lease_s: int = 2, drain: str = "10s") -> str:
    """A job starts for the second time because its first worker was killed."""
    farm.start_worker("first")
    job_id = farm.submit(domain)
    wait_until(lambda: farm.started(job_id), what="the first start")
    farm.stop("first", signal.SIGKILL)
    farm.start_worker("second", GONEMASTER_LEASE_SECONDS=str(lease_s), GONEMASTER_DRAIN_TIMEOUT=drain)
    wait_until(lambda: len(farm.starts()) == 2, what="the second start")
    return job_id


def test_an_isolated_job_has_progress_and_events_and_is_canceled_at_once(deadly_farm: Farm) -> None:
    farm = deadly_farm
    job_id = isolated(farm, "long-600000.test", lease_s=3600)
    child = farm.starts()[-1]["pid"]
    assert child != farm.starts()[0]["pid"]
    assert child != farm.processes["second"].pid
    wait_until(lambda: farm.broker.events.progress([job_id]) == {job_id: 10}, what="progress")
    cancel_job(farm.parts, job_id)
    run = farm.run_of(job_id, within_s=10)
    assert (run.status, run.error) == ("canceled", "canceled")
    wait_until(lambda: not _lives(child), what="the end of its process")
    wait_until(lambda: farm.broker.events.read(job_id)[-1].type == "done", what="the last event")


def test_an_isolated_job_goes_back_to_the_queue_when_its_worker_stops(deadly_farm: Farm) -> None:
    farm = deadly_farm
    job_id = isolated(farm, "long-600000.test", drain="0s")
    child = farm.starts()[-1]["pid"]
    assert farm.stop("second") == 0
    assert farm.status(job_id) == "queued"
    wait_until(lambda: not _lives(child), what="the end of its process")


def test_an_isolated_job_ends_with_a_worker_that_is_killed(deadly_farm: Farm) -> None:
    farm = deadly_farm
    isolated(farm, "long-600000.test")
    child = farm.starts()[-1]["pid"]
    farm.stop("second", signal.SIGKILL)
    wait_until(lambda: not _lives(child), what="the end of its process")


def test_an_isolated_job_stores_what_it_found_and_why_it_failed(deadly_farm: Farm) -> None:
    farm = deadly_farm
    good, bad = farm.submit("good-2000.test"), farm.submit("fail-2000.test")
    farm.start_worker("first")
    assert farm.run_of(bad).error == "RuntimeError: the engine broke"
    wait_until(lambda: farm.started(good), what="the start")
    farm.stop("first", signal.SIGKILL)
    farm.start_worker("second")
    run = farm.run_of(good)
    assert (run.status, run.attempt, run.entry_count, run.score, run.grade) == ("succeeded", 2, 3, 100, "A")
    assert run.effective_profile_id


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
