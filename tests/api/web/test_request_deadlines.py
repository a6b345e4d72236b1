"""A request that changes data ends in time, and commits nothing after that."""

import logging

import pytest
from sqlalchemy import func, select, text

from gonemaster_db.core.session import Store
from gonemaster_db.models import Batch, Job
from gonemaster_tasks.control.broadcasts import post_cancel
from gonemaster_tasks.control.parts import QueueParts
from tests.api.conftest import MakeApp


def held(store: Store) -> str:
    """The statement with which another transaction blocks all writes to jobs."""
    return "SELECT 1" if store.engine.dialect.name == "sqlite" else "LOCK TABLE jobs IN EXCLUSIVE MODE"


@pytest.mark.parametrize(
    ("path", "body"),
    [("/api/v1/jobs", {"domain": "a.example"}), ("/api/v1/jobs/batch", {"domains": ["a.example", "b.example"]})],
)
def test_a_submission_that_waits_ends_and_is_not_stored_later(
    make_app: MakeApp, queue: QueueParts, path: str, body: dict[str, object]
) -> None:
    client = make_app(write_timeout="300ms").test_client()
    with queue.store.transaction() as other:
        other.execute(text(held(queue.store)))
        answer = client.post(path, json=body)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (503, "request_timeout")
    assert answer.headers["Retry-After"]
    with queue.store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
        assert session.scalar(select(func.count()).select_from(Batch)) == 0
    with queue.store.transaction():  # the thread no longer has a limit
        pass
    assert make_app().test_client().post(path, json=body).status_code in (201, 202)


def test_a_broadcast_blocks_no_sender_and_is_bounded(queue: QueueParts, caplog: pytest.LogCaptureFixture) -> None:
    threads = [post_cancel(queue.celery, ["job_1"]) for _ in range(50)]
    assert post_cancel(queue.celery, []) is None
    for thread in threads:
        if thread is not None:
            thread.join()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        last = post_cancel(queue.celery, ["job_1"])
        assert last is not None  # threads are free again
        last.join()
    assert caplog.records == []
