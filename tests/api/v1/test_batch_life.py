"""Batches after their submission: lists, counts, cancel, rerun, deletion."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.state import NAME
from gonemaster_api.use_cases import batch_deletion
from gonemaster_db.batches.batches import get_batch
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import get_job
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.queues import BATCH
from tests.api.conftest import MakeApp
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.rows import claim, finish_job, record


def finish(store: Store, answer: dict[str, Any], *levels: str) -> None:
    """Finish the jobs of a batch, each with one entry."""
    for job_id, level in zip(answer["job_ids"], levels, strict=False):
        finish_job(store, claim(store, job_id), record(level, score=50, grade="D"))


def test_batches_are_listed_newest_first(client: FlaskClient, store: Store) -> None:
    first = submit(client, "a.example", tags=["nordic"])
    second = submit(client, "b.example", "c.example", description="two")
    finish(store, second, "INFO")
    page = client.get("/api/v1/batches?limit=1000").get_json()
    assert [batch["batch_id"] for batch in page["items"]] == [second["batch_id"], first["batch_id"]]
    assert (page["total"], page["limit"]) == (2, 100)
    assert (page["items"][0]["completion"], page["items"][0]["status"]) == (50.0, "running")
    labelled = client.get("/api/v1/batches?label=NORD").get_json()["items"]
    assert [batch["batch_id"] for batch in labelled] == [first["batch_id"]]


def test_detail_counts_all_jobs_and_lists_those_asked_for(client: FlaskClient, store: Store) -> None:
    answer = submit(client, "a.example", "b.example", "c.example")
    finish(store, answer, "ERROR", "INFO")
    detail = client.get(f"/api/v1/batches/{answer['batch_id']}?severity=errors_only").get_json()
    assert [job["domain"] for job in detail["items"]] == ["a.example"]
    assert detail["total"] == 1
    assert (detail["status_counts"]["queued"], detail["status_counts"]["succeeded"]) == (1, 2)
    assert detail["grades"] == {"D": 2}
    assert detail["worst_levels"] == {"ERROR": 1, "INFO": 1}
    assert detail["finished_at"] is None


def test_snapshot_intent_is_changed(client: FlaskClient) -> None:
    batch = f"/api/v1/batches/{submit(client, 'a.example')['batch_id']}"
    assert client.patch(batch, json={"snapshot_intent": True}).get_json()["snapshot_intent"] is True
    assert error_of(client.patch(batch, json={}))["code"] == "missing_field"
    assert client.patch("/api/v1/batches/none", json={"snapshot_intent": True}).status_code == 404


def test_name_description_and_tags_of_a_batch_are_changed(client: FlaskClient) -> None:
    batch = submit(client, "a.example", name="first", tags=["mine"])["batch_id"]
    changed = {"name": "second", "description": "two\r\nlines", "tags": ["theirs", "ours"]}
    found = client.patch(f"/api/v1/batches/{batch}", json=changed).get_json()
    assert (found["name"], found["description"], found["tags"]) == ("second", "two\nlines", ["theirs", "ours"])
    assert (found["tag"], found["snapshot_intent"]) == ("theirs", False)
    detail = client.get(f"/api/v1/batches/{batch}").get_json()
    assert (detail["name"], detail["tags"]) == ("second", ["theirs", "ours"])
    for wrong in ({"tags": ["a/b"]}, {"name": "a\nb"}, {"name": 5}, {"label": "x"}):
        assert client.patch(f"/api/v1/batches/{batch}", json=wrong).status_code == 400, wrong
    assert client.patch(f"/api/v1/batches/{batch}", json={"tags": []}).get_json()["tag"] == ""


def test_batches_are_found_by_text_and_sorted(client: FlaskClient) -> None:
    first = submit(client, "a.example", "b.example", name="Alpha 100%")["batch_id"]
    second = submit(client, "a.example", name="beta", tags=["x", "nordic"])["batch_id"]
    third = submit(client, "a.example", "b.example", "c.example", description="the alphabet")["batch_id"]

    def listed(**query: str) -> list[str]:
        return [batch["batch_id"] for batch in client.get("/api/v1/batches", query_string=query).get_json()["items"]]

    assert listed(search="ALPHA", sort="name_desc") == [first, third]
    assert (listed(search="100%"), listed(search="NORD"), listed(search=second)) == ([first], [second], [second])
    assert listed(search="none") == []
    assert listed(sort="domain_count_desc") == [third, first, second]
    assert listed(sort="name_asc") == [third, first, second]
    assert listed(sort="created_at_asc") == [first, second, third]
    assert client.get("/api/v1/batches?sort=evil").status_code == 400


def test_a_rerun_keeps_tags_and_snapshot_intent_and_is_queued_once(client: FlaskClient, store: Store) -> None:
    answer = submit(client, "a.example", "b.example", tags=["mine", "yours"], snapshot_intent=True)
    finish(store, answer, "ERROR", "INFO")
    path, key = f"/api/v1/batches/{answer['batch_id']}/rerun", {"Idempotency-Key": "again"}
    first, again = (client.post(path, json={"only": "all"}, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    made = client.get(f"/api/v1/batches/{first.get_json()['batch_id']}").get_json()
    assert (made["snapshot_intent"], made["tags"], made["tag"]) == (True, ["mine", "yours"], "mine")
    assert error_of(client.post(path, json={"only": "failed"}, headers=key))["code"] == "idempotency_conflict"
    assert client.get("/api/v1/batches").get_json()["total"] == 2


@pytest.mark.parametrize("wish", [True, False, None])
def test_the_wish_to_pin_the_snapshot_is_kept_with_the_batch(
    client: FlaskClient, store: Store, wish: bool | None
) -> None:
    made = submit(client, "a.example", snapshot_intent=True, promote_snapshot_default=wish)
    with store.read_only() as session:
        assert get_batch(session, made["batch_id"]).promote_snapshot is bool(wish)


def test_preview_counts_what_the_deletion_removes(client: FlaskClient, store: Store) -> None:
    answer = submit(client, "a.example", "b.example")
    kept = submit(client, "a.example")
    finish(store, answer, "ERROR", "INFO")
    finish(store, kept, "NOTICE")
    preview = client.get(f"/api/v1/batches/{answer['batch_id']}/delete-preview").get_json()
    assert (preview["exists"], preview["completed_runs"], preview["entries"]) == (True, 2, 2)
    assert client.delete(f"/api/v1/batches/{answer['batch_id']}").status_code == 204
    assert client.get(f"/api/v1/batches/{answer['batch_id']}").status_code == 404
    assert client.get(f"/api/v1/jobs/{answer['job_ids'][0]}").status_code == 404
    assert client.get(f"/api/v1/jobs/{kept['job_ids'][0]}").status_code == 200
    (line,) = client.get("/api/v1/audit?action=batch.delete").get_json()["items"]
    assert (line["target"], line["details"]["completed_runs"]) == (answer["batch_id"], 2)


def test_deletion_cancels_what_waits(client: FlaskClient, queue: QueueParts) -> None:
    answer = submit(client, "a.example", "b.example")
    assert client.delete(f"/api/v1/batches/{answer['batch_id']}").status_code == 204
    assert queue.broker.lists.depth(BATCH) == 0


def test_deletion_is_refused_while_a_job_runs(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_deletion, "WAIT_S", 0.1)
    answer = submit(client, "a.example")
    claim(store, answer["job_ids"][0])
    response = client.delete(f"/api/v1/batches/{answer['batch_id']}")
    assert (response.status_code, error_of(response)["code"]) == (409, "jobs_not_terminal")


def test_deletions_that_wait_leave_threads_to_other_requests(
    make_app: MakeApp, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that never ends blocks the threads of a limited number of deletions, but no other threads."""
    app = make_app()
    client = app.test_client()
    answer = submit(client, "a.example")
    claim(store, answer["job_ids"][0])
    monkeypatch.setattr(batch_deletion, "WAIT_S", 3600.0)
    slots = app.extensions[NAME].streams
    held = 0
    while slots.acquire(blocking=False):
        held += 1
    response = client.delete(f"/api/v1/batches/{answer['batch_id']}")
    assert (response.status_code, error_of(response)["code"]) == (409, "jobs_not_terminal")
    with store.read_only() as session:
        assert get_job(session, answer["job_ids"][0]).cancel_requested_at
    slots.release(held)
    monkeypatch.setattr(batch_deletion, "WAIT_S", 0.1)
    assert client.delete(f"/api/v1/batches/{answer['batch_id']}").status_code == 409
    assert [slots.acquire(blocking=False) for _ in range(held + 1)] == [True] * held + [False]


