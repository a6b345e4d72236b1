"""The list of workers, and the page of one worker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient

from gonemaster_api.state import state
from gonemaster_api.ui.admin.queue.flower import flower_link
from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.control.parts import QueueParts
from tests.support.rows import claim, make_run, record
from tests.ui.test_queue import submit, text_of

LIFE = timedelta(minutes=5)


def register(
    queue: QueueParts, name: str, *running: str, host: str = "one.example", slots: int = 2, **facts: Any
) -> None:
    state = WorkerState(name, host, 7, ("normal", "batch"), slots, dict.fromkeys(running, 0.0), 0.0, **facts)
    queue.broker.workers.register(state, LIFE)


def test_queue_page_shows_one_line_per_worker_with_its_job(
    client: FlaskClient, store: Store, queue: QueueParts
) -> None:
    first, second, third = submit(client, "a.example", "b.example", "c.example")
    for job_id in (first, second, third):
        claim(store, job_id, worker="worker-1-7@one.example")
    register(queue, "worker-1-7@one.example", first, second, third)
    register(queue, "worker-2-7@one.example")
    page = text_of(client)
    assert page.count("/workers/worker-") == 2
    assert "and 2 more" in page
    assert "+ 1 waiting for name servers" in page
    assert "1 waiting for name servers, without a slot" not in page  # four slots for three jobs
    assert "idle" in page


def test_more_than_twenty_workers_are_grouped_by_host(client: FlaskClient, queue: QueueParts) -> None:
    for number in range(21):
        register(queue, f"worker-{number}-7@h", host=f"host{number % 2}.example")
    page = text_of(client)
    assert "/workers/worker-" not in page
    assert page.count("/workers?host=host") == 2
    assert text_of(client, "/workers").count("/workers?host=host") == 2
    assert text_of(client, "/workers?host=host1.example").count("/workers/worker-") == 10


def test_page_of_a_worker_shows_process_jobs_and_last_tests(
    client: FlaskClient, store: Store, queue: QueueParts
) -> None:
    name = "worker-1-7@one.example"
    (job_id,) = submit(client, "now.example")
    claim(store, job_id, worker=name)
    make_run(store, "before.example", record())
    register(queue, name, job_id, version="9.8.7", cores=0.25, memory=50 * 2**20, restarts=3)
    page = text_of(client, f"/workers/{name}")
    for text in ("now.example", "9.8.7", "25\u00a0%", "50\u00a0MiB", "journalctl -u gonemaster | grep -w worker-1"):
        assert text in page
    assert "before.example" not in page  # run by another worker
    assert client.get("/workers/none", headers={"Accept": "text/html"}).status_code == 404


def test_no_link_to_flower_while_it_is_not_listening(client: FlaskClient) -> None:
    with client.application.app_context():
        assert flower_link(state(), "localhost") == ""
    assert "Flower" not in text_of(client)
