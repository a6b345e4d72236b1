"""Batches over HTTP: names are validated before anything is written."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_tasks.control import submit as submission
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.queues import BATCH
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.rows import claim, finish_job


def submit(client: FlaskClient, *domains: str, **fields: Any) -> dict[str, Any]:
    response = client.post("/api/v1/jobs/batch", json={"domains": list(domains)} | fields)
    assert response.status_code == 202, response.data
    document: dict[str, Any] = response.get_json()
    return document


def test_batch_is_queued_in_its_order(client: FlaskClient, queue: QueueParts) -> None:
    answer = submit(client, "b.example", "a.example", "C.example.", description="three", tags=["mine"])
    assert answer["batch_id"].startswith("batch_")
    assert answer["job_count"] == 3
    assert list(queue.broker.lists.waiting_ids(BATCH)) == answer["job_ids"]
    jobs = [client.get(f"/api/v1/jobs/{job_id}").get_json() for job_id in answer["job_ids"]]
    assert [job["domain"] for job in jobs] == ["b.example", "a.example", "c.example"]
    assert {job["priority"] for job in jobs} == {1}
    assert {job["batch_id"] for job in jobs} == {answer["batch_id"]}


def test_jobs_of_a_batch_have_the_id_of_its_request(client: FlaskClient, store: Store) -> None:
    response = client.post("/api/v1/jobs/batch", json={"domains": ["a.example", "b.example"]})
    with store.read_only() as session:
        jobs = [find_job_or_run(session, job_id) for job_id in response.get_json()["job_ids"]]
    assert {job.config["request_id"] for job in jobs} == {response.headers["X-Request-Id"]}


def test_duplicates_are_queued_once_and_reported(client: FlaskClient) -> None:
    answer = submit(client, "a.example", "b.example", "A.EXAMPLE", "a.example.")
    assert answer["job_count"] == 2
    assert answer["duplicate_count"] == 2
    assert [(item["index"], item["domain"]) for item in answer["duplicates"]] == [(2, "a.example"), (3, "a.example")]


def test_one_bad_name_refuses_the_whole_batch(client: FlaskClient, queue: QueueParts, store: Store) -> None:
    domains = ["a.example", "b..example", 7, "c.example", "-" * 70]
    response = client.post("/api/v1/jobs/batch", json={"domains": domains})
    error = error_of(response)
    assert (response.status_code, error["code"]) == (400, "invalid_domain")
    assert [item["index"] for item in error["details"]["invalid"]] == [1, 2, 4]
    assert all(item["reason"] for item in error["details"]["invalid"])
    assert queue.broker.lists.depth(BATCH) == 0
    with store.read_only() as session:
        assert not session.connection().exec_driver_sql("SELECT id FROM batches").all()


def test_at_most_a_hundred_bad_names_are_listed(client: FlaskClient) -> None:
    error = error_of(client.post("/api/v1/jobs/batch", json={"domains": ["a..b"] * 150}))
    assert len(error["details"]["invalid"]) == 100
    assert error["details"]["invalid_count"] == 150


def test_bad_names_are_passed_over_on_request(client: FlaskClient) -> None:
    answer = submit(client, "a.example", "b..example", "c.example", skip_invalid=True)
    assert answer["job_count"] == 2
    assert [(item["index"], item["domain"]) for item in answer["invalid"]] == [(1, "b..example")]


def test_name_that_no_database_can_hold_is_one_bad_name(client: FlaskClient) -> None:
    names = ["a.example", "b\ud800.example", "c\0.example", "\udc00\ud800", "d.example"]
    refused = client.post("/api/v1/jobs/batch", json={"domains": names})
    assert (refused.status_code, error_of(refused)["code"]) == (400, "invalid_domain")
    for _ in range(2):  # the second response is the stored one
        answer = client.post(
            "/api/v1/jobs/batch", json={"domains": names, "skip_invalid": True}, headers={"Idempotency-Key": "k"}
        ).get_json()
        assert answer["job_count"] == 2
        assert [item["index"] for item in answer["invalid"]] == [1, 2, 3]
        assert answer["invalid"][0]["domain"] == "b\ufffd.example"
    assert client.get(f"/api/v1/batches/{answer['batch_id']}").get_json()["total"] == 2
    other = client.post("/api/v1/jobs/batch", json={"domains": ["a.example"], "description": "\ud800"})
    assert (other.status_code, error_of(other)["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_domain"),
        ({"domains": []}, "missing_domain"),
        ({"domains": None}, "missing_domain"),
        ({"domains": "a.example"}, "invalid_domains"),
        ({"domains": {"a": 1}}, "invalid_domains"),
        ({"domains": ["a.example"], "from_tag": "t"}, "ambiguous_domains"),
        ({"domains": ["a..b"], "skip_invalid": True}, "invalid_domain"),
        ({"domains": ["a.example"], "nameservers": [{"ns": "ns.example"}]}, "undelegated_not_supported_for_batch"),
        ({"domains": ["a.example"], "ds_info": [{"keytag": 1}]}, "undelegated_not_supported_for_batch"),
        ({"domains": ["a.example"], "ds_info": []}, "undelegated_not_supported_for_batch"),
        ({"domains": ["a.example"], "min_level": "x"}, "invalid_min_level"),
        ({"domains": ["a.example"], "tests": ["x"]}, "invalid_tests"),
        ({"domains": ["a.example"], "description": 5}, "invalid_description"),
        ({"domains": ["a.example"], "skip_invalid": 1}, "invalid_skip_invalid"),
        ({"domains": ["a.example"], "domain": "b.example"}, "unknown_field"),
    ],
)
def test_refused_with_code(client: FlaskClient, body: dict[str, Any], code: str) -> None:
    response = client.post("/api/v1/jobs/batch", json=body)
    assert (response.status_code, error_of(response)["code"]) == (400, code)


def test_names_that_are_no_text_are_shown_as_they_were_sent(client: FlaskClient) -> None:
    response = client.post("/api/v1/jobs/batch", json={"domains": [None, True, "a.example"]})
    assert [item["domain"] for item in error_of(response)["details"]["invalid"]] == ["null", "true"]


def test_a_tag_without_domains_is_named(client: FlaskClient) -> None:
    response = client.post("/api/v1/jobs/batch", json={"from_tag": "none"})
    assert error_of(response)["message"] == "no domain has the tag 'none'"


def test_more_names_than_allowed(make_app: MakeApp) -> None:
    client = make_app(max_batch_size=3).test_client()
    response = client.post("/api/v1/jobs/batch", json={"domains": ["a.example"] * 4})
    assert error_of(response)["code"] == "batch_too_large"


def test_ids_are_left_out_of_the_answer_for_more_than_ten_thousand(client: FlaskClient, queue: QueueParts) -> None:
    answer = submit(client, *(f"d{number}.example" for number in range(10_001)))
    assert answer["job_ids"] == []
    assert answer["job_count"] == 10_001 == queue.broker.lists.depth(BATCH)


def test_progress_of_a_batch(client: FlaskClient, store: Store) -> None:
    answer = submit(client, "a.example", "b.example")
    batch = client.get(f"/api/v1/batches/{answer['batch_id']}").get_json()
    assert (batch["status"], batch["total"], batch["completed"], batch["completion"]) == ("running", 2, 0, 0.0)
    finish_job(store, claim(store, answer["job_ids"][0]))
    client.post(f"/api/v1/jobs/{answer['job_ids'][1]}/cancel")
    batch = client.get(f"/api/v1/batches/{answer['batch_id']}").get_json()
    assert (batch["status"], batch["completed"], batch["completion"]) == ("done", 2, 100.0)


def test_unknown_batch(client: FlaskClient) -> None:
    response = client.get("/api/v1/batches/batch_none")
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


def test_options_are_not_copied_until_the_disk_is_full(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job has a copy of the options."""
    levels = {"test_levels": {"ZONE": {f"T{number}": "INFO" for number in range(100)}}}
    body = {"domains": ["a.example", "b.example"], "profile_overrides": levels}
    monkeypatch.setattr(submission, "MAX_OPTIONS", 2000)
    refused = client.post("/api/v1/jobs/batch", json=body)
    assert (refused.status_code, error_of(refused)["code"]) == (400, "options_too_large")
    assert error_of(refused)["details"]["limit"] == 1000
    assert client.get("/api/v1/jobs").get_json()["total"] == 0
    monkeypatch.undo()
    assert client.post("/api/v1/jobs/batch", json=body).status_code == 202


def test_overrides_of_a_request_are_small(client: FlaskClient) -> None:
    for path, target in (("jobs", {"domain": "a.example"}), ("jobs/batch", {"domains": ["a.example"]})):
        body = target | {"profile_overrides": {"test_cases": ["zone01"] * 8000}}
        refused = client.post(f"/api/v1/{path}", json=body)
        assert (refused.status_code, error_of(refused)["code"]) == (400, "invalid_profile_overrides")
