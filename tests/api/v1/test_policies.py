"""Policies over HTTP: stored, versioned, compared, validated; jobs, batches and schedules that name one; verdicts."""

import csv
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from pyarrow import parquet
from sqlalchemy import func, select

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import Batch, Job, RunStatus
from gonemaster_engine.policies.policy import load, names
from tests.api.conftest import MakeApp
from tests.api.v1.test_profiles import audited
from tests.api.web.test_errors import error_of
from tests.support.rows import make_run, record
from tests.support.tokens import CONFIGURED

POLICIES = "/api/v1/policies"
SUITE = {"name": "Main", "cases": ["basic01", "basic02"], "fail_level": "ERROR"}
OWN: dict[str, Any] = {"name": "own", "description": "ours", "suites": [SUITE]}
PROFILE = '{"test_cases": ["basic01", "basic02"], "net": {"ipv4": true, "ipv6": true}}'


def create(client: FlaskClient, document: dict[str, Any] = OWN) -> dict[str, Any]:
    response = client.post(POLICIES, json={"document": document})
    assert response.status_code == 201, response.get_json()
    made: dict[str, Any] = response.get_json()
    return made


def changed(**suite: Any) -> dict[str, Any]:
    return {**OWN, "suites": [{**SUITE, **suite}]}


def test_life_of_a_policy(client: FlaskClient, store: Store) -> None:
    made = create(client)
    assert (made["name"], made["version"], made["bundled"], made["suites"]) == ("own", "1", False, ["Main"])
    assert made["document"]["suites"][0]["cases"] == ["basic01", "basic02"]
    path = f"{POLICIES}/own"
    assert client.get(path).get_json() == made
    second = client.put(path, json={"document": changed(fail_level="WARNING"), "after": "1"}).get_json()
    assert second["version"] == "2"
    assert client.put(path, json={"document": changed(fail_level="WARNING")}).get_json()["version"] == "2"
    versions = client.get(f"{path}/versions").get_json()
    assert [each["version"] for each in versions] == ["2", "1"]
    assert client.get(f"{path}/versions/1").get_json() == made
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(f"{path}/versions/1").get_json() == made  # runs refer to it
    assert create(client)["version"] == "3"
    assert audited(store) == [
        ("policy.create", "own", {"version": 1}),
        ("policy.update", "own", {"version": 2}),
        ("policy.delete", "own", {"version": 2}),
        ("policy.create", "own", {"version": 3}),
    ]


def test_bundled_policies_are_listed_and_fixed(client: FlaskClient) -> None:
    create(client)
    listed = client.get(POLICIES).get_json()
    assert [(each["name"], each["bundled"]) for each in listed] == [*((name, True) for name in names()), ("own", False)]
    path = f"{POLICIES}/rst-v2"
    assert client.get(f"{path}/versions").get_json()[0]["document"] == load("rst-v2").as_dict()
    for response in (client.delete(path), client.put(path, json={"document": {**OWN, "name": "rst-v2"}})):
        assert (response.status_code, error_of(response)["code"]) == (409, "policy_bundled")
    for name in ("default", "own"):
        response = client.post(POLICIES, json={"document": {**OWN, "name": name}})
        assert (response.status_code, error_of(response)["code"]) == (409, "policy_exists")


def test_change_based_on_an_old_version_is_refused(client: FlaskClient) -> None:
    create(client)
    path = f"{POLICIES}/own"
    client.put(path, json={"document": changed(fail_level="WARNING")})
    response = client.put(path, json={"document": changed(fail_level="NOTICE"), "after": "1"})
    assert response.status_code == 409
    assert (error_of(response)["code"], error_of(response)["details"]) == ("policy_changed", {"version": "2"})
    other = client.put(path, json={"document": {**OWN, "name": "another"}})
    assert (other.status_code, error_of(other)["code"]) == (400, "invalid_policy")


