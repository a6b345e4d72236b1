"""Jobs of dead workers start again: immediately if the worker died on this machine, otherwise when their leases end."""

import logging
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import claim_job, create_job, find_job_or_run
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.keys import UNACKED, UNACKED_INDEX
from gonemaster_tasks.broker.processes.workers import LIFE, WorkerState
from gonemaster_tasks.broker.queue.messages import build_message
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.submit import submit_job
from gonemaster_tasks.maintenance.reaper import expire, reap, void_claims
from gonemaster_tasks.queues import NORMAL
from gonemaster_tasks.worker.execute import process_identity
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.pulse import PulseReader
from gonemaster_tasks.worker.upkeep.reaping import Reaper, reap_once
from tests.support.redis import raw
from tests.support.workers import Farm, wait_until

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
# Neither leases nor the reconciler must cause the restart; there is no beat.
PATIENT: dict[str, Any] = {"GONEMASTER_LEASE_SECONDS": "3600", "GONEMASTER_RECONCILE_INTERVAL_SECONDS": "3600"}


def started_again(farm: Farm, job_id: str, since: float) -> None:
    """Wait until a job has started a second time, and print how long that took."""
    wait_until(lambda: sum(start["job_id"] == job_id for start in farm.starts()) == 2, what="second start")
    log.info("started again after %.1f s", farm.starts()[-1]["at"] - since)


def test_a_job_of_a_killed_process_starts_again_in_the_other(farm: Farm) -> None:
    farm.start_worker("one", **PATIENT)
    farm.start_worker("two", **PATIENT)
    job_id = farm.submit("long-1000.test")
    wait_until(lambda: farm.started(job_id), what="start")
    killed = next(name for name, process in farm.processes.items() if process.pid == farm.starts()[0]["pid"])
    started_at = time.time()
    farm.stop(killed, signal.SIGKILL)
    started_again(farm, job_id, started_at)
    run = farm.run_of(job_id)
    assert (run.status, run.attempt) == ("succeeded", 2)


def test_a_job_of_a_killed_process_starts_again_in_the_one_that_follows(farm: Farm) -> None:
    farm.start_worker("one", **PATIENT)
    job_id = farm.submit("long-1000.test")
    wait_until(lambda: farm.started(job_id), what="start")
    started_at = time.time()
    farm.stop("one", signal.SIGKILL)
    farm.start_worker("one", **PATIENT)
    started_again(farm, job_id, started_at)
    run = farm.run_of(job_id)
    assert (run.status, run.attempt) == ("succeeded", 2)


def test_a_message_that_a_dead_process_had_taken_waits_again(farm: Farm) -> None:
    farm.start_worker("one", **PATIENT)
    farm.broker.processes.note(process_identity.machine_id(), "gone@here", "1 0")
    job_id = farm.submit("first-500.test")
    # wait, so that the reaping at the start does not find the later jobs
    wait_until(lambda: farm.started(job_id), what="start")
    taken = create_taken(farm)
    farm.broker.processes.note(process_identity.machine_id(), "gone@here", "1 0")
    assert farm.run_of(taken).status == "succeeded"


def create_taken(farm: Farm) -> str:
    """A queued job whose message has just been taken."""
    job = farm.store.run_in_transaction(lambda session: create_job(session, NewJob("taken.test")))
    raw(farm.broker).hset(UNACKED, job.id, build_message(job.id, NORMAL))
    raw(farm.broker).zadd(UNACKED_INDEX, {job.id: time.time()})
    return job.id


def test_a_process_that_lives_keeps_its_claims(parts: QueueParts) -> None:
    job_id = claimed(parts.store, "beside@here")
    parts.broker.processes.note(process_identity.machine_id(), "beside@here", process_identity.identity())
    process = process_of(parts)
    reaper = Reaper(process)
    reaper.look()
    assert state_of(parts.store, job_id) == "running"
    parts.broker.processes.note(process_identity.machine_id(), "beside@here", "1 0")
    process.pulse.forget()
    reaper.look()
    assert state_of(parts.store, job_id) == "queued"
    process.pulse.forget()
    assert set(process.pulse.read().processes) == {"me@here"}


