"""While Redis does not answer, changes that need only the database succeed with a note; other changes are refused."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.app import make_state
from gonemaster_api.state import NAME
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.domains.tags import create_tag
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_db.service.audit import list_actions
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from tests.support.rows import NOON, claim, make_run, queue_job

ABSENT = "redis+socket:///nonexistent/redis.sock"
V1 = "/api/v1"


@pytest.fixture
def away(
    client: FlaskClient, settings: Settings, queue: QueueParts, stopping: threading.Event
) -> Iterator[FlaskClient]:
    """A client of the application while its Redis does not answer."""
    app = client.application
    broker = Broker.open(ABSENT)
    with_redis = app.extensions[NAME]
    app.extensions[NAME] = make_state(settings, queue=replace(queue, broker=broker), stopping=stopping)
    yield client
    app.extensions[NAME] = with_redis
    broker.close()


def done(response: Any) -> dict[str, Any]:
    """Return the body of a request that succeeded without Redis, after checking its note."""
    body: dict[str, Any] = response.get_json()
    assert (response.status_code, body.pop("broker")) == (200, "unavailable")
    return body


def actions(store: Store) -> list[str]:
    with store.read_only() as session:
        return [action.action for action in list_actions(session, limit=10).items]


def item(store: Store, job_id: str) -> Job | Run:
    with store.read_only() as session:
        return find_job_or_run(session, job_id)


def test_a_pause_holds_and_ends_without_redis(away: FlaskClient, store: Store) -> None:
    assert done(away.post(f"{V1}/queue/pause", json={"tier": "batch"})) == {"status": "paused"}
    assert [tier["paused"] for tier in away.get(f"{V1}/queue").get_json()["tiers"]] == [False, True, False]
    assert done(away.post(f"{V1}/queue/resume")) == {"status": "resumed"}
    assert away.get(f"{V1}/queue").get_json()["paused"] is False
    assert actions(store) == ["queue.resume", "queue.pause"]


def test_jobs_are_held_canceled_and_removed_without_redis(away: FlaskClient, store: Store) -> None:
    first, second, running = (queue_job(store, f"{name}.example").id for name in "abc")
    claim(store, running)
    assert done(away.post(f"{V1}/jobs/{first}/hold"))["status"] == "paused"
    assert done(away.post(f"{V1}/jobs/{first}/release"))["status"] == "queued"
    assert done(away.post(f"{V1}/jobs/{first}/cancel"))["status"] == "canceled"
    assert done(away.post(f"{V1}/queue/remove", json={"job_ids": [second]})) == {"removed": [second]}
    assert done(away.post(f"{V1}/jobs/{running}/cancel"))["status"] == "running"
    asked = item(store, running)
    assert isinstance(asked, Job)
    assert asked.cancel_requested_at is not None
    assert actions(store) == ["job.cancel", "queue.remove", "job.cancel", "job.release", "job.hold"]


def test_runs_domains_batches_and_tags_are_deleted_without_redis(away: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example")
    with store.transaction() as session:
        create_tag(session, "old", now=NOON)
        batch_id = create_batch(session, NewBatch(1), now=NOON).id
    queue_job(store, "b.example", batch_id=batch_id, priority=1)
    assert done(away.post(f"{V1}/batches/{batch_id}/cancel"))["canceled"] == 1
    assert done(away.delete(f"{V1}/batches/{batch_id}")) == {}
    assert done(away.post(f"{V1}/jobs/purge", json={"older_than_days": 36500})) == {"purged_jobs": 0}
    assert done(away.delete(f"{V1}/domains/{run.domain_id}")) == {}
    assert done(away.post(f"{V1}/domains/prune", json={"without_runs": True}))["pruned_domains"] >= 0
    assert done(away.delete(f"{V1}/tags/old")) == {}
    assert away.get(f"{V1}/domains/{run.domain_id}").status_code == 404
    assert away.get(f"{V1}/batches/{batch_id}").status_code == 404


def test_a_scoring_configuration_is_stored_without_redis(away: FlaskClient) -> None:
    expected = {"severity_penalties": {"ERROR": 77}}
    assert done(away.put(f"{V1}/scoring-config", json=expected))["severity_penalties"]["ERROR"] == 77
    assert away.get(f"{V1}/scoring-config").get_json()["severity_penalties"]["ERROR"] == 77


def test_what_needs_redis_is_refused_and_nothing_is_done(away: FlaskClient, store: Store) -> None:
    first, second = (queue_job(store, f"{name}.example").id for name in "ab")
    for path, body in (
        ("queue/move", {"job_ids": [second], "to": "front"}),
        ("queue/reorder", {"job_ids": [second, first]}),
        ("jobs", {"domain": "c.example"}),
        ("jobs/batch", {"domains": ["c.example"]}),
    ):
        response = away.post(f"{V1}/{path}", json=body)
        assert (response.status_code, response.get_json()["error"]["code"]) == (503, "broker_unavailable")
    assert [job["id"] for job in away.get(f"{V1}/queue").get_json()["items"]] == [first, second]
    assert actions(store) == []


def test_the_health_of_the_queue_names_the_absent_broker(away: FlaskClient) -> None:
    response = away.get(f"{V1}/queue/health")
    found = response.get_json()
    assert (response.status_code, found["healthy"]) == (200, False)
    assert [(issue["kind"], issue["subject"]) for issue in found["issues"]] == [("broker_unavailable", "redis")]
    metrics = away.get(f"{V1}/metrics?format=prom").get_data(as_text=True)
    assert 'queue_issues{kind="broker_unavailable"} 1' in metrics


def test_with_redis_no_response_speaks_of_it(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example")
    assert client.post(f"{V1}/queue/pause").get_json() == {"status": "paused"}
    assert client.delete(f"{V1}/domains/{run.domain_id}").status_code == 204
