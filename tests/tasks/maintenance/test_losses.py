"""Lost jobs are distinguished from deleted jobs."""

from datetime import UTC, datetime, timedelta

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import created_at, id_at, new_job_id
from gonemaster_db.service.audit import record_action
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.losses import record_lost_jobs
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.maintenance.retention import BEAT
from gonemaster_tasks.queues import BATCH
from tests.tasks.rows import queue_batch


def test_an_id_tells_when_it_was_made() -> None:
    moment = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
    assert created_at(id_at("job", moment, 7)) == moment.timestamp()
    assert [created_at(text) for text in ("job_1", "batch_0000000000000000000", "job_" + "-" * 19)] == [None] * 3


def test_messages_without_a_job_or_a_run_are_losses_once(parts: QueueParts) -> None:
    kept = queue_batch(parts, 1)
    lost = [new_job_id() for _ in range(5)]
    parts.broker.lists.enqueue_many([*lost, "job_of_another_form"], BATCH)
    for _ in range(2):
        reconcile(parts.store, parts.broker, parts.celery, now=parts.clock.now())
    found = parts.broker.losses.found(shown=10)
    assert found is not None
    assert (found.count, sorted(found.job_ids)) == (5, sorted(lost))
    assert list(parts.broker.lists.waiting_ids(BATCH)) == kept


@pytest.mark.parametrize(("action", "who", "hides"), [("batch.delete", "ops", True), ("jobs.purge", BEAT, False)])
def test_deleted_jobs_are_no_loss(parts: QueueParts, action: str, who: str, hides: bool) -> None:
    with parts.store.transaction() as session:
        record_action(session, action, who=who, now=utcnow())
    assert record_lost_jobs(parts.store, parts.broker, [new_job_id()]) == (0 if hides else 1)
    assert (parts.broker.losses.found() is None) is hides


def test_jobs_older_than_what_retention_keeps_are_no_losses(parts: QueueParts) -> None:
    assert record_lost_jobs(parts.store, parts.broker, [id_at("job", utcnow() - timedelta(days=2), 1)]) == 0