def test_cancel_and_rerun_of_a_batch(client: FlaskClient) -> None:
    answer = submit(client, "a.example", "b.example")
    canceled = client.post(f"/api/v1/batches/{answer['batch_id']}/cancel").get_json()
    assert (canceled["canceled"], canceled["stopping"]) == (2, 0)
    failed = client.post(f"/api/v1/batches/{answer['batch_id']}/rerun", json={"only": "failed"})
    assert (failed.status_code, error_of(failed)["code"]) == (409, "nothing_to_repeat")
    again = client.post(f"/api/v1/batches/{answer['batch_id']}/rerun", json={"only": "canceled"})
    assert (again.status_code, again.get_json()["job_count"]) == (202, 2)
    wrong = client.post(f"/api/v1/batches/{answer['batch_id']}/rerun", json={"only": "some"})
    assert error_of(wrong)["code"] == "invalid_only"


def test_values_of_an_argument_over_a_finished_batch(client: FlaskClient, store: Store) -> None:
    answer = submit(client, "a.example", "b.example")
    path = f"/api/v1/batches/{answer['batch_id']}/tag-values"
    response = client.get(f"{path}?tag=T&arg=ns")
    assert (response.status_code, error_of(response)["code"]) == (409, "batch_not_complete")
    for job_id in answer["job_ids"]:
        entry = EntryRecord(0.1, "BASIC", "basic01", "T", "INFO", {"ns": "ns1.example"})
        finish_job(store, claim(store, job_id), record(entries=[entry]))
    values = client.get(f"{path}?tag=T&arg=ns").get_json()["values"]
    assert [(item["value"], item["count"]) for item in values] == [("ns1.example", 2)]
    assert values[0]["sample_domains"] == ["a.example", "b.example"]
    for query, code in (
        ("arg=ns", "missing_tag"),
        ("tag=T", "missing_arg"),
        ("tag=T&arg=n&limit=501", "invalid_limit"),
    ):
        assert error_of(client.get(f"{path}?{query}"))["code"] == code
