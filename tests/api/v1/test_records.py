"""Domains, tags, runs and entries over HTTP: an operator's records."""

import csv
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.domains.profiles import create_profile
from gonemaster_engine.findings.messages.formatting import escape_formula
from tests.api.conftest import MakeApp
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.rows import NOON, make_run, record


def entry(tag: str, level: str = "INFO", **args: Any) -> EntryRecord:
    return EntryRecord(0.1234, "BASIC", "basic01", tag, level, args)


@pytest.fixture
def runs(store: Store) -> list[str]:
    """Two runs of a.example, the second worse, and one of b.example."""
    worse, later = [entry("T1", ns="y"), entry("T3", "ERROR")], NOON + timedelta(hours=1)
    return [
        make_run(store, "a.example", record(entries=[entry("T1", ns="x"), entry("T2")], at=NOON)).id,
        make_run(store, "a.example", record(entries=worse, at=later)).id,
        make_run(store, "b.example", record(entries=[entry("=SUM(A1)")], at=NOON + timedelta(hours=2))).id,
    ]


def profile(store: Store, name: str) -> int:
    with store.transaction() as session:
        return create_profile(session, name, description="", config={}, public=False, schema_version="1", now=NOON).id


def test_runs_by_filter(client: FlaskClient, runs: list[str]) -> None:
    def found(query: str) -> list[str]:
        return [run["id"] for run in client.get(f"/api/v1/runs?{query}").get_json()["items"]]

    assert found("") == runs[::-1]
    assert found("domain_exact=A.EXAMPLE") == [runs[1], runs[0]]
    assert found("event_tag=T3") == [runs[1]]
    assert found("level=error") == [runs[1]]
    assert found("finished_after=2026-11-25T12:00:00Z&finished_before=2026-11-25T14:00:00Z") == [runs[1]]
    response = client.get("/api/v1/runs?finished_after=2026-01-02T00:00:00Z&finished_before=2026-01-01T00:00:00Z")
    assert error_of(response)["code"] == "invalid_time_range"


def test_message_tags_are_found_by_zonemasters_names(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=[entry("IN_DOMAIN_ADDR_MISMATCH", ns="x")], at=NOON))
    for query in ("runs?event_tag=IN_BAILIWICK_ADDR_MISMATCH", "entries?entry_tag=IN_BAILIWICK_ADDR_MISMATCH"):
        (item,) = client.get(f"/api/v1/{query}").get_json()["items"]
        assert item.get("run_id", item["id"]) == run.id


def test_run_its_result_and_its_chain(client: FlaskClient, runs: list[str]) -> None:
    assert client.get(f"/api/v1/runs/{runs[1]}").get_json()["severity_totals"]["ERROR"] == 1
    assert client.get(f"/api/v1/runs/{runs[1]}/result").get_json()["job_id"] == runs[1]
    for path in (f"{runs[1]}/dnssec-chain", "job_none", "job_none/result"):
        assert error_of(client.get(f"/api/v1/runs/{path}"))["code"] == "not_found"


def test_two_runs_are_compared(client: FlaskClient, runs: list[str]) -> None:
    path = f"/api/v1/runs/{runs[0]}/diff/{runs[1]}"
    levels = client.get(path).get_json()
    assert [change["tag"] for change in levels["added"]] == ["T3"]
    assert levels["added"][0]["after"] == [{"level": "ERROR"}]
    assert levels["changed"] == []  # the arguments of T1 differ, its level does not
    difference = client.get(f"{path}?args=true").get_json()
    assert [change["tag"] for change in difference["added"]] == ["T3"]
    assert [change["tag"] for change in difference["cleared"]] == ["T2"]
    (changed,) = difference["changed"]
    assert (changed["before"][0]["args"], changed["after"][0]["args"]) == ({"ns": "x"}, {"ns": "y"})
    assert client.get(f"/api/v1/runs/{runs[0]}/diff/job_none").status_code == 404


