"""Graduation as a worker performs it: one transaction, retried after a conflict."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.errors import JobStateError, StoreConflict
from gonemaster_db.core.records import NewBatch, RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import Domain, DomainTag, Job, Outcome, Run, RunStatus
from gonemaster_db.runs.counters import read_counts
from gonemaster_db.runs.documents.caches import caches_of
from gonemaster_db.runs.entries import entries_of_run
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_db.runs.outcomes import purge_outcomes
from tests.support.rows import NOON, claim, count_entries, queue_job, record

PROFILE = '{"net":{"ipv6":false}}'


def end(store: Store, job: Job, outcome: RunRecord, **other: Any) -> RunStatus:
    held: dict[str, Any] = {"worker": job.worker, "attempt": job.attempt} | other
    return store.run_in_transaction(partial(graduate_job, job_id=job.id, record=outcome, **held))


def runs(store: Store) -> list[Run]:
    with store.read_only() as session:
        return list(session.scalars(select(Run).order_by(Run.key)))


def test_runs_share_outcome_and_profile_and_are_counted(store: Store) -> None:
    outcome = record("INFO", "ERROR", effective_profile=PROFILE, score=70, grade="C")
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(domain_count=2)).id
    for number in range(3):
        end(store, claim(store, queue_job(store, f"d{number}.example", batch_id=batch).id), outcome)
    first, *others = runs(store)
    shared = ["batch_key", "outcome_id", "effective_profile_id", "worst_level", "grade", "findings_hash", "sev_severe"]
    for other in others:
        assert [getattr(other, name) for name in shared] == [getattr(first, name) for name in shared]
    with store.read_only() as session:
        assert first.batch_key is not None
        assert list(read_counts(session).values()) == list(read_counts(session, first.batch_key).values()) == [3]
        domains = session.scalars(select(Domain)).all()
    assert [(domain.run_count, domain.latest_level) for domain in domains] == [(1, "ERROR")] * 3
    assert count_entries(store) == 6


def test_an_uncached_outcome_is_found_by_its_digest(store: Store) -> None:
    found = [record(*levels) for levels in (["INFO"], ["INFO", "NOTICE"], ["NOTICE", "INFO", "ERROR"])]
    for number, outcome in enumerate(found):
        end(store, claim(store, queue_job(store, f"d{number}.example").id), outcome)
    caches_of(Session(store.engine)).drop_references()
    end(store, claim(store, queue_job(store, "last.example").id), found[2])
    stored = runs(store)
    assert len({run.outcome_id for run in stored}) == 3
    with store.read_only() as session:
        assert [entry.level for entry in entries_of_run(session, stored[3].id)] == ["NOTICE", "INFO", "ERROR"]


def test_the_domain_joins_the_tags_of_its_job(store: Store) -> None:
    end(store, claim(store, queue_job(store, "plain.example").id), record("INFO"))
    job = claim(store, queue_job(store, "tagged.example", config={"tags": ["gov"]}).id)
    assert end(store, job, record("INFO")) is RunStatus.SUCCEEDED
    with store.read_only() as session:
        joined = select(Domain.name, DomainTag.tag).join(DomainTag, DomainTag.domain_id == Domain.id)
        assert [tuple(row) for row in session.execute(joined)] == [("tagged.example", "gov")]


@pytest.mark.parametrize("stale", [{"worker": "w2"}, {"attempt": 2}], ids=str)
def test_a_lost_claim_writes_nothing(store: Store, stale: dict[str, Any]) -> None:
    end(store, claim(store, queue_job(store, "other.example").id), record("INFO"))
    job = claim(store, queue_job(store).id)
    with pytest.raises(JobStateError):
        end(store, job, record("INFO"), **stale)
    assert len(runs(store)) == 1
    for _ in range(2):  # a retry after a commit with unknown result
        assert end(store, job, record("INFO")) is RunStatus.SUCCEEDED
    with pytest.raises(JobStateError):
        end(store, job, record("INFO"), **stale)
    assert len(runs(store)) == 2
    with store.read_only() as session:
        assert sum(read_counts(session).values()) == 2


def test_a_purged_outcome_is_created_again(store: Store) -> None:
    with store.transaction() as session:
        caches_of(session).outcomes.clear()
    end(store, claim(store, queue_job(store).id), record("INFO"))
    with store.transaction() as session:
        session.execute(text("UPDATE runs SET outcome_id = NULL"))
        session.execute(update(Outcome).values(created_at=NOON - timedelta(days=2)))
        assert purge_outcomes(session, created_before=NOON) == 1
    assert end(store, claim(store, queue_job(store).id), record("INFO")) is RunStatus.SUCCEEDED
    assert runs(store)[-1].outcome_id is not None


def test_a_conflict_is_retried(store: Store) -> None:
    job, tries = claim(store, queue_job(store).id), []

    def work(session: Any) -> RunStatus:
        tries.append(session)
        if len(tries) < 3:
            raise StoreConflict("a deadlock")
        return graduate_job(session, job.id, worker="w1", attempt=1, record=record("INFO"))

    assert store.run_in_transaction(work) is RunStatus.SUCCEEDED
    assert len(tries) == 3


@pytest.mark.parametrize("us", [0, 499, 500, 501, 1500, 2500, 999_500, 90_061_000_500, -5_000_000])
def test_the_duration_is_rounded_and_never_negative(store: Store, us: int) -> None:
    job = claim(store, queue_job(store).id)
    end(store, job, record("INFO", at=NOON + timedelta(microseconds=us)))
    assert runs(store)[0].duration_ms == max(0, round(us / 1000))
