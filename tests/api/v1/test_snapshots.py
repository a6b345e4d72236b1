"""Snapshots over HTTP: listed, changed, retired, purged, rebuilt; and the code for each error."""

import csv
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from gonemaster_db.core.session import Store
from gonemaster_db.models import Cohort, CohortSnapshot, SnapshotStatus
from tests.api.web.test_errors import error_of
from tests.support.analysis.cohorts import made_facts, make_batch, make_cohort, snapshot_of
from tests.support.analysis.runs import project_all, run_batch
from tests.support.rows import NOON
from tests.support.threads import together

NAMES = ["a.example", "b.example", "c.example"]
ANALYSIS = "/api/v1/analysis/cohorts"
# Method, path below the snapshots, body: status and code. The snapshots `one` and `two` exist.
WRONG: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/none", None, 404, "not_found"),
    ("POST", "/none", {"label": "x"}, 404, "not_found"),
    ("POST", "/one", {"slug": "two"}, 409, "slug_exists"),
    ("POST", "/one", {"slug": "Not A Slug"}, 400, "invalid_slug"),
    ("POST", "/one", {"slug": "rematerialize"}, 400, "invalid_slug"),
    ("POST", "/one", {"slug": "-"}, 400, "invalid_slug"),
    ("POST", "/one", {"slug": ""}, 400, "invalid_slug"),
    ("POST", "/one", {"slug": "x" * 65}, 400, "invalid_slug"),
    ("POST", "/one", {"status": "pending"}, 400, "invalid_status"),
    ("POST", "/one", {"status": "gone"}, 400, "invalid_status"),
    ("POST", "/one", {"is_public": 1}, 400, "invalid_is_public"),
    ("POST", "/one", {"captured_at": "2026-01-01T00:00:00Z"}, 400, "unknown_field"),
    ("DELETE", "/none", None, 404, "not_found"),
    ("DELETE", "/one?purge=perhaps", None, 400, "invalid_purge"),
    ("POST", "/none/rematerialize", None, 404, "not_found"),
    ("POST", "/one/rematerialize", None, 409, "source_runs_purged"),
]


@pytest.fixture
def cohort(store: Store, client: FlaskClient) -> Cohort:
    """A cohort with two snapshots of made-up facts."""
    made = make_cohort(store)
    for number, slug in enumerate(("one", "two")):
        at = NOON + timedelta(days=number)
        snapshot = snapshot_of(store, made, made_facts(store, NAMES, at=at), batch=make_batch(store, now=at), now=at)
        renamed = client.post(f"{ANALYSIS}/{made.id}/snapshots/{snapshot.slug}", json={"slug": slug})
        assert renamed.status_code == 200, renamed.data
    return made


def listed(client: FlaskClient, cohort: Cohort) -> dict[str, dict[str, Any]]:
    found = client.get(f"{ANALYSIS}/{cohort.id}/snapshots").get_json()
    return {snapshot["slug"]: snapshot for snapshot in found}


def change(client: FlaskClient, cohort: Cohort, slug: str, **fields: Any) -> dict[str, Any]:
    response = client.post(f"{ANALYSIS}/{cohort.id}/snapshots/{slug}", json=fields)
    assert response.status_code == 200, response.data
    changed: dict[str, Any] = response.get_json()
    return changed


def test_refused_with_code(client: FlaskClient, cohort: Cohort) -> None:
    before = listed(client, cohort)
    for method, path, body, status, code in WRONG:
        response = client.open(f"{ANALYSIS}/{cohort.id}/snapshots{path}", method=method, json=body)
        assert (response.status_code, error_of(response)["code"]) == (status, code), (method, path, body)
    for path in ("/999/snapshots", "/999/snapshots/one"):
        assert client.get(ANALYSIS + path).status_code == 404
    assert listed(client, cohort) == before


def test_snapshots_are_listed_newest_first_with_their_provenance(client: FlaskClient, cohort: Cohort) -> None:
    snapshots = listed(client, cohort)
    assert list(snapshots) == ["two", "one"]
    newest = snapshots["two"]
    expected = {
        "status": "captured",
        "is_public": True,
        "is_default": True,
        "domain_count": 3,
        "run_count": 3,
        "engine_version": "0.1.0",
        "scoring_config_hash": "default",
        "tag_view_min_level": "NOTICE",
        "source_runs_available": False,
        "captured_at": "2026-11-26T12:00:00Z",
    }
    assert {name: newest[name] for name in expected} == expected
    assert newest["batch_id"].startswith("batch_")
    assert not snapshots["one"]["is_default"]


