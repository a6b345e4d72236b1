"""The data that Flower shows: domain, tier and batch of each task, and jobs canceled while they waited."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from celery.events.state import State
from celery.worker import state as worker_state

from gonemaster_tasks.control import revocation
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.order import remove_jobs
from gonemaster_tasks.queues import BATCH, NORMAL
from gonemaster_tasks.worker.execute.task_events import bound_revoked
from tests.support.workers import Farm, wait_until


class Monitor:
    """The state of Flower: Celery's record of its events, filled by a thread."""

    def __init__(self, farm: Farm) -> None:
        self.state = State()
        self.kinds: list[tuple[str, str]] = []
        self._connection = farm.parts.celery.connection_for_read()
        self._receiver = farm.parts.celery.events.Receiver(self._connection, handlers={"*": self._take})
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self) -> None:
        try:
            self._receiver.capture(limit=None, timeout=None, wakeup=True)
        except OSError:
            return

    def _take(self, event: dict[str, Any]) -> None:
        self.state.event(event)
        if "uuid" in event:
            self.kinds.append((event["type"], event["uuid"]))

    def task(self, job_id: str, state: str) -> Any:
        """Wait until Flower would show a task in this state."""

        def found() -> Any:
            task = self.state.tasks.get(job_id)
            return task if task is not None and task.state == state else None

        return wait_until(found, what=f"{job_id} {state}")

    def close(self) -> None:
        self._receiver.should_stop = True
        self._thread.join(10)
        self._connection.close()


@pytest.fixture
def monitor(farm: Farm) -> Iterator[Monitor]:
    made = Monitor(farm)
    yield made
    made.close()


def test_flower_sees_what_a_task_is_about_and_what_was_canceled(farm: Farm, monitor: Monitor) -> None:
    farm.start_worker("one", "--queues", NORMAL)  # batch jobs wait
    assert farm.parts.celery.control.broadcast("enable_events", reply=True, limit=1, timeout=10)  # as Flower does
    single = farm.submit("a.test")
    shown = monitor.task(single, "SUCCESS")
    assert (shown.name, shown.args, shown.routing_key) == ("gonemaster.run", "domain=a.test, tier=normal", NORMAL)
    assert monitor.kinds.count(("task-started", single)) == 1

    batch = farm.submit_batch(["canceled.test", "removed.test"])
    canceled, removed = batch.job_ids
    cancel_job(farm.parts, canceled)
    remove_jobs(farm.parts, [removed])
    for job_id, domain in ((canceled, "canceled.test"), (removed, "removed.test")):
        shown = monitor.task(job_id, "REVOKED")
        assert shown.args == f"domain={domain}, tier=batch, batch={batch.batch.id}"
        assert shown.routing_key == BATCH
    farm.broker.lists.enqueue(canceled, NORMAL)  # a leftover message: the worker knows its state without the database
    assert farm.run_of(farm.submit("b.test")).status == "succeeded"
    wait_until(lambda: "Discarding revoked task" in farm.log("one"), what="the stale message is dropped")
    assert ("task-started", canceled) not in monitor.kinds
    assert "as revoked in backend" not in farm.log("one")
    (worker,) = farm.parts.celery.control.inspect(timeout=5, limit=1).revoked().values()
    assert set(worker) == {canceled, removed}


def test_more_than_a_hundred_are_left_to_their_rows(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(revocation, "post_commands", lambda _celery, commands, **_: sent.append(commands))
    monkeypatch.setattr(farm.broker.workers, "live", lambda: [_Worker()])
    ids = list(farm.submit_batch([f"d{number}.test" for number in range(101)]).job_ids)
    assert len(remove_jobs(farm.parts, ids)) == 101
    assert sent == []
    ids = list(farm.submit_batch([f"e{number}.test" for number in range(100)]).job_ids)
    remove_jobs(farm.parts, ids)
    ((revoke, announce),) = sent
    assert (revoke.method, len(revoke.arguments["task_id"]), len(announce.arguments["tasks"])) == ("revoke", 100, 100)
    assert (revoke.to, announce.to) == (None, "one@host")


class _Worker:
    name, draining = "one@host", False


def test_the_revoked_ids_of_a_worker_are_few() -> None:
    before = worker_state.revoked.maxlen, worker_state.revoked.expires
    try:
        bound_revoked()
        worker_state.revoked.update([f"job_{number}" for number in range(5000)])
        assert len(worker_state.revoked) <= 1000
    finally:
        worker_state.revoked.clear()
        worker_state.revoked.maxlen, worker_state.revoked.expires = before
