"""Redis fails between the commit of rows and the push of their messages: the jobs start once Redis answers again.

The interval of the regular reconciliation is an hour here, so it does not cause the repair.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.models import RunStatus
from gonemaster_db.queue.jobs import create_job
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.control.submit import submit_batch, submit_job
from tests.support.redis_faults import answering_with
from tests.support.stores import MakeSettings
from tests.support.workers import Farm, open_farm, wait_until

pytestmark = pytest.mark.thorough

NEVER_S = "3600"


@pytest.fixture
def lazy_farm(own_broker: Broker, make_store_settings: MakeSettings, tmp_path: Path) -> Iterator[Farm]:
    """Processes of the service that reconcile when they start, and then once an hour."""
    environ = {"GONEMASTER_RECONCILE_INTERVAL_SECONDS": NEVER_S}
    with open_farm(own_broker, make_store_settings("sqlite"), tmp_path, **environ) as farm:
        farm.start_worker("one")
        assert farm.run_of(farm.submit("first.test")).status is RunStatus.SUCCEEDED
        # A held message would explain a row without a message, and the reconciler would change nothing.
        wait_until(lambda: not farm.broker.unacked.count(), what="its acknowledgement")
        yield farm


@dataclass
class FailingWithTheCommit:
    """A fault of Redis that starts in the transaction, after all earlier commands."""

    server: EmbeddedRedis
    fault: str
    begun: list[AbstractContextManager[None]] = field(default_factory=list)

    def begin(self, *_: object) -> None:
        """Start the fault; called in the transaction, which may be repeated."""
        if not self.begun:
            self.begun.append(answering_with(self.fault, self.server))
            self.begun[0].__enter__()

    def end(self) -> None:
        """Undo the fault."""
        self.begun[0].__exit__(None, None, None)


def _job(farm: Farm, begin: Callable[..., None]) -> list[str]:
    return [submit_job(farm.parts, NewJob("alone.test"), write=begin).id]


def _batch(farm: Farm, begin: Callable[..., None]) -> list[str]:
    jobs = (NewJob(f"d{number}.test", priority=1) for number in range(5))
    return list(submit_batch(farm.parts, NewBatch(5), jobs, write=begin).job_ids)


@pytest.mark.parametrize("submit", [_job, _batch], ids=["job", "batch"])
@pytest.mark.parametrize("fault", ["noperm", "readonly"])
def test_jobs_whose_push_failed_start_when_redis_answers_again(
    submit: Callable[[Farm, Callable[..., None]], list[str]], fault: str, lazy_farm: Farm, own_redis: EmbeddedRedis
) -> None:
    failing = FailingWithTheCommit(own_redis, fault)
    job_ids = submit(lazy_farm, failing.begin)
    assert job_ids
    failing.end()
    assert {lazy_farm.run_of(job_id, within_s=30).status for job_id in job_ids} == {RunStatus.SUCCEEDED}
    wait_until(lambda: not lazy_farm.broker.reconciliation.mark(), what="the request is done")


def test_rows_of_a_process_that_is_gone_start_when_redis_answers_again(
    lazy_farm: Farm, own_redis: EmbeddedRedis
) -> None:
    with answering_with("noperm", own_redis):
        job_id = lazy_farm.store.run_in_transaction(lambda session: create_job(session, NewJob("orphan.test"))).id
        wait_until(lambda: "heartbeat" in lazy_farm.log("one"), what="the error is noticed")
    assert lazy_farm.run_of(job_id, within_s=30).status is RunStatus.SUCCEEDED


def test_the_mark_alone_lets_workers_reconcile(lazy_farm: Farm) -> None:
    job_id = lazy_farm.store.run_in_transaction(lambda session: create_job(session, NewJob("orphan.test"))).id
    lazy_farm.broker.reconciliation.post()
    assert lazy_farm.run_of(job_id, within_s=30).status is RunStatus.SUCCEEDED


def test_the_mark_is_set_as_soon_as_redis_answers_and_ends_given_up_submissions(
    own_redis: EmbeddedRedis, own_broker: Broker
) -> None:
    own_broker.marks.begin_submission("batch_1", timedelta(hours=1))
    with answering_with("noperm", own_redis):
        own_broker.reconciliation.post()
        own_broker.reconciliation.post(submission="batch_1")
    wait_until(lambda: not own_broker.marks.submissions(), what="the submission is over")
    assert own_broker.reconciliation.mark()


def test_a_request_that_is_made_meanwhile_outlives_the_reconciliation(broker: Broker) -> None:
    broker.reconciliation.set_mark()
    read = broker.reconciliation.mark()
    broker.reconciliation.set_mark()
    broker.reconciliation.remove_mark(read)
    assert broker.reconciliation.mark()
    broker.reconciliation.remove_mark(broker.reconciliation.mark())
    assert not broker.reconciliation.mark()