def test_domains_and_their_history(client: FlaskClient, runs: list[str]) -> None:
    first, second = client.get("/api/v1/domains").get_json()["items"]
    assert (first["name"], first["run_count"], first["latest_run_id"]) == ("a.example", 2, runs[1])
    assert client.get(f"/api/v1/domains/{second['id']}").get_json() == second
    history = client.get(f"/api/v1/domains/{first['id']}/runs").get_json()
    assert [run["id"] for run in history["items"]] == [runs[1], runs[0]]
    worst = client.get("/api/v1/domains?min_level=error").get_json()["items"]
    assert [domain["name"] for domain in worst] == ["a.example"]
    assert client.get("/api/v1/domains/999999").status_code == 404
    assert client.get("/api/v1/domains/x").status_code == 404


@pytest.mark.usefixtures("runs")
def test_life_of_a_tag(client: FlaskClient) -> None:
    made = client.post("/api/v1/tags", json={"name": "mine"})
    assert (made.status_code, made.get_json()["domain_count"]) == (201, 0)
    assert error_of(client.post("/api/v1/tags", json={"name": "mine"}))["code"] == "tag_exists"
    assert error_of(client.post("/api/v1/tags", json={"name": " "}))["code"] == "missing_name"
    assert client.get("/api/v1/tags/mine/summary").status_code == 404
    assert client.post("/api/v1/tags/mine/domains", json={"domains": ["A.example", "new.example"]}).status_code == 204
    assert error_of(client.post("/api/v1/tags/mine/domains", json={"domains": []}))["code"] == "missing_domains"
    assert error_of(client.post("/api/v1/tags/mine/domains", json={"domains": ["a..b"]}))["code"] == "invalid_domain"
    listed = client.get("/api/v1/tags/mine/domains").get_json()["items"]
    assert [(domain["name"], domain["tags"]) for domain in listed] == [
        ("a.example", ["mine"]),
        ("new.example", ["mine"]),
    ]
    summary = client.get("/api/v1/tags/mine/summary").get_json()
    assert (summary["domain_count"], summary["error"], summary["ok"]) == (2, 1, 1)
    untagged = client.get("/api/v1/domains?tag=__none__").get_json()["items"]
    assert [domain["name"] for domain in untagged] == ["b.example"]
    assert client.post("/api/v1/tags/mine/purge").get_json() == {"purged_runs": 2}
    assert client.delete("/api/v1/tags/mine/domains", json={"domains": ["new.example"]}).status_code == 204
    assert client.put("/api/v1/tags/mine", json={"description": "d"}).get_json()["domain_count"] == 1
    assert [tag["name"] for tag in client.get("/api/v1/tags").get_json()] == ["mine"]
    assert client.delete("/api/v1/tags/mine").status_code == 204
    assert client.delete("/api/v1/tags/mine").status_code == 404


def test_batch_from_a_tag_with_its_default_profile(client: FlaskClient, store: Store) -> None:
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "b.example"]})
    number = profile(store, "strict")
    assert client.put("/api/v1/tags/mine/profile", json={"profile_id": number}).status_code == 204
    answer = client.post("/api/v1/jobs/batch", json={"from_tag": "mine"}).get_json()
    assert answer["job_count"] == 2
    job = client.get(f"/api/v1/jobs/{answer['job_ids'][0]}").get_json()
    assert (job["profile_id"], job["profile_name"]) == (number, "strict")
    (batch,) = client.get("/api/v1/tags/mine/batches").get_json()["items"]
    assert batch["batch_id"] == answer["batch_id"]
    assert error_of(client.post("/api/v1/jobs/batch", json={"from_tag": "none"}))["code"] == "missing_domain"
    assert error_of(client.put("/api/v1/tags/mine/profile", json={"profile_id": 999}))["code"] == "profile_not_found"


def test_different_default_profiles_are_ambiguous(client: FlaskClient, store: Store) -> None:
    for tag in ("one", "two"):
        client.post(f"/api/v1/tags/{tag}/domains", json={"domains": ["a.example"]})
        client.put(f"/api/v1/tags/{tag}/profile", json={"profile_id": profile(store, tag)})
    for path, body in (("jobs", {"domain": "a.example"}), ("jobs/batch", {"domains": ["a.example"]})):
        response = client.post(f"/api/v1/{path}", json=body)
        assert (response.status_code, error_of(response)["code"]) == (400, "ambiguous_profile")
        assert (
            client.post(f"/api/v1/{path}", json=body | {"profile_overrides": {"net": {"ipv6": False}}}).status_code
            < 300
        )
    unknown = client.post("/api/v1/jobs", json={"domain": "a.example", "profile_id": 999})
    assert (unknown.status_code, error_of(unknown)["code"]) == (400, "profile_not_found")