def test_a_chosen_default_stays_until_it_is_hidden(client: FlaskClient, cohort: Cohort) -> None:
    assert change(client, cohort, "one", is_default=True, label="First")["is_default"]
    shown = client.get(f"{ANALYSIS}/{cohort.id}").get_json()
    assert (shown["default_snapshot_policy"], shown["default_snapshot_id"]) == (
        "pinned",
        listed(client, cohort)["one"]["id"],
    )
    assert client.delete(f"{ANALYSIS}/{cohort.id}/snapshots/one").status_code == 204
    snapshots = listed(client, cohort)
    assert (snapshots["one"]["status"], snapshots["one"]["is_public"]) == ("retired", False)
    assert snapshots["two"]["is_default"]
    assert client.get(f"{ANALYSIS}/{cohort.id}").get_json()["default_snapshot_policy"] == "auto_latest"
    restored = change(client, cohort, "one", status="captured")
    assert (restored["status"], restored["is_public"], restored["label"]) == ("captured", True, "First")


def test_a_purged_snapshot_is_gone(client: FlaskClient, cohort: Cohort) -> None:
    assert client.delete(f"{ANALYSIS}/{cohort.id}/snapshots/two?purge=true").status_code == 204
    assert list(listed(client, cohort)) == ["one"]
    assert client.get(f"{ANALYSIS}/{cohort.id}/snapshots/two").status_code == 404
    audit = client.get("/api/v1/audit?limit=1").get_json()["items"][0]
    assert (audit["action"], audit["target"]) == ("snapshot.purge", "tld/two")


def test_snapshots_are_rebuilt_from_their_runs(client: FlaskClient, store: Store) -> None:
    cohort, batch = make_cohort(store), make_batch(store)
    run_batch(store, batch, NAMES)
    project_all(store)
    (slug,) = listed(client, cohort)
    path = f"{ANALYSIS}/{cohort.id}/snapshots"
    assert listed(client, cohort)[slug]["source_runs_available"]
    begun = client.post(f"{path}/{slug}/rematerialize")
    assert (begun.status_code, begun.get_json()["materialization_status"]) == (202, "running")
    assert error_of(client.post(f"{path}/{slug}/rematerialize"))["code"] == "materialization_running"
    assert error_of(client.post(f"{path}/rematerialize"))["code"] == "materialization_running"
    assert project_all(store) == len(NAMES)


def test_a_cohort_is_rebuilt_cleared_and_deleted(client: FlaskClient, store: Store) -> None:
    cohort, batch = make_cohort(store), make_batch(store)
    run_batch(store, batch, NAMES)
    assert project_all(store) == 3
    path = f"{ANALYSIS}/{cohort.id}"
    rebuilt = client.post(f"{path}/rebuild")
    assert (rebuilt.status_code, rebuilt.get_json()) == (202, {"started": True, "runs": 3, "kept": []})
    assert client.post(f"{path}/rebuild").get_json() == {"started": False, "runs": 0, "kept": []}
    assert project_all(store) == 3
    assert client.post(f"{path}/clear").get_json() == {"snapshots_removed": 1}
    assert listed(client, cohort) == {}
    assert project_all(store) == 0, "what was cleared comes back by a rebuild only"
    assert client.post(f"{path}/rebuild").get_json()["started"]
    assert project_all(store) == 3
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert project_all(store) == 0
    assert client.get("/api/v1/tags/tld/domains").get_json()["total"] == 3


def test_snapshots_without_runs_are_removed_by_a_named_action_only(client: FlaskClient, cohort: Cohort) -> None:
    path = f"{ANALYSIS}/{cohort.id}"
    missing = {slug: one["missing_runs"] for slug, one in listed(client, cohort).items()}
    assert all(missing.values()), "these snapshots have facts and no runs"
    kept = client.post(f"{path}/rebuild").get_json()["kept"]
    assert {one["slug"]: one["missing_runs"] for one in kept} == missing
    assert listed(client, cohort).keys() == missing.keys()
    assert client.post(f"{path}/force-rebuild").get_json() == {"started": True, "runs": 0, "kept": []}
    assert listed(client, cohort) == {}
    actions = [one["action"] for one in client.get("/api/v1/audit?limit=2").get_json()["items"]]
    assert actions == ["cohort.force_rebuild", "cohort.rebuild"]


def test_a_cohort_without_analysis_is_not_rebuilt(client: FlaskClient, store: Store) -> None:
    cohort = make_cohort(store, analysis_enabled=False, public_enabled=False)
    refused = client.post(f"{ANALYSIS}/{cohort.id}/rebuild")
    assert (refused.status_code, error_of(refused)["code"]) == (409, "cohort_analysis_disabled")
    assert client.post(f"{ANALYSIS}/999/rebuild").status_code == 404
    assert client.post(f"{ANALYSIS}/999/clear").status_code == 404


