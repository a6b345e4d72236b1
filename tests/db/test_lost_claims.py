"""The commit of a claim does not wait for the disk. Whatever PostgreSQL loses with it, each job becomes one run."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import func, select

from gonemaster_db.core.errors import JobStateError, StoreUnavailable
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.core.states import Priority
from gonemaster_db.migrations.runner import upgrade
from gonemaster_db.models import Domain, Job, JobStatus, Run, RunStatus
from gonemaster_db.queue.jobs import claim_job, get_job, renew_leases
from gonemaster_db.queue.pauses import pause_tiers, resume_tiers
from gonemaster_db.runs.counters import count_runs
from gonemaster_db.runs.graduation import graduate_job, request_cancel, requeue_job
from tests.support.postgres import PostgresServer
from tests.support.rows import LEASE, NOON, queue_job, record

# Nothing is written by itself within the test. Without fsync: the system survives, and has what was written.
_WRITTEN_BY_COMMITS = {
    "fsync": "off",
    "synchronous_commit": "on",
    "wal_writer_delay": "10s",
    "bgwriter_lru_maxpages": "0",
    "autovacuum": "off",
}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL whose commits wait until they are written."""
    with PostgresServer(_WRITTEN_BY_COMMITS) as made:
        yield made


@pytest.fixture
def store(server: PostgresServer) -> Iterator[Store]:
    opened = open_store(StoreSettings(driver="postgres", dsn=server.url(server.create_database())))
    upgrade(opened)
    hold_wal_writer(server)
    yield opened
    opened.close()


def hold_wal_writer(server: PostgresServer) -> None:
    """Let nobody but a commit that waits for the disk write the log."""
    with server.cursor("postgres") as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'")
        for (pid,) in cursor.fetchall():
            os.kill(pid, signal.SIGSTOP)


def crash(server: PostgresServer, store: Store) -> None:
    server.kill()
    server.start()
    with suppress(StoreUnavailable):  # the connection of before
        store.ping()


def claimed(store: Store, job_id: str, worker: str) -> int:
    """Claim as a worker does; returns the attempt."""
    with store.autocommit() as session:
        job = claim_job(session, job_id, worker=worker, now=NOON, lease=LEASE)
    assert job is not None
    return job.attempt


def graduated(store: Store, job_id: str, worker: str, attempt: int) -> RunStatus:
    return store.run_alone(
        lambda session: graduate_job(session, job_id, worker=worker, attempt=attempt, record=record("INFO"))
    )


def state(store: Store, job_id: str) -> tuple[JobStatus, int, str | None]:
    with store.read_only() as session:
        job = get_job(session, job_id)
        return job.status, job.attempt, job.worker


def numbers(store: Store) -> tuple[int, int, int, int]:
    """Jobs, runs, runs as they are counted, and as their domains count them."""
    with store.read_only() as session:
        jobs, runs = (session.scalar(select(func.count()).select_from(table)) or 0 for table in (Job, Run))
        return jobs, runs, count_runs(session), session.scalar(select(func.sum(Domain.run_count))) or 0


def test_a_job_whose_claim_was_lost_waits_again_and_becomes_one_run(server: PostgresServer, store: Store) -> None:
    job_id = queue_job(store).id
    lost = claimed(store, job_id, "w1")
    crash(server, store)
    assert state(store, job_id) == (JobStatus.QUEUED, 0, None)
    with store.transaction() as session:
        assert renew_leases(session, [job_id], worker="w1", now=NOON, lease=LEASE).lost == {job_id}
    with pytest.raises(JobStateError):
        graduated(store, job_id, "w1", lost)
    assert claimed(store, job_id, "w2") == lost
    with pytest.raises(JobStateError):
        graduated(store, job_id, "w1", lost)
    assert graduated(store, job_id, "w2", lost) is RunStatus.SUCCEEDED
    assert numbers(store) == (0, 1, 1, 1)


def test_a_claim_that_is_made_again_by_the_same_worker_ends_once(server: PostgresServer, store: Store) -> None:
    job_id = queue_job(store).id
    first = claimed(store, job_id, "w1")
    crash(server, store)
    assert claimed(store, job_id, "w1") == first
    assert [graduated(store, job_id, "w1", first) for _ in range(2)] == [RunStatus.SUCCEEDED] * 2
    assert numbers(store) == (0, 1, 1, 1)


def test_a_lost_claim_is_no_start_that_counts(server: PostgresServer, store: Store) -> None:
    job_id = queue_job(store).id
    claimed(store, job_id, "w1")
    crash(server, store)
    attempt = claimed(store, job_id, "w2")
    with store.transaction() as session:
        requeue = requeue_job(session, job_id, worker="w2", attempt=attempt, now=NOON + 2 * LEASE, max_attempts=2)
        assert isinstance(requeue, Job)
    assert claimed(store, job_id, "w2") == 2


def test_what_is_durable_has_made_the_claims_before_it_durable(server: PostgresServer, store: Store) -> None:
    held, ended = (queue_job(store, name).id for name in ("held.example", "ended.example"))
    attempt = claimed(store, held, "w1")
    graduated(store, ended, "w1", claimed(store, ended, "w1"))
    crash(server, store)
    assert state(store, held) == (JobStatus.RUNNING, 1, "w1")
    assert graduated(store, held, "w1", attempt) is RunStatus.SUCCEEDED
    assert numbers(store) == (0, 2, 2, 2)


def test_no_pause_or_cancel_request_outlives_the_claim_before_it(server: PostgresServer, store: Store) -> None:
    paused, canceled = (queue_job(store, name).id for name in ("paused.example", "canceled.example"))
    claimed(store, paused, "w1")
    with store.transaction() as session:
        pause_tiers(session, [Priority.NORMAL.tier], paused_by="a", reason="", now=NOON)
    crash(server, store)
    assert state(store, paused) == (JobStatus.RUNNING, 1, "w1")  # started before the pause, and by nobody after it
    with store.transaction() as session:
        resume_tiers(session, [Priority.NORMAL.tier])

    hold_wal_writer(server)
    claimed(store, canceled, "w1")
    with store.transaction() as session:
        request_cancel(session, canceled, now=NOON)
    crash(server, store)
    with store.read_only() as session:
        job = get_job(session, canceled)
        assert (job.status, job.cancel_requested_at) == (JobStatus.RUNNING, NOON)
