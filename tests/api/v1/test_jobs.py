"""Jobs over HTTP: accepted requests, rejected requests with their codes, and the documents shown."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.rest.fields import rfc3339
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from gonemaster_db.queue.jobs import get_job
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.queues import NORMAL
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.rows import claim, make_run, queue_job, record


def test_seed_example_is_queued(client: FlaskClient, queue: QueueParts) -> None:
    response = client.post("/api/v1/jobs", json={"domain": "example.com", "min_level": "NOTICE"})
    job = response.get_json()
    assert response.status_code == 201
    assert job["id"].startswith("job_")
    assert (job["domain"], job["status"], job["priority"], job["progress"]) == ("example.com", "queued", 0, 0)
    assert job["created_at"].endswith("Z")
    assert job["started_at"] is None
    assert job["finished_at"] is None
    assert list(queue.broker.lists.waiting_ids(NORMAL)) == [job["id"]]
    shown = client.get(f"/api/v1/jobs/{job['id']}").get_json()
    assert shown == job | {"position": 1, "ahead": 0, "expected_start_at": None, "expected_finish_at": None}


def test_all_wishes_are_stored_with_the_job(client: FlaskClient, store: Store) -> None:
    wishes = {
        "domain": " Bücher.Example. ",
        "tests": ["Basic", "SYNTAX04", "basic"],
        "profile_overrides": {"net": {"ipv6": False}},
        "nameservers": [{"ns": "NS1.example", "ip": "9.9.9.9"}, {"ns": "ns2.example"}],
        "ds_info": [{"keytag": 1, "algorithm": 13, "digtype": 2, "digest": "ABCD"}],
        "min_level": "warning",
        "tags": ["mine", "mine", " yours "],
        "ipv4_disabled": True,
        "expires_in": 60,
    }
    response = client.post("/api/v1/jobs", json=wishes)
    with store.read_only() as session:
        job = get_job(session, response.get_json()["id"])
    assert job.domain == "xn--bcher-kva.example"
    assert job.config == {
        "tests": ["basic", "syntax04"],
        "overrides": {"net": {"ipv6": False}},
        "nameservers": [{"ns": "ns1.example", "ip": "9.9.9.9"}, {"ns": "ns2.example"}],
        "ds": [{"keytag": 1, "algorithm": 13, "digtype": 2, "digest": "abcd"}],
        "min_level": "WARNING",
        "tags": ["mine", "yours"],
        "ipv4_disabled": True,
        "origin": "admin",
        "request_id": response.headers["X-Request-Id"],
    }
    assert job.expires_at is not None
    assert 55 < (job.expires_at - job.created_at).total_seconds() < 65
    shown = client.get(f"/api/v1/jobs/{job.id}").get_json()["expires_at"]
    assert shown == response.get_json()["expires_at"] == rfc3339(job.expires_at)


NS = {"ns": "ns1.example", "ip": "9.9.9.9"}
DS = {"keytag": 1, "algorithm": 13, "digtype": 2, "digest": "abcd"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"domain": None}, "missing_domain"),
        ({"domain": ""}, "missing_domain"),
        ({"domain": "  "}, "missing_domain"),
        ({"domain": 5}, "invalid_domain"),
        ({"domain": ["a.example"]}, "invalid_domain"),
        ({"domain": "a..example"}, "invalid_domain"),
        ({"domain": "-" * 64 + ".example"}, "invalid_domain"),
        ({"domain": "a b.example"}, "invalid_domain"),
        ({"domain": "a.example" * 100}, "invalid_domain"),
        ({"tests": "basic"}, "invalid_tests"),
        ({"tests": ["nonsense99"]}, "invalid_tests"),
        ({"tests": [1]}, "invalid_tests"),
        ({"tests": ["basic01"] * 257}, "invalid_tests"),
        ({"min_level": "LOUD"}, "invalid_min_level"),
        ({"min_level": 3}, "invalid_min_level"),
        ({"profile_id": "1"}, "invalid_profile_id"),
        ({"profile_id": 0}, "invalid_profile_id"),
        ({"profile_id": True}, "invalid_profile_id"),
        ({"profile_id": 2**63}, "invalid_profile_id"),
        ({"profile_overrides": []}, "invalid_profile_overrides"),
        ({"profile_overrides": {"net": {"ipv6": "perhaps"}}}, "invalid_profile_overrides"),
        ({"nameservers": "ns1"}, "invalid_undelegated"),
        ({"nameservers": [{"ip": "192.0.2.1"}]}, "invalid_undelegated"),
        ({"nameservers": [{"ns": "a..b"}]}, "invalid_undelegated"),
        ({"nameservers": [{"ns": "ns1.example", "ip": "192.0.2.256"}]}, "invalid_undelegated"),
        ({"nameservers": [NS] * 33}, "invalid_undelegated"),
        ({"nameservers": [{**NS, "port": 53}]}, "invalid_undelegated"),
        ({"ds_info": [{**DS, "keytag": 65536}]}, "invalid_undelegated"),
        ({"ds_info": [{**DS, "algorithm": "13"}]}, "invalid_undelegated"),
        ({"ds_info": [{**DS, "digest": "abc"}]}, "invalid_undelegated"),
        ({"ds_info": [{**DS, "digest": "xy"}]}, "invalid_undelegated"),
        ({"ds_info": [DS] * 33}, "invalid_undelegated"),
        ({"tags": [""]}, "invalid_tags"),
        ({"tags": [" "]}, "invalid_tags"),
        ({"ipv4_disabled": "yes"}, "invalid_ipv4_disabled"),
        ({"expires_in": 0}, "invalid_expires_in"),
        ({"expires_in": 1.5}, "invalid_expires_in"),
    ],
)
def test_refused_with_code(client: FlaskClient, queue: QueueParts, changes: dict[str, Any], code: str) -> None:
    response = client.post("/api/v1/jobs", json={"domain": "a.example"} | changes)
    assert (response.status_code, error_of(response)["code"]) == (400, code)
    assert list(queue.broker.lists.waiting_ids(NORMAL)) == []


def test_excluded_case_is_refused_and_named(make_app: MakeApp) -> None:
    client = make_app(exclude="basic02,syntax").test_client()
    for asked, status in (("basic02", 400), ("Syntax", 400), ("syntax03", 400), ("basic", 201)):
        response = client.post("/api/v1/jobs", json={"domain": "a.example", "tests": [asked]})
        assert response.status_code == status
        if status == 400:
            error = error_of(response)
            assert (error["code"], error["details"]["testcase"]) == ("testcase_excluded", asked.lower())


def test_nothing_is_written_while_the_broker_is_unavailable(make_app: MakeApp, queue: QueueParts, store: Store) -> None:
    away = replace(queue, broker=Broker.open("redis+socket:///nonexistent/redis.sock"))
    response = make_app(parts=away).test_client().post("/api/v1/jobs", json={"domain": "a.example"})
    assert (response.status_code, error_of(response)["code"]) == (503, "broker_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    with store.read_only() as session:
        assert not session.connection().exec_driver_sql("SELECT id FROM jobs").all()


def test_finished_job_shows_what_was_counted(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record("INFO", "WARNING", "WARNING", "CRITICAL", score=10, grade="F"))
    job = client.get(f"/api/v1/jobs/{run.id}").get_json()
    assert (job["status"], job["progress"], job["score"], job["grade"]) == ("succeeded", 100, 10, "F")
    assert job["severity_totals"] == {"NOTICE": 0, "WARNING": 2, "ERROR": 0, "CRITICAL": 1}
    assert job["finished_at"] is not None


def test_score_is_hidden_where_the_settings_say_so(make_app: MakeApp, store: Store) -> None:
    run = make_run(store, "a.example", record("INFO", score=100, grade="A"))
    job = make_app(show_score_admin="false").test_client().get(f"/api/v1/jobs/{run.id}").get_json()
    assert "score" not in job
    assert "grade" not in job


@pytest.mark.parametrize("path", ["", "/result", "/events"])
def test_unknown_job(client: FlaskClient, path: str) -> None:
    response = client.get(f"/api/v1/jobs/job_none{path}")
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


def test_cancel_of_a_waiting_job_ends_it_at_once(client: FlaskClient, queue: QueueParts) -> None:
    job = client.post("/api/v1/jobs", json={"domain": "a.example"}).get_json()
    response = client.post(f"/api/v1/jobs/{job['id']}/cancel")
    canceled = response.get_json()
    assert response.status_code == 200
    assert (canceled["status"], canceled["error"], canceled["progress"]) == ("canceled", "canceled", 100)
    assert list(queue.broker.lists.waiting_ids(NORMAL)) == []


def test_cancel_of_a_running_job_leaves_a_mark(client: FlaskClient, store: Store) -> None:
    job = claim(store, queue_job(store, "a.example").id)
    assert client.post(f"/api/v1/jobs/{job.id}/cancel").get_json()["status"] == "running"
    with store.read_only() as session:
        assert get_job(session, job.id).cancel_requested_at is not None


def test_cancel_of_a_finished_job_changes_nothing(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example")
    assert client.post(f"/api/v1/jobs/{run.id}/cancel").get_json()["status"] == "succeeded"


def test_cancel_of_an_unknown_job(client: FlaskClient) -> None:
    assert client.post("/api/v1/jobs/job_none/cancel").status_code == 404


def test_failed_run_tells_its_error(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(status=RunStatus.FAILED, error="the engine broke"))
    job = client.get(f"/api/v1/jobs/{run.id}").get_json()
    assert (job["status"], job["error"]) == ("failed", "the engine broke")
