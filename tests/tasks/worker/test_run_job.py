"""A message is dropped only if its job no longer needs it, regardless of what happens after its claim."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.states import RunStatus
from gonemaster_db.queue.jobs import hold_job
from gonemaster_db.queue.pauses import pause_tiers, resume_tiers
from gonemaster_db.runs.entries import entries_of_run
from gonemaster_db.runs.runs import get_run
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.events import EventPublisher
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.queues import BATCH, CHECK, MAINTENANCE, NORMAL, ORDER
from gonemaster_tasks.worker.consume.gate import Gate
from gonemaster_tasks.worker.consume.head_order import HeadOrder
from gonemaster_tasks.worker.execute.claims import ClaimStore
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.run_job import run_job
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder
from tests.support.rows import queue_job

NOT_PAUSED = Controls({})


@dataclass
class CountingRunner:
    """An engine that returns immediately with the given entries."""

    tested: list[str] = field(default_factory=list)
    entries: list[EntryRecord] = field(default_factory=list)

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def run(self, order: TestOrder, listeners: Listeners) -> RunOutcome:
        self.tested.append(order.job_id)
        return RunOutcome(self.entries, effective_profile={})


@pytest.fixture
def runner() -> CountingRunner:
    return CountingRunner()


@pytest.fixture
def process(store: Store, broker: Broker, runner: CountingRunner) -> Iterator[Process]:
    """A worker process without Celery, whose gate has not received a pause."""
    clock = SharedClock()
    gate = Gate(slots=2, reserved_normal=0, clock=clock)
    gate.update(NOT_PAUSED, None)
    claims = ClaimStore(store, worker="w1", clock=clock, lease=timedelta(minutes=1))
    live, events = LiveSettings(Settings()), EventPublisher(broker.events)
    made = Process("w1", live, store, broker, runner, gate, events, claims, clock, HeadOrder(store, broker))
    made.loop.start()
    yield made
    made.loop.stop()


def pause(store: Store) -> None:
    with store.transaction() as session:
        pause_tiers(session, [NORMAL], paused_by="ops", reason="", now=utcnow())


def resume(store: Store) -> None:
    with store.transaction() as session:
        resume_tiers(session, [NORMAL])


def after_the_next(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, then: Callable[[], object]) -> None:
    """Call a function right after the next call of a method."""
    method = getattr(owner, name)

    def call(*args: object) -> object:
        monkeypatch.setattr(owner, name, method)
        answer = method(*args)
        then()
        return answer

    monkeypatch.setattr(owner, name, call)


def test_a_job_refused_by_a_pause_keeps_its_message(process: Process, runner: CountingRunner) -> None:
    job_id = queue_job(process.store).id
    pause(process.store)
    run_job(process, job_id, NORMAL)
    assert list(process.broker.lists.waiting_ids(NORMAL)) == [job_id]
    assert process.gate.paused(NORMAL)  # otherwise the next BRPOP would take it again
    assert not runner.tested


def test_a_job_refused_by_a_pause_that_ends_at_once_keeps_its_message(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue_job(process.store).id
    pause(process.store)
    after_the_next(monkeypatch, process.claims, "claim", partial(resume, process.store))
    run_job(process, job_id, NORMAL)
    assert list(process.broker.lists.waiting_ids(NORMAL)) == [job_id]
    assert not process.gate.paused(NORMAL)


def test_a_message_that_is_put_back_and_taken_again_at_once_is_not_dropped(
    process: Process, runner: CountingRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue_job(process.store).id
    pause(process.store)

    def take_again() -> None:
        resume(process.store)
        process.gate.update(NOT_PAUSED, None)  # the heartbeat reads the copy in Redis, which has no pause yet
        run_job(process, job_id, NORMAL)

    after_the_next(monkeypatch, process.broker.lists, "put_back", take_again)
    run_job(process, job_id, NORMAL)
    assert runner.tested == [job_id]


@pytest.mark.parametrize("state", ["held", "expired", "unknown"])
def test_the_message_of_a_job_that_is_not_due_is_dropped(process: Process, runner: CountingRunner, state: str) -> None:
    # An expired job waits for the reaper, which makes a run of it: if requeued, its message would circulate until
    # then.
    expires_at = utcnow() - timedelta(seconds=1) if state == "expired" else None
    job_id = "job_unknown" if state == "unknown" else queue_job(process.store, expires_at=expires_at).id
    if state == "held":
        with process.store.transaction() as session:
            hold_job(session, job_id)
    run_job(process, job_id, NORMAL)
    assert process.broker.lists.depth(NORMAL) == 0
    assert not runner.tested


@pytest.mark.parametrize("gone", [False, True], ids=["the claim", "the row"])
def test_what_a_failover_lost_while_a_job_ran_waits_again_or_is_forgotten(
    process: Process, runner: CountingRunner, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    job_id = queue_job(process.store).id
    statement = "DELETE FROM jobs" if gone else "UPDATE jobs SET status = 'queued', worker = NULL, attempt = 0"

    def lose() -> None:
        with process.store.transaction() as session:
            session.execute(text(statement))

    after_the_next(monkeypatch, process.claims, "claim", lose)
    run_job(process, job_id, NORMAL)
    assert runner.tested == [job_id]
    assert list(process.broker.lists.waiting_ids(NORMAL)) == ([] if gone else [job_id])
    if not gone:
        run_job(process, job_id, NORMAL)
        assert runner.tested == [job_id] * 2


def test_a_job_that_cannot_be_claimed_returns_to_the_front_and_consuming_stops(
    process: Process, runner: CountingRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (queue_job(process.store).id for _ in range(2))
    process.gate.pause_while(process.database.is_unavailable)

    def refuse(job_id: str) -> None:
        raise StoreUnavailable("the server closed the connection")

    with monkeypatch.context() as fault:
        fault.setattr(process.claims, "claim", refuse)
        run_job(process, second, NORMAL)
        assert process.gate.queues(ORDER) == []
    run_job(process, first, NORMAL)  # a pending BRPOP had taken it
    assert list(process.broker.lists.waiting_ids(NORMAL)) == [first, second]
    assert not runner.tested
    process.database.record_claim()
    assert process.gate.queues(ORDER) == [MAINTENANCE, NORMAL, CHECK, BATCH]
    run_job(process, first, NORMAL)
    assert runner.tested == [first]


def test_a_result_that_cannot_be_stored_is_reported_until_it_is(
    process: Process, runner: CountingRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue_job(process.store).id
    graduate, reported = process.claims.graduate, []

    def refuse_once(*arguments: Any, **options: Any) -> RunStatus:
        reported.append(process.jobs.with_results())
        if len(reported) == 1:
            raise StoreUnavailable("the server closed the connection")
        return graduate(*arguments, **options)

    monkeypatch.setattr(process.claims, "graduate", refuse_once)
    run_job(process, job_id, NORMAL)
    assert reported == [(), (job_id,)]
    assert process.jobs.with_results() == ()
    assert runner.tested == [job_id]


@pytest.mark.parametrize(
    ("tag", "status", "error"), [("NO_NETWORK", "failed", "no_network"), ("OTHER", "succeeded", "")]
)
def test_a_run_without_a_network_fails_and_keeps_its_entries(
    process: Process, runner: CountingRunner, tag: str, status: str, error: str
) -> None:
    runner.entries.append(EntryRecord(0.5, "SYSTEM", "", tag, "CRITICAL", {}))
    job_id = queue_job(process.store).id
    run_job(process, job_id, NORMAL)
    with process.store.read_only() as session:
        run = get_run(session, job_id)
        found = [entry.tag for entry in entries_of_run(session, job_id)]
    assert (run.status.value, run.error, run.score, run.grade) == (status, error, None, None)
    assert found == [tag]
