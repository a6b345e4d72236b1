"""Many threads of two stores change jobs and runs concurrently; afterwards all copies and counts are correct.

GONEMASTER_CROWD=500 lets each thread make five hundred changes.
"""

import os
import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gonemaster_db.batches.batch_jobs import waiting_of_batch
from gonemaster_db.batches.batch_statistics import build_statistics
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.batches.deletion import delete_batch, purge_finished_before, purge_tag
from gonemaster_db.core.errors import BatchNotFound, JobNotFound, JobsNotTerminal
from gonemaster_db.core.records import EntryRecord, NewBatch, NewJob, RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import refresh_domains
from gonemaster_db.domains.tags import tag_domains, untag_domains
from gonemaster_db.models import Batch, Domain, Job, JobStatus, Run, RunStatus
from gonemaster_db.queue.jobs import ClaimedJob, claim_job, create_jobs
from gonemaster_db.runs.entries import entries_of_run
from gonemaster_db.runs.graduation import cancel_waiting_jobs, graduate_job, request_cancel
from gonemaster_db.runs.outcomes import purge_outcomes
from gonemaster_db.runs.runs import set_score
from tests.support.consistency import faults
from tests.support.histories import chance as material
from tests.support.histories.rows import storable
from tests.support.rows import LEASE, NOON
from tests.support.stores import DRIVERS, MakeSettings, opened
from tests.support.threads import together

pytestmark = pytest.mark.thorough

T = TypeVar("T")
Change = Callable[[Random], None]
CHANGES = int(os.environ.get("GONEMASTER_CROWD", "25"))  # changes of each thread
_WORKERS = 4
_NAMES = [f"d{number}.example" for number in range(40)]
_TAG = "mine"
_STEP = 20  # runs in one transaction of a purge