def test_versions_and_policies_are_compared(client: FlaskClient) -> None:
    create(client)
    path = f"{POLICIES}/own"
    client.put(path, json={"document": changed(fail_level="WARNING", cases=["basic01", "zone01"])})
    diff = client.get(f"{path}/diff").get_json()
    assert (diff["before"], diff["after"]) == ({"name": "own", "version": "1"}, {"name": "own", "version": "2"})
    assert [(each["path"], each["kind"]) for each in diff["differences"]] == [
        ("suites.Main.cases", "removed"),
        ("suites.Main.cases", "added"),
        ("suites.Main.fail_level", "changed"),
    ]
    assert client.get(f"{path}/diff?from=2&to=2").get_json()["differences"] == []
    against = client.get(f"{path}/diff?other=default").get_json()["differences"]
    assert {"suites.DNS", "suites.Main", "description"} <= {each["path"] for each in against}
    for query in ("from=9", "to=x", "other=none"):
        assert client.get(f"{path}/diff?{query}").status_code == 404


@pytest.mark.parametrize("method", ["validate", "store"])
def test_wrong_documents_have_all_problems(client: FlaskClient, method: str) -> None:
    path = f"{POLICIES}/validate" if method == "validate" else POLICIES
    wrong = changed(cases=["basc01"], fail_tags=["B02_NO_WORKNG_NS"], fail_level="EROR")
    response = client.post(path, json={"document": wrong})
    error = error_of(response)
    assert (response.status_code, error["code"], error["details"]["problem_count"]) == (400, "invalid_policy", 3)
    reasons = {each["path"]: each["reason"] for each in error["details"]["problems"]}
    assert reasons["suites[0].cases[0]"] == "'basc01' is not a test case or module; is basic01 meant?"
    assert "is B02_NO_WORKING_NS meant?" in reasons["suites[0].fail_tags[0]"]
    assert "is ERROR meant?" in reasons["suites[0].fail_level"]
    assert len(client.get(POLICIES).get_json()) == len(names())


def test_valid_document_is_returned_in_normal_form_with_notes(client: FlaskClient) -> None:
    document = changed(cases=["consistency05"], fail_tags=["IN_BAILIWICK_ADDR_MISMATCH"])
    found = client.post(f"{POLICIES}/validate", json={"document": document}).get_json()
    assert found["document"]["suites"][0]["fail_tags"] == ["IN_DOMAIN_ADDR_MISMATCH"]
    assert len(found["notes"]) == 1
    assert create(client, document)["document"]["suites"] == found["document"]["suites"]


@pytest.mark.parametrize(
    "profile", [{"net": {"allow_non_global_targets": True}}, {"resolver": {"defaults": {"timeout": 99}}}]
)
def test_profile_of_a_policy_has_the_limits_of_callers(client: FlaskClient, profile: dict[str, Any]) -> None:
    response = client.post(POLICIES, json={"document": {**OWN, "profile": profile}})
    assert error_of(response)["code"] == "invalid_policy"
    assert error_of(response)["details"]["path"].startswith("profile.")


@pytest.mark.parametrize("body", [{}, {"document": None}, {"document": []}, {"document": OWN, "odd": 1}, []])
def test_wrong_bodies(client: FlaskClient, body: Any) -> None:
    assert client.post(POLICIES, json=body).status_code == 400


def test_jobs_and_batches_keep_the_version_of_their_policy(client: FlaskClient, store: Store) -> None:
    create(client)
    job = client.post("/api/v1/jobs", json={"domain": "a.example", "policy": "own"}).get_json()
    assert (job["policy"], job["policy_version"]) == ("own", "1")
    client.put(f"{POLICIES}/own", json={"document": changed(fail_level="WARNING")})
    batch = client.post("/api/v1/jobs/batch", json={"domains": ["b.example"], "policy": "own"}).get_json()
    with store.read_only() as session:
        config: dict[str, Any] = {job.id: job.config for job in session.scalars(select(Job))}
    assert config[job["id"]]["policy"] == {"name": "own", "version": "1"}
    assert config[batch["job_ids"][0]]["policy"] == {"name": "own", "version": "2"}


