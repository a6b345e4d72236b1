"""Domains are deleted with their runs, and pruned if they have none."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_tasks.control import operations
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.operations import perform_due_operations
from tests.api.web.test_errors import error_of
from tests.support.consistency import faults
from tests.support.rows import make_run


def number_of(client: FlaskClient, name: str) -> int:
    (found,) = client.get(f"/api/v1/domains?name={name}").get_json()["items"]
    number: int = found["id"]
    return number


def names(client: FlaskClient) -> list[str]:
    return [domain["name"] for domain in client.get("/api/v1/domains").get_json()["items"]]


def perform(queue: QueueParts) -> None:
    perform_due_operations(queue, worker="w", now=utcnow, lease=timedelta(seconds=30))


def test_a_domain_goes_with_its_runs_and_out_of_its_tags(client: FlaskClient, store: Store) -> None:
    kept, gone = make_run(store, "kept.example"), make_run(store, "gone.example")
    client.post("/api/v1/tags/mine/domains", json={"domains": ["gone.example", "kept.example"]})
    path = f"/api/v1/domains/{number_of(client, 'gone.example')}"
    waiting = client.post("/api/v1/jobs", json={"domain": "gone.example"}).get_json()["id"]
    assert error_of(client.delete(path))["code"] == "domain_in_use"
    client.post(f"/api/v1/jobs/{waiting}/cancel")
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert names(client) == ["kept.example"]
    assert [run["id"] for run in client.get("/api/v1/runs").get_json()["items"]] == [kept.id] != [gone.id]
    assert client.get("/api/v1/tags").get_json()[0]["domain_count"] == 1
    (line,) = client.get("/api/v1/audit?action=domain.delete").get_json()["items"]
    assert (line["target"], line["count"]) == ("gone.example", 2)
    assert faults(store) == []


def test_domains_without_runs_are_pruned(client: FlaskClient, store: Store) -> None:
    make_run(store, "tested.example")
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "b.example", "tested.example"]})
    client.post("/api/v1/tags/other/domains", json={"domains": ["c.example"]})
    client.post("/api/v1/jobs", json={"domain": "b.example"})
    expected = {"without_runs": True, "tag": "mine"}
    answer = client.post("/api/v1/domains/prune", json=expected | {"dry_run": True}).get_json()
    assert answer == {"pruned_domains": 1, "dry_run": True}
    assert client.post("/api/v1/domains/prune", json=expected).get_json() == {"pruned_domains": 1, "dry_run": False}
    assert names(client) == ["b.example", "c.example", "tested.example"]
    assert client.post("/api/v1/domains/prune", json={"without_runs": True}).get_json()["pruned_domains"] == 1
    assert faults(store) == []
    assert error_of(client.post("/api/v1/domains/prune", json={}))["code"] == "missing_without_runs"
    assert (
        error_of(client.post("/api/v1/domains/prune", json={"without_runs": False}))["code"] == "invalid_without_runs"
    )
    unknown = client.post("/api/v1/domains/prune", json={"without_runs": True, "tag": "none"})
    assert unknown.status_code == 404


def test_a_mistaken_batch_leaves_nothing_once_it_is_deleted_and_pruned(client: FlaskClient, store: Store) -> None:
    make_run(store, "kept.example")
    mistaken = [f"mistake{number}.example" for number in range(30)]
    batch = client.post("/api/v1/jobs/batch", json={"domains": mistaken}).get_json()["batch_id"]
    assert client.post(f"/api/v1/batches/{batch}/cancel").get_json()["canceled"] == 30
    prune = {"without_runs": True}
    assert client.post("/api/v1/domains/prune", json=prune | {"dry_run": True}).get_json()["pruned_domains"] == 0
    assert client.delete(f"/api/v1/batches/{batch}").status_code == 204
    left = len(names(client)) - 1
    preview = client.post("/api/v1/domains/prune", json=prune | {"dry_run": True}).get_json()
    done = client.post("/api/v1/domains/prune", json=prune).get_json()
    assert preview["pruned_domains"] == done["pruned_domains"] == left == 30
    assert names(client) == ["kept.example"]
    (line,) = client.get("/api/v1/audit?action=domains.prune").get_json()["items"]
    assert (line["target"], line["count"]) == ("", 30)
    assert faults(store) == []


def test_large_ones_become_operations(
    client: FlaskClient, store: Store, queue: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MAX_ROWS_IN_REQUEST", 1)
    for _ in range(2):
        make_run(store, "large.example")
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "b.example"]})
    deletion = client.delete(f"/api/v1/domains/{number_of(client, 'large.example')}")
    pruning = client.post("/api/v1/domains/prune", json={"without_runs": True})
    assert (deletion.status_code, pruning.status_code) == (202, 202)
    perform(queue)
    results = [client.get(response.headers["Location"]).get_json() for response in (deletion, pruning)]
    assert [found["status"] for found in results] == ["succeeded", "succeeded"]
    assert results[0]["result"] == {"purged_runs": 2}
    assert names(client) == []