class Crowd:
    """Threads of two processes on one database; `written` has the entries of each run that a worker wrote."""

    def __init__(self, stores: Sequence[Store], seed: int) -> None:
        self._stores = stores
        self.seed = seed
        self.written: dict[str, list[EntryRecord]] = {}
        self._forms = material.forms(Random(seed))

    @property
    def store(self) -> Store:
        """The store of a random process; each store caches outcomes separately."""
        return random.choice(self._stores)

    def loops(self) -> list[Callable[[], None]]:
        """Return the functions that the threads run."""
        workers: list[Change] = [partial(self.work, f"w{number}") for number in range(_WORKERS)]
        others: list[Change] = [
            self.submit,
            self.cancel,
            self.end_batch,
            self.purge,
            self.score,
            self.tag,
            self.maintain,
        ]
        return [partial(self._repeat, change, number) for number, change in enumerate([*workers, *others])]

    def _repeat(self, change: Change, number: int) -> None:
        chance = Random(f"{self.seed} {number}")
        for _ in range(CHANGES):
            change(chance)

    def submit(self, chance: Random) -> None:
        names, tags = chance.sample(_NAMES, 12), [_TAG] if chance.random() < 0.5 else []

        def write(session: Session) -> None:
            batch = create_batch(session, NewBatch(len(names)), now=NOON)
            jobs = (NewJob(name, priority=1, batch_id=batch.id, config={"tags": tags}) for name in names)
            assert sum(map(len, create_jobs(session, jobs, now=NOON))) == len(names)

        self.store.run_in_transaction(write)

    def work(self, worker: str, chance: Random) -> None:
        """Claim some jobs and graduate them, with results that other workers write at the same time."""
        for job_id in self._sample(chance, Job.id, Job.status == JobStatus.QUEUED, most=4):
            claim = partial(claim_job, job_id=job_id, worker=worker, now=NOON, lease=LEASE)
            if job := self.store.run_in_transaction(claim):
                self._graduate(job, worker, chance)

    def _graduate(self, job: ClaimedJob, worker: str, chance: Random) -> None:
        record = self._record(job, chance)
        end = partial(graduate_job, job_id=job.id, worker=worker, attempt=job.attempt, record=record)
        assert self.store.run_in_transaction(end) == record.status
        self.written[job.id] = list(record.entries)

    def _record(self, job: ClaimedJob, chance: Random) -> RunRecord:
        status = chance.choices((RunStatus.SUCCEEDED, RunStatus.FAILED), (9, 1))[0]
        score = chance.randrange(101) if status is RunStatus.SUCCEEDED and chance.random() < 0.5 else None
        return RunRecord(
            status=status,
            finished_at=_moment(chance),
            entries=material.result(chance, self._forms),
            nameserver_timings=material.timings(chance),
            dnssec_chain=material.chain(chance, job.domain),
            effective_profile=material.effective_profile(chance),
            score=score,
            grade=None if score is None else chance.choice(material.GRADES),
        )

    def cancel(self, chance: Random) -> None:
        """Cancel waiting and running jobs, separately and together."""
        ids = self._sample(chance, Job.id, most=3)
        with suppress(JobNotFound):
            for job_id in ids[:1]:
                self.store.run_in_transaction(partial(request_cancel, job_id=job_id, now=_moment(chance)))
        self.store.run_in_transaction(lambda session: cancel_waiting_jobs(session, ids, now=_moment(chance)))

    def end_batch(self, chance: Random) -> None:
        """Cancel the waiting jobs of a batch and delete it, unless some of its jobs are running."""
        for batch_id in self._sample(chance, Batch.id, most=1):
            self.store.run_in_transaction(partial(_cancel_waiting, batch_id=batch_id, now=_moment(chance)))
            with suppress(JobsNotTerminal, BatchNotFound):
                self.store.run_in_transaction(partial(delete_batch, batch_id=batch_id))

    def purge(self, chance: Random) -> None:
        """Remove some old runs, or some runs of a tag."""
        cutoff = NOON + timedelta(seconds=chance.randrange(20))
        steps: tuple[Callable[[Session], int], ...] = (
            lambda session: purge_finished_before(session, cutoff, limit=_STEP),
            lambda session: purge_tag(session, _TAG, limit=_STEP // 4),
        )
        self.store.run_in_transaction(chance.choice(steps))

    def score(self, chance: Random) -> None:
        """Store late scores."""
        for run_id in self._sample(chance, Run.id, Run.status == RunStatus.SUCCEEDED, most=3):
            score, grade = chance.randrange(101), chance.choice(material.GRADES)
            self.store.run_in_transaction(partial(set_score, run_id=run_id, score=score, grade=grade))

    def tag(self, chance: Random) -> None:
        """Change members of the tag, and recount domains as a deletion does."""
        names = chance.sample(_NAMES, 3)

        def change(session: Session) -> None:
            ids = session.scalars(select(Domain.id).where(Domain.name.in_(names))).all()
            untag_domains(session, _TAG, names[:2])
            tag_domains(session, [_TAG], ids[1:], now=NOON)
            refresh_domains(session, ids)

        self.store.run_in_transaction(change)

    def maintain(self, chance: Random) -> None:
        """Remove outcomes that are unused but cached by workers, and count the values of a batch."""
        self.store.run_in_transaction(partial(purge_outcomes, created_before=NOON + timedelta(days=1), limit=3))
        for key in self._sample(chance, Batch.key, most=1):
            build_statistics(self.store, key, now=lambda: NOON)

    def _sample(self, chance: Random, column: InstrumentedAttribute[T], *conditions: Any, most: int) -> list[T]:
        with self.store.read_only() as session:
            found = list(session.scalars(select(column).where(*conditions).order_by(column).limit(200)))
        return chance.sample(found, min(most, len(found)))

    def wrong_entries(self) -> Iterator[str]:
        """Yield the runs whose entries differ from those that were written."""
        with self.store.read_only() as session:
            for run_id in session.scalars(select(Run.id)).all():
                found = [(each.tag, each.level, each.args) for each in entries_of_run(session, run_id)]
                written = self.written.get(run_id, [])
                if found != [(each.tag, each.level, storable(each.args)) for each in written]:
                    yield run_id


@pytest.mark.parametrize("driver", DRIVERS)
def test_counts_are_correct_after_concurrent_changes(make_store_settings: MakeSettings, driver: Any) -> None:
    seed = int(os.environ.get("GONEMASTER_HISTORY_SEED", secrets.randbelow(2**32)))
    settings = make_store_settings(driver)
    with opened(settings) as store, opened(settings) as other, _with_seed(seed):
        crowd = Crowd([store, other], seed)
        crowd.submit(Random(seed))
        ends = together(*crowd.loops())
        assert [end for end in ends if isinstance(end, Exception)] == []
        assert faults(store) == []
        assert list(crowd.wrong_entries()) == []


def _moment(chance: Random) -> datetime:
    return NOON + timedelta(seconds=chance.randrange(60))


def _cancel_waiting(session: Session, *, batch_id: str, now: datetime) -> None:
    cancel_waiting_jobs(session, waiting_of_batch(session, batch_id, limit=100), now=now)


@contextmanager
def _with_seed(seed: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        error.add_note(f"GONEMASTER_HISTORY_SEED={seed}")
        raise