@pytest.mark.parametrize(
    ("policy", "code"),
    [("registratoin", "policy_not_found"), ("", "invalid_policy"), (7, "invalid_policy"), ("x" * 65, "invalid_policy")],
)
def test_unknown_policy_queues_nothing(client: FlaskClient, store: Store, policy: Any, code: str) -> None:
    bodies: dict[str, dict[str, Any]] = {"jobs": {"domain": "a.example"}, "jobs/batch": {"domains": ["a.example"]}}
    for path, body in bodies.items():
        response = client.post(f"/api/v1/{path}", json={**body, "policy": policy})
        assert (response.status_code, error_of(response)["code"]) == (400, code)
        if code == "policy_not_found":
            assert "is registration meant?" in error_of(response)["message"]
    with store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 0
        assert session.scalar(select(func.count()).select_from(Batch)) == 0


def test_schedule_of_a_tag_has_a_policy(client: FlaskClient) -> None:
    client.post("/api/v1/tags/gov/domains", json={"domains": ["a.example"]})
    body = {"kind": "weekly", "weekdays": ["mon"], "time_of_day": "06:30", "policy": "registration"}
    path = "/api/v1/tags/gov/schedule"
    assert client.put(path, json=body).status_code == 200
    assert client.get(path).get_json()["policy"] == "registration"
    response = client.put(path, json={**body, "policy": "none"})
    assert (response.status_code, error_of(response)["code"]) == (400, "policy_not_found")


def test_watch_has_a_policy(client: FlaskClient) -> None:
    client.post("/api/v1/tags/gov/domains", json={"domains": ["a.example"]})
    body = {"tag": "gov", "events": ["domain.regressed"], "url": "https://198.41.0.4/hook", "policy": "registration"}
    made = client.post("/api/v1/watches", json=body)
    assert (made.status_code, made.get_json()["policy"]) == (201, "registration")
    response = client.post("/api/v1/watches", json={**body, "policy": "none"})
    assert (response.status_code, error_of(response)["code"]) == (400, "policy_not_found")
    assert len(client.get("/api/v1/watches").get_json()["items"]) == 1
    path = f"/api/v1/watches/{made.get_json()['id']}"
    assert client.patch(path, json={"grade_drop": 2}).get_json()["policy"] == "registration"
    assert client.patch(path, json={"policy": "default"}).get_json()["policy"] == "default"
    refused = client.patch(path, json={"policy": "none", "grade_drop": 5})
    assert (refused.status_code, error_of(refused)["code"]) == (400, "policy_not_found")
    assert client.get(path).get_json()["grade_drop"] == 2
    assert client.patch(path, json={"policy": None}).get_json()["policy"] is None


def failing_run(store: Store, verdict: str = "fail", **fields: Any) -> str:
    entries = [
        EntryRecord(0.1, "BASIC", "basic01", "B01_CHILD_FOUND", "INFO", {}),
        EntryRecord(0.2, "BASIC", "basic02", "B02_NO_WORKING_NS", "CRITICAL", {"domain": "bad.example"}),
        EntryRecord(0.3, "SYSTEM", "", "CANNOT_CONTINUE", "CRITICAL", {"domain": "bad.example"}),
    ]
    outcome = record(entries=entries, verdict=verdict, effective_profile=PROFILE)
    return make_run(store, "bad.example", outcome, config={"policy": {"name": "own", "version": "1"}}, **fields).id


