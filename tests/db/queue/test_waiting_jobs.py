"""Waiting jobs selected by filters, on both databases."""

from __future__ import annotations

from datetime import timedelta

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.models import JobStatus, Priority
from gonemaster_db.queue.jobs import create_listed_jobs
from gonemaster_db.queue.waiting_jobs import (
    WaitingFilter,
    count_waiting_jobs,
    list_waiting_jobs,
    switch_waiting_jobs,
    waiting_ids,
)


def queue_jobs(store: Store) -> dict[str, str]:
    """Queue three normal jobs and one batch job; return their IDs by domain."""
    new = [NewJob(domain=name) for name in ("b.example", "a.example", "b-two.example")]
    new.append(NewJob(domain="b-three.example", priority=Priority.BATCH))
    jobs = store.run_in_transaction(lambda session: create_listed_jobs(session, new))
    return {job.domain: job.id for job in jobs}


def names(store: Store, filters: WaitingFilter) -> list[str]:
    with store.read_only() as session:
        found = [job.domain for job in list_waiting_jobs(session, filters, limit=10)]
        assert count_waiting_jobs(session, filters) == len(found)
        assert len(waiting_ids(session, filters, limit=10)) == len(found)
    return found


def test_waiting_jobs_are_listed_in_queue_order(store: Store) -> None:
    queue_jobs(store)
    assert names(store, WaitingFilter()) == ["b.example", "a.example", "b-two.example", "b-three.example"]
    assert names(store, WaitingFilter(Priority.NORMAL, "B")) == ["b.example", "b-two.example"]
    assert names(store, WaitingFilter(domain="%")) == []
    assert names(store, WaitingFilter(created_until=utcnow() - timedelta(hours=1))) == []


def test_held_jobs_keep_their_position(store: Store) -> None:
    ids = queue_jobs(store)
    chosen = [ids["a.example"], ids["b-three.example"], "job_none"]
    held = store.run_in_transaction(lambda session: switch_waiting_jobs(session, chosen, held=True))
    assert dict(held) == {ids["a.example"]: Priority.NORMAL, ids["b-three.example"]: Priority.BATCH}
    assert names(store, WaitingFilter(status=JobStatus.PAUSED)) == ["a.example", "b-three.example"]
    assert store.run_in_transaction(lambda session: switch_waiting_jobs(session, chosen, held=True)) == []
    store.run_in_transaction(lambda session: switch_waiting_jobs(session, chosen[:1], held=False))
    assert names(store, WaitingFilter(Priority.NORMAL, status=JobStatus.QUEUED))[1] == "a.example"