def test_entries_across_runs_in_pages(client: FlaskClient, runs: list[str]) -> None:
    page = client.get("/api/v1/entries?limit=3").get_json()
    assert [item["tag"] for item in page["items"]] == ["T1", "T2", "T1"]
    assert page["total"] == 5
    rest = client.get(f"/api/v1/entries?limit=3&after={page['next_after']}").get_json()
    assert [item["tag"] for item in rest["items"]] == ["T3", "=SUM(A1)"]
    assert "next_after" not in rest
    latest = client.get("/api/v1/entries?latest=1&entry_tag=T1&module=Basic").get_json()["items"]
    assert [(item["run_id"], item["domain"]) for item in latest] == [(runs[1], "a.example")]
    for query, code in (("domain=0", "invalid_domain"), ("after=x", "invalid_after"), ("format=xml", "invalid_format")):
        assert error_of(client.get(f"/api/v1/entries?{query}"))["code"] == code


@pytest.mark.usefixtures("runs")
def test_entries_as_csv(client: FlaskClient) -> None:
    response = client.get("/api/v1/entries?format=csv&limit=1")
    assert response.mimetype == "text/csv"
    assert response.headers["Content-Disposition"] == "attachment; filename=entries.csv"
    rows = list(csv.DictReader(response.get_data(as_text=True).splitlines()))
    assert [row["tag"] for row in rows] == ["T1", "T2", "T1", "T3", "'=SUM(A1)"]
    assert (rows[0]["timestamp"], rows[0]["args"]) == ("0.123", '{"ns": "x"}')


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"]
)
def test_no_cell_is_a_formula(cell: str) -> None:
    assert escape_formula(cell) == "'" + cell
    assert escape_formula("x" + cell) == "x" + cell


def test_tags_of_a_request_name_the_batch(client: FlaskClient) -> None:
    answer = submit(client, "a.example", tags=["mine"])
    assert client.get(f"/api/v1/batches/{answer['batch_id']}").get_json()["tag"] == "mine"


def test_old_runs_are_purged_and_young_ones_stay(client: FlaskClient, store: Store) -> None:
    refused = client.post("/api/v1/jobs/purge")
    assert (refused.status_code, error_of(refused)["code"]) == (400, "retention_not_configured")
    old = make_run(store, "a.example", record("INFO", at=utcnow() - timedelta(days=40))).id
    young = make_run(store, "a.example", record("INFO", at=utcnow() - timedelta(days=20))).id
    assert client.post("/api/v1/jobs/purge", json={"older_than_days": 30}).get_json() == {"purged_jobs": 1}
    assert client.get(f"/api/v1/jobs/{old}").status_code == 404
    assert client.get(f"/api/v1/jobs/{young}").status_code == 200


def test_purge_follows_the_setting(make_app: MakeApp, store: Store) -> None:
    make_run(store, "a.example", record("INFO", at=utcnow() - timedelta(days=40)))
    client = make_app(retention_days=30).test_client()
    assert client.post("/api/v1/jobs/purge", json={}).get_json() == {"purged_jobs": 1}


def test_test_cases_with_the_texts_of_their_tags(make_app: MakeApp) -> None:
    client = make_app(exclude="basic02").test_client()
    listed = client.get("/api/v1/spec/testcases?module=basic").get_json()
    assert [item["id"] for item in listed["items"]] == ["basic01", "basic02", "basic03"]
    assert [item.get("excluded", False) for item in listed["items"]] == [False, True, False]
    detail = client.get("/api/v1/spec/testcases/Basic01").get_json()
    assert detail["locale"] == "en"
    assert all(tag["message"] for tag in detail["tags"])
    assert client.get("/api/v1/spec/testcases/basic99").status_code == 404


def test_stuck_parts_are_listed(client: FlaskClient) -> None:
    health = client.get("/api/v1/queue/health").get_json()
    assert health["healthy"] is False
    assert "beat_absent" in {issue["kind"] for issue in health["issues"]}
