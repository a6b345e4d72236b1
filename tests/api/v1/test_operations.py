"""Work that is too large for a request becomes an operation: 202, and a path that shows its progress."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_tasks.control import operations
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.operations import perform_due_operations
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.rows import make_run, record

OLD = timedelta(days=40)


@pytest.fixture(autouse=True)
def _low_threshold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MAX_ROWS_IN_REQUEST", 2)


def accepted(response: Any) -> dict[str, Any]:
    assert response.status_code == 202, response.get_json()
    document: dict[str, Any] = response.get_json()
    assert response.headers["Location"] == f"/api/v1/operations/{document['id']}"
    assert (document["status"], document["done"], document["total"]) == ("queued", 0, 3)
    return document


def ended(client: FlaskClient, queue: QueueParts, operation: dict[str, Any]) -> dict[str, Any]:
    perform_due_operations(queue, worker="w", now=utcnow, lease=timedelta(seconds=30))
    document: dict[str, Any] = client.get(f"/api/v1/operations/{operation['id']}").get_json()
    assert (document["status"], document["done"], document["error"]) == ("succeeded", 3, "")
    return document


def test_cancel_of_a_large_batch(client: FlaskClient, queue: QueueParts) -> None:
    small = submit(client, "a.example", "b.example")["batch_id"]
    assert client.post(f"/api/v1/batches/{small}/cancel").get_json()["canceled"] == 2
    batch_id = submit(client, "a.example", "b.example", "c.example")["batch_id"]
    operation = accepted(client.post(f"/api/v1/batches/{batch_id}/cancel"))
    assert client.get("/api/v1/queue/health").get_json()["operations"] == [operation]
    assert accepted(client.post(f"/api/v1/batches/{batch_id}/cancel"))["id"] == operation["id"]
    result = ended(client, queue, operation)["result"]
    assert client.get("/api/v1/queue/health").get_json()["operations"] == []
    assert result == {"batch_id": batch_id, "canceled": 3, "stopping": 0}
    (line, _) = client.get("/api/v1/audit?action=batch.cancel").get_json()["items"]
    assert (line["count"], line["details"]) == (3, {"operation_id": operation["id"]})


def test_purge_of_many_runs(client: FlaskClient, queue: QueueParts, store: Store) -> None:
    for number in range(3):
        make_run(store, f"d{number}.example", record(at=utcnow() - OLD))
    operation = accepted(client.post("/api/v1/jobs/purge", json={"older_than_days": 30}))
    assert ended(client, queue, operation)["result"] == {"purged_jobs": 3}
    assert client.post("/api/v1/jobs/purge", json={"older_than_days": 30}).get_json() == {"purged_jobs": 0}


def test_purge_of_a_large_tag(client: FlaskClient, queue: QueueParts, store: Store) -> None:
    names = [f"d{number}.example" for number in range(3)]
    for name in names:
        make_run(store, name)
    client.post("/api/v1/tags/t/domains", json={"domains": names})
    operation = accepted(client.post("/api/v1/tags/t/purge"))
    assert ended(client, queue, operation)["result"] == {"purged_runs": 3}


def test_deletion_of_a_profile_with_many_runs(client: FlaskClient, queue: QueueParts, store: Store) -> None:
    profile_id = client.post("/api/v1/profiles", json={"name": "p"}).get_json()["id"]
    for number in range(3):
        make_run(store, f"d{number}.example", profile_id=profile_id)
    operation = accepted(client.delete(f"/api/v1/profiles/{profile_id}"))
    assert client.get(f"/api/v1/profiles/{profile_id}").status_code == 200
    assert ended(client, queue, operation)["result"] is None
    assert client.get(f"/api/v1/profiles/{profile_id}").status_code == 404
    (line,) = client.get("/api/v1/audit?action=profile.delete").get_json()["items"]
    assert (line["count"], line["details"]["name"]) == (1, "p")


def test_deletion_of_a_large_batch_stays_one_transaction_within_the_request(client: FlaskClient) -> None:
    batch_id = submit(client, "a.example", "b.example", "c.example")["batch_id"]
    assert client.delete(f"/api/v1/batches/{batch_id}").status_code == 204
    assert client.get("/api/v1/operations").get_json()["total"] == 0


def test_operations_are_listed_newest_first(client: FlaskClient) -> None:
    batches = [submit(client, "a.example", "b.example", "c.example")["batch_id"] for _ in range(2)]
    ids = [client.post(f"/api/v1/batches/{batch_id}/cancel").get_json()["id"] for batch_id in batches]
    page = client.get("/api/v1/operations?status=queued&kind=batch.cancel&limit=1").get_json()
    assert ([item["id"] for item in page["items"]], page["total"]) == ([ids[1]], 2)
    assert client.get("/api/v1/operations?kind=jobs.purge").get_json()["items"] == []
    assert error_of(client.get("/api/v1/operations?status=lost"))["code"] == "invalid_status"
    assert client.get("/api/v1/operations/op_none").status_code == 404
