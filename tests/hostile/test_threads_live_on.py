"""Every repeated task of a process continues after any error or delay of its work, and its log stays short."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_db.core.session import open_store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.events import JobEvent
from gonemaster_tasks.broker.processes.locks import Lock
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.repeating import LOG_EVERY_S, FailureLog
from gonemaster_tasks.worker.consume import tier_order
from gonemaster_tasks.worker.execute.running import RunningJob
from gonemaster_tasks.worker.main import Worker
from tests.support.standin_worker import StandIn
from tests.support.stores import MakeSettings
from tests.support.workers import wait_until

ERRORS: list[Exception] = [
    BrokerUnavailable("away"),
    StoreUnavailable("away"),
    ValueError("no number"),
    MemoryError(),
    RecursionError(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
]


@dataclass
class Poisoned:
    """A call that raises each error once and then works."""

    call: Callable[..., Any]
    left: list[Exception] = field(default_factory=lambda: list(ERRORS))
    succeeded: int = 0

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        if self.left:
            raise self.left.pop()
        answer = self.call(*arguments, **keywords)
        self.succeeded += 1
        return answer


@pytest.fixture
def worker(broker: Broker, make_store_settings: MakeSettings, tmp_path: Path) -> Iterator[Worker]:
    """All parts of a worker process except Celery's consumer, not started yet."""
    flags = {
        "broker_url": broker.address.url,
        "data_dir": str(tmp_path),
        "lease_seconds": "2",
        "reconcile_interval_seconds": "1",
    }
    store = open_store(make_store_settings("sqlite"))
    made = Worker(LiveSettings(load_settings(flags, {})), store, StandIn(), name="w")
    yield made
    made._stop()
    made.app.close()
    tier_order.install(None)


TASKS: dict[str, Callable[[Worker], tuple[object, str]]] = {
    "heartbeat": lambda worker: (worker.process.broker.workers, "register"),
    "flags": lambda worker: (worker.process.broker.marks, "controls"),
    "settings": lambda worker: (worker.process.broker.marks, "settings_mark"),
    "events": lambda worker: (worker.process.broker.events, "publish_many"),
    "maintenance timer": lambda worker: (worker.process.broker.rejected, "quarantine_wrong_types"),
    "leases": lambda worker: (worker.process.store, "run_in_transaction"),
}


@pytest.mark.parametrize("task", TASKS)
def test_a_task_of_a_worker_goes_on_after_every_error(worker: Worker, task: str) -> None:
    place, name = TASKS[task](worker)
    poisoned = Poisoned(getattr(place, name))
    setattr(place, name, poisoned)
    worker._start()
    worker.process.jobs.add(RunningJob("job_1", "normal", attempt=1))  # leases of running jobs are renewed

    def work_continues() -> bool:
        worker.process.publisher.post("job_1", JobEvent("state", {}))
        worker.process.broker.marks.publish_settings("1")
        return not poisoned.left and poisoned.succeeded >= 2

    wait_until(work_continues, what="the work is done again")


def test_a_lock_is_renewed_after_every_error(broker: Broker) -> None:
    life = timedelta(milliseconds=300)
    broker.locks.acquire("duty", "me", timedelta(seconds=60))
    lock = Lock(broker.locks, "duty", "me", life)
    poisoned = Poisoned(broker.locks.renew)
    broker.locks.renew = poisoned  # type: ignore[method-assign]
    lock.start()
    wait_until(lambda: poisoned.succeeded >= 2)
    lock.release()


def test_a_log_of_failures_has_the_first_and_one_a_minute_and_the_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    failures = FailureLog("duty", clock=lambda: now)
    for _ in range(1000):
        failures.failed(BrokerUnavailable("away"))
        now += LOG_EVERY_S / 100
    failures.succeeded()
    failures.succeeded()
    counts = [getattr(record, "failures", None) for record in caplog.records]
    assert counts[0] == 1
    assert counts[-1] == 1000
    assert 10 <= len(counts) <= 12
    assert [record.message for record in caplog.records][-1] == "works again"
    assert all(record.exc_info is None for record in caplog.records)


def test_work_that_fails_and_succeeds_in_turns_has_as_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = 0.0
    failures = FailureLog("duty", clock=lambda: now)
    for _ in range(300):
        failures.failed(BrokerUnavailable("read-only"))
        failures.succeeded()
        now += LOG_EVERY_S / 100
    assert [record.message for record in caplog.records] == ["task failed, will be retried", "works again"] * 3


def test_an_unexpected_error_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    FailureLog("duty").failed(ValueError("no number"))
    assert caplog.records[0].exc_info
    assert "ValueError: no number" in str(caplog.records[0].__dict__["error"])