def test_claims_that_follow_a_death_are_not_void(store: Store) -> None:
    died_at = utcnow()
    # the start of the next process with this name
    job_id = claimed(store, "again@here", now=died_at + timedelta(seconds=1))
    assert void_claims(store, worker="again@here", now=died_at) == 0
    assert state_of(store, job_id) == "running"
    assert void_claims(store, worker="again@here", now=died_at + timedelta(seconds=2)) == 1


def test_what_another_transaction_holds_holds_up_no_reap(parts: QueueParts) -> None:
    if parts.store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    held, free = (claimed(parts.store, "lost@far") for _ in range(2))
    waiting = submit_job(parts, NewJob("late.test", expires_at=utcnow() + timedelta(seconds=1))).id
    later = utcnow() + 2 * LEASE
    with parts.store.transaction() as lost:
        lost.execute(text("SELECT 1 FROM jobs WHERE id IN (:a, :b) FOR UPDATE"), {"a": held, "b": waiting})
        assert reap(parts.store, parts.broker, now=later, max_attempts=3) == 1
        assert expire(parts.store, now=later) == 0
        assert void_claims(parts.store, worker="lost@far", now=utcnow()) == 0
    assert state_of(parts.store, free) == "queued"
    assert state_of(parts.store, held) == "running"
    assert reap(parts.store, parts.broker, now=later, max_attempts=3) == 1
    assert expire(parts.store, now=later) == 1


def test_a_job_whose_worker_holds_its_result_is_not_tested_again(parts: QueueParts) -> None:
    job_id, other = (claimed(parts.store, "cut@far", now=utcnow() - timedelta(hours=1)) for _ in range(2))
    state = WorkerState("cut@far", "far", 1, (NORMAL,), 4, {}, 0.0, results=(job_id,))
    parts.broker.workers.register(state, LIFE)
    reap_once(process_of(parts))
    assert (state_of(parts.store, job_id), state_of(parts.store, other)) == ("running", "queued")
    parts.broker.workers.unregister("cut@far")
    parts.broker.locks.release("reap", "me@here")
    reap_once(process_of(parts))
    assert state_of(parts.store, job_id) == "queued"


def test_one_process_reaps_at_a_time(parts: QueueParts) -> None:
    job_id = claimed(parts.store, "lost@far", now=utcnow() - timedelta(hours=1))
    assert parts.broker.locks.acquire("reap", "other@here", timedelta(minutes=1))
    reap_once(process_of(parts))
    assert state_of(parts.store, job_id) == "running"
    parts.broker.locks.release("reap", "other@here")
    reap_once(process_of(parts))
    assert state_of(parts.store, job_id) == "queued"


def process_of(parts: QueueParts) -> Process:
    """Return the part of a worker process that its reaper needs."""
    settings: Any = SimpleNamespace(reap_interval_seconds=2, max_attempts=3)
    clock = SharedClock()
    pulse = PulseReader(parts.broker, clock)
    made = SimpleNamespace(
        name="me@here", store=parts.store, broker=parts.broker, clock=clock, settings=settings, pulse=pulse
    )
    return cast("Process", made)


def claimed(store: Store, worker: str, now: Any = None) -> str:
    """A running job."""

    def make(session: Any) -> str:
        job_id = create_job(session, NewJob("a.test")).id
        assert claim_job(session, job_id, worker=worker, now=now or utcnow(), lease=LEASE)
        return job_id

    return store.run_in_transaction(make)


def state_of(store: Store, job_id: str) -> str:
    with store.read_only() as session:
        return str(find_job_or_run(session, job_id).status)


def test_a_birth_tells_a_process_from_others_with_its_number() -> None:
    assert process_identity.machine_id()
    assert process_identity.is_running(process_identity.identity())
    assert not process_identity.is_running(f"{os.getpid()} 1")
    assert not process_identity.is_running("")
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        born = process_identity.identity(child.pid)
        wait_until(lambda: not process_identity.is_running(born), what="a zombie")  # no process has waited for it
    finally:
        child.wait()
    assert process_identity.identity(child.pid) == ""