def test_two_operators_never_leave_half_a_snapshot(client: FlaskClient, cohort: Cohort) -> None:
    app, path = client.application, f"{ANALYSIS}/{cohort.id}"

    def post(what: str) -> int:
        return app.test_client().post(path + what).status_code

    def delete(what: str) -> int:
        return app.test_client().delete(path + what).status_code

    answers = together(
        lambda: post("/clear"),
        lambda: post("/rebuild"),
        lambda: delete("/snapshots/one?purge=true"),
        lambda: delete("/snapshots/two"),
        lambda: post("/clear"),
    )
    assert set(answers) <= {200, 202, 204, 404}
    assert all(snapshot["status"] in {"captured", "retired", "pending"} for snapshot in listed(client, cohort).values())
    assert client.delete(path).status_code == 204


def test_a_snapshot_is_repaired_by_the_missing_tests(client: FlaskClient, store: Store) -> None:
    cohort = make_cohort(store)
    batch = make_batch(store, tag="tld")
    run_batch(store, batch, NAMES[:2])
    client.post("/api/v1/tags/tld/domains", json={"domains": NAMES})
    project_all(store)
    (slug,) = listed(client, cohort)
    path = f"{ANALYSIS}/{cohort.id}/snapshots/{slug}/repair"
    repaired = client.post(path)
    assert (repaired.status_code, repaired.get_json()) == (202, {"batch_id": batch.id, "job_count": 1})
    jobs = client.get(f"/api/v1/batches/{batch.id}?status=queued").get_json()["items"]
    assert [(job["domain"], job["batch_id"]) for job in jobs] == [(NAMES[2], batch.id)]
    again = client.post(path)
    assert (again.status_code, error_of(again)["code"]) == (409, "nothing_to_repeat"), "the job is not queued twice"
    assert client.get("/api/v1/audit?limit=1").get_json()["items"][0]["action"] == "batch.complete"


def test_a_whole_snapshot_is_a_csv_file(client: FlaskClient, cohort: Cohort) -> None:
    response = client.get(f"{ANALYSIS}/{cohort.id}/snapshots/one/domains.csv")
    assert (response.status_code, response.mimetype) == (200, "text/csv")
    assert response.headers["Content-Disposition"] == "attachment; filename=one.csv"
    rows = list(csv.DictReader(response.text.splitlines()))
    assert len(rows) == listed(client, cohort)["one"]["domain_count"] > 0
    assert [row["domain"] for row in rows] == sorted(row["domain"] for row in rows)
    assert rows[0]["finished_at"].endswith("Z")
    assert "causes" in rows[0]
    assert client.get(f"{ANALYSIS}/{cohort.id}/snapshots/none/domains.csv").status_code == 404


def test_the_coverage_of_a_cohort_is_changed(client: FlaskClient, cohort: Cohort) -> None:
    path = f"{ANALYSIS}/{cohort.id}"
    assert client.get(path).get_json()["coverage"] is None
    assert client.patch(path, json={"coverage": 55}).get_json()["coverage"] == 55
    assert client.patch(path, json={"coverage": 101}).status_code == 400
    assert client.patch(path, json={"coverage": None}).get_json()["coverage"] is None


def test_a_snapshot_of_mixed_profiles_can_only_be_retired(client: FlaskClient, cohort: Cohort, store: Store) -> None:
    with store.transaction() as session:
        snapshot = session.scalars(select(CohortSnapshot).where(CohortSnapshot.slug == "one")).one()
        snapshot.status, snapshot.view_id, snapshot.is_public = SnapshotStatus.FAILED_MIXED_PROFILES, None, False
    path = f"{ANALYSIS}/{cohort.id}/snapshots/one"
    for refused in ({"status": "captured"}, {"is_public": True}, {"is_default": True}):
        assert client.post(path, json=refused).status_code == 400, refused
    found = change(client, cohort, "one", status="retired")
    assert (found["status"], found["is_public"], found["is_default"]) == ("retired", False, False)
    assert client.post(path, json={"status": "captured"}).status_code == 400, "there is no view to show"
    assert client.delete(f"{path}?purge=true").status_code == 204


def test_only_the_named_action_removes_snapshots_without_runs(client: FlaskClient, cohort: Cohort) -> None:
    path = f"{ANALYSIS}/{cohort.id}"
    for query, body in (("", None), ("?force=true", None), ("", {"force": True})):
        kept = client.post(f"{path}/rebuild{query}", json=body).get_json()["kept"]
        assert {snapshot["slug"] for snapshot in kept} == {"one", "two"}
    assert set(listed(client, cohort)) == {"one", "two"}
    forced = client.post(f"{path}/force-rebuild")
    assert (forced.status_code, forced.get_json()["kept"]) == (202, [])
    assert listed(client, cohort) == {}
    actions = [line["action"] for line in client.get("/api/v1/audit?limit=2").get_json()["items"]]
    assert len(set(actions)) == 2, "the audit tells both actions apart"
