"""Prepared statements save parsing, and whatever becomes of them, a job is claimed and ends once."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import CursorResult, text

from gonemaster_db.core.errors import StoreConflict
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.queue.jobs import ClaimedJob, claim_job, find_job_or_run
from gonemaster_db.runs.graduation import graduate_job
from tests.support.rows import LEASE, NOON, queue_job, queue_jobs, record
from tests.support.stores import MakeSettings, opened


@pytest.fixture
def single(make_store_settings: MakeSettings) -> Iterator[Store]:
    """A store on PostgreSQL with one connection, so that what one block leaves on it the next one meets."""
    with opened(replace(make_store_settings("postgres"), pool_size=1)) as store:
        yield store


def claimed(store: Store, job_id: str) -> ClaimedJob | None:
    with store.autocommit() as session:
        return claim_job(session, job_id, worker="w1", now=NOON, lease=LEASE)


def end(store: Store, job_id: str) -> RunStatus:
    with store.transaction() as session:
        return graduate_job(session, job_id, worker="w1", attempt=1, record=record("INFO"))


def on_the_connection(store: Store, statement: str) -> list[Any]:
    with store.autocommit() as session:
        found = session.execute(text(statement))
        return list(found) if isinstance(found, CursorResult) and found.returns_rows else []


def test_a_job_is_claimed_and_ended_by_statements_that_are_prepared_once(single: Store) -> None:
    job_ids = queue_jobs(single, [f"d{number}.example" for number in range(4)])
    kept = []
    for job_id in job_ids:
        assert claimed(single, job_id) is not None
        end(single, job_id)
        kept.append(on_the_connection(single, "SELECT name, prepare_time FROM pg_prepared_statements ORDER BY 1"))
    assert len(kept[0]) == 3  # the first result also has a new outcome
    assert all(later == kept[0] for later in kept)


def test_no_plan_reads_the_whole_table_of_jobs(single: Store) -> None:
    for job_id in queue_jobs(single, ["a.example", "b.example"]):
        assert claimed(single, job_id)  # planned while the table is small
    scans = text("SELECT pg_stat_get_xact_numscans('jobs'::regclass), pg_stat_get_xact_numscans('pk_jobs'::regclass)")
    for job_id in queue_jobs(single, [f"d{number}.example" for number in range(12)]):
        with single.transaction() as session:
            before = session.execute(scans).one()
            claim_job(session, job_id, worker="w1", now=NOON, lease=LEASE)
            graduate_job(session, job_id, worker="w1", attempt=1, record=record("INFO"))
            after = session.execute(scans).one()
            assert [new - old for new, old in zip(after, before, strict=True)] == [0, 2]


def test_a_statement_that_failed_leaves_the_connection_as_it_was(single: Store) -> None:
    job_id = queue_job(single).id
    with pytest.raises(Exception, match="value too long"), single.transaction() as session:
        claim_job(session, job_id, worker="w" * 300, now=NOON, lease=LEASE)
    assert claimed(single, job_id) is not None
    assert end(single, job_id) is RunStatus.SUCCEEDED
    assert on_the_connection(single, "SHOW enable_seqscan") == [("on",)]


def lose_them(store: Store) -> None:
    """As a pooler does that gives the server's connection to another client."""
    on_the_connection(store, "DEALLOCATE ALL")


def find_them_there(store: Store) -> None:
    """As a pooler does that gives a connection on which another client has prepared the same."""
    with store.autocommit() as session:
        session.connection().info.clear()


def change_a_type(store: Store) -> None:
    """As a migration does under a running worker."""
    on_the_connection(store, "ALTER TABLE jobs ALTER COLUMN domain TYPE text")


@pytest.mark.parametrize("happens", [lose_them, find_them_there, change_a_type])
def test_a_worker_goes_on_without_prepared_statements(single: Store, happens: Any) -> None:
    before, after = queue_jobs(single, ["before.example", "after.example"])
    assert claimed(single, before) is not None
    happens(single)
    with pytest.raises(StoreConflict):
        claimed(single, after)
    assert claimed(single, after) is not None
    assert claimed(single, after) is None
    for job_id in (before, after):
        assert end(single, job_id) is RunStatus.SUCCEEDED
        with single.read_only() as session:
            assert isinstance(find_job_or_run(session, job_id), Run)


def test_a_transaction_that_lost_them_is_repeated_as_a_whole(single: Store) -> None:
    first, second = queue_jobs(single, ["first.example", "second.example"])
    for job_id in (first, second):
        assert claimed(single, job_id) is not None
    end(single, first)
    lose_them(single)
    repeated = []

    def work(session: Any) -> RunStatus:
        repeated.append(session)
        return graduate_job(session, second, worker="w1", attempt=1, record=record("INFO"))

    assert single.run_in_transaction(work) is RunStatus.SUCCEEDED
    assert len(repeated) == 2