def test_result_has_the_verdict_with_suites_and_cases(client: FlaskClient, store: Store) -> None:
    create(client)
    run_id = failing_run(store)
    result = client.get(f"/api/v1/jobs/{run_id}/result?locale=sv").get_json()
    verdict = result["verdict"]
    assert (verdict["policy"], verdict["version"], verdict["result"]) == ("own", "1", "fail")
    assert verdict["summary"] == "Domänen klarar inte policyn own, version 1."
    (suite,) = verdict["suites"]
    assert [(case["case"], case["result"]) for case in suite["cases"]] == [("basic01", "pass"), ("basic02", "fail")]
    (finding,) = suite["cases"][1]["findings"]
    assert (finding["tag"], finding["level"], finding["position"]) == ("B02_NO_WORKING_NS", "CRITICAL", 1)
    assert finding["advice"]
    assert result["root_causes"]
    job = client.get(f"/api/v1/jobs/{run_id}").get_json()
    assert (job["policy"], job["policy_version"], job["verdict"]) == ("own", "1", "fail")


def test_result_of_a_failed_run_is_undecided(client: FlaskClient, store: Store) -> None:
    create(client)
    config = {"policy": {"name": "own", "version": "1"}}
    run = make_run(store, "bad.example", record(status=RunStatus.FAILED, entries=[], error="x"), config=config)
    verdict = client.get(f"/api/v1/jobs/{run.id}/result").get_json()["verdict"]
    assert (verdict["result"], verdict["reasons"]) == ("undecided", ["no_result"])


def test_run_without_a_policy_has_no_verdict_of_one(client: FlaskClient, store: Store) -> None:
    run = make_run(store)
    assert "result" not in client.get(f"/api/v1/jobs/{run.id}/result").get_json()["verdict"]
    assert client.get(f"/api/v1/runs/{run.id}").get_json()["verdict"] is None


def test_policy_of_another_release_keeps_the_stored_verdict(client: FlaskClient, store: Store) -> None:
    config = {"policy": {"name": "registration", "version": "0"}}
    run = make_run(store, "a.example", record("INFO", verdict="pass"), config=config)
    verdict = client.get(f"/api/v1/jobs/{run.id}/result").get_json()["verdict"]
    assert (verdict["policy"], verdict["version"], verdict["result"]) == ("registration", "0", "pass")
    assert "suites" not in verdict


def test_lists_filter_by_verdict_and_batches_count_them(client: FlaskClient, store: Store) -> None:
    create(client)
    batch = client.post("/api/v1/jobs/batch", json={"domains": ["x.example"], "policy": "own"}).get_json()
    run_id = failing_run(store, batch_id=batch["batch_id"])
    make_run(store, "plain.example")
    for path in ("runs", "jobs"):
        for query, expected in (("verdict=fail", [run_id]), ("policy=own", [run_id]), ("verdict=pass", [])):
            items = client.get(f"/api/v1/{path}?{query}").get_json()["items"]
            assert [item["id"] for item in items] == expected
        assert client.get(f"/api/v1/{path}?verdict=maybe").status_code == 400
    assert client.get(f"/api/v1/batches/{batch['batch_id']}").get_json()["verdicts"] == {"fail": 1}


def test_exports_of_a_batch_have_the_verdict(client: FlaskClient, store: Store) -> None:
    create(client)
    batch = client.post("/api/v1/jobs/batch", json={"domains": ["x.example"], "policy": "own"}).get_json()
    batch_id = batch["batch_id"]
    failing_run(store, batch_id=batch_id)
    path = f"/api/v1/batches/{batch_id}/export"
    lines = [json.loads(line) for line in client.get(path).text.splitlines()]
    cells = list(csv.DictReader(io.StringIO(client.get(f"{path}?format=csv").text)))
    table = parquet.read_table(io.BytesIO(client.get(f"{path}?format=parquet").data)).to_pylist()
    for rows, absent in ((lines, None), (cells, ""), (table, None)):
        found = {row["domain"]: [row[name] for name in ("policy", "policy_version", "verdict")] for row in rows}
        assert found == {"bad.example": ["own", "1", "fail"], "x.example": [absent] * 3}


def test_policies_need_a_token(make_app: MakeApp) -> None:
    client = make_app(admin_tokens=CONFIGURED).test_client()
    assert client.get(POLICIES).status_code == 401
    assert client.post(POLICIES, json={"document": OWN}).status_code == 401
