"""Every URL, method and parameter of the contract's sections 2 to 6 exists, and no document lacks a field."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from tests.api.v1.test_batches import submit
from tests.support.rows import NOON, claim, finish_job, make_run, record

PAGING = {"limit", "offset"}
CURSORS = PAGING | {"cursor", "page", "page_size"}
JOB_LIST = CURSORS | {"status", "domain", "severity", "created_after", "created_before", "sort"} | {
    "min_duration_ms", "min_attempts", "policy", "verdict",
}  # fmt: skip
DOMAIN_LIST = PAGING | {"name", "level", "min_level", "cause", "sort"}

# Section by section: methods, and the query parameters of GET.
CONTRACT: dict[str, tuple[str, set[str]]] = {
    # 2 jobs and queue, and the additions of decisions.md
    "/jobs": ("GET POST", JOB_LIST | {"batch_id"}),
    "/jobs/batch": ("POST", set()),
    "/jobs/purge": ("POST", set()),
    "/jobs/{}": ("GET", set()),
    "/jobs/{}/log": ("GET", set()),
    "/jobs/{}/cancel": ("POST", set()),
    "/jobs/{}/hold": ("POST", set()),
    "/jobs/{}/release": ("POST", set()),
    "/jobs/{}/result": ("GET", {"locale"}),
    "/jobs/{}/events": ("GET", set()),
    "/queue": ("GET", PAGING | {"tier"}),
    "/queue/pause": ("POST", set()),
    "/queue/resume": ("POST", set()),
    "/queue/reorder": ("POST", set()),
    "/queue/move": ("POST", set()),
    "/queue/remove": ("POST", set()),
    "/audit": ("GET", PAGING),
    # 3 batches
    "/batches": ("GET", PAGING | {"label"}),
    "/batches/{}": ("GET PATCH DELETE", JOB_LIST),
    "/batches/{}/delete-preview": ("GET", set()),
    "/batches/{}/tag-values": ("GET", {"tag", "arg", "min_count", "limit", "weight_by_score"}),
    "/batches/{}/cancel": ("POST", set()),
    "/batches/{}/rerun": ("POST", set()),
    "/batches/{}/diff/{}": ("GET", set()),
    # 4 domains, runs, entries, tags
    "/domains": ("GET", DOMAIN_LIST | {"tag"}),
    "/domains/{}": ("GET", set()),
    "/domains/{}/runs": ("GET", PAGING | {"sort"}),
    "/runs": (
        "GET",
        PAGING
        | {"tag", "event_tag", "domain", "domain_exact", "batch", "status", "level", "grade", "cause", "sort"}
        | {"finished_after", "finished_before", "min_duration_ms", "min_attempts", "policy", "verdict"},
    ),
    "/runs/{}": ("GET", set()),
    "/runs/{}/result": ("GET", {"locale"}),
    "/runs/{}/score": ("GET", {"locale"}),
    "/runs/{}/dnssec-chain": ("GET", set()),
    "/runs/{}/diff/{}": ("GET", set()),
    "/entries": (
        "GET",
        PAGING | {"run", "domain", "tag", "module", "testcase", "entry_tag", "level", "latest", "batch", "format"},
    ),
    "/tags": ("GET POST", PAGING),
    "/tags/{}": ("PUT DELETE", set()),
    "/tags/{}/domains": ("GET POST DELETE", DOMAIN_LIST),
    "/tags/{}/summary": ("GET", set()),
    "/tags/{}/purge": ("POST", set()),
    "/tags/{}/batches": ("GET", PAGING),
    "/tags/{}/profile": ("PUT DELETE", set()),
    "/tags/{}/schedule": ("GET PUT DELETE", set()),
    # 5 profiles and specifications
    "/profiles": ("GET POST", set()),
    "/profiles/default": ("GET", set()),
    "/profiles/defaults": ("GET", set()),
    "/profiles/compatibility": ("GET", set()),
    "/profiles/diff": ("POST", set()),
    "/profiles/mark-all-reviewed": ("POST", set()),
    "/profiles/{}": ("GET PUT PATCH DELETE", set()),
    "/profiles/{}/compatibility": ("GET", set()),
    "/spec/testcases": ("GET", {"category", "module"}),
    "/spec/testcases/{}": ("GET", {"locale"}),
    # 6 operation
    "/healthz": ("GET", set()),
    "/readyz": ("GET", set()),
    "/features": ("GET", set()),
    "/locales": ("GET", set()),
    "/version": ("GET", set()),
    "/causes": ("GET", {"locale"}),
    "/settings": ("GET PUT", set()),
    "/scoring-config": ("GET PUT", set()),
    "/scoring-config/defaults": ("GET", set()),
    # 7 analysis administration
    "/analysis/cohorts/{}/schedule": ("GET PUT DELETE", set()),
    "/analysis/schedules": ("GET", set()),
    "/analysis/schedules/preview": ("POST", set()),
}


def words(text: str) -> set[str]:
    return set(text.split())


JOB = {"id", "domain", "status", "created_at", "started_at", "finished_at", "priority", "progress"}
FINISHED_JOB = JOB | {"severity_totals", "score", "grade"}
RUN = words(
    "id domain_id domain batch_id status created_at started_at finished_at duration_ms sev_notice sev_warning sev_error"
    " sev_critical worst_level entry_count priority profile profile_id profile_name effective_profile public_id"
    " severity_totals score grade nameserver_timings error"
)
DOMAIN = words(
    "id name latest_run_id latest_run_at latest_status latest_level latest_score latest_grade created_at run_count tags"
)
ENTRY = {"id", "run_id", "domain_id", "domain", "timestamp", "module", "testcase", "tag", "level", "args"}
RESULT = {"job_id", "status", "summary", "raw", "testcase_descriptions", "has_dnssec_chain", "root_causes", "verdict"}
RESULT_ENTRY = {"timestamp", "module", "testcase", "tag", "level", "args", "message", "reference", "raw"}
SUMMARY = words("batch_id tag description status total completed purged_runs completion created_at finished_at origin")
DETAIL = words(
    "batch_id tag items total status_counts grades worst_levels limit offset sort created_at started_at finished_at"
    " origin"
)
PREVIEW = words(
    "batch_id tag created_at snapshot_intent exists queued_jobs running_jobs completed_runs entries fact_rows snapshots"
)
BATCH = {"id", "name", "tag", "tags", "created_at", "domain_count", "description", "snapshot_intent", "origin", "keep"}
TAG = {"name", "description", "created_at", "domain_count"}
TAG_SUMMARY = {"tag", "domain_count", "ok", "notice", "warning", "error", "critical", "grades"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_every_address_of_the_contract_is_there(client: FlaskClient) -> None:
    paths = client.get("/api/v1/openapi.json").get_json()["paths"]
    found = {re.sub(r"\{\w+\}", "{}", path.removeprefix("/api/v1")): item for path, item in paths.items()}
    for path, (methods, query) in CONTRACT.items():
        for method in methods.lower().split():
            assert method in found[path], f"{method} {path}"
        values = {parameter["name"] for parameter in found[path].get("get", {}).get("parameters", ())}
        assert query <= values, path


def times_of(document: Any) -> list[Any]:
    """Return all values whose name ends with `_at`, at any depth."""
    if isinstance(document, list):
        return [found for item in document for found in times_of(item)]
    if not isinstance(document, dict):
        return []
    here = [value for name, value in document.items() if name.endswith("_at")]
    return here + [found for value in document.values() for found in times_of(value)]


@pytest.fixture
def filled(client: FlaskClient, store: Store) -> dict[str, str]:
    """A batch of a tag with one run that has a score, one queued job, and the ids of all of them."""
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "b.example"]})
    answer = submit(client, "a.example", "b.example", tags=["mine"])
    entry = EntryRecord(0.1, "BASIC", "basic01", "B01_CHILD_FOUND", "NOTICE", {"ns": "ns1.example"})
    finished = record(entries=[entry], at=NOON, score=90, grade="A", nameserver_timings=[])
    run = finish_job(store, claim(store, answer["job_ids"][0], now=NOON - timedelta(seconds=5)), finished)
    ids = {"run": run.id, "domain": str(run.domain_id), "batch": answer["batch_id"], "job": answer["job_ids"][1]}
    return ids | {"tag": "mine"}


def test_documents_have_the_fields_of_the_contract(client: FlaskClient, filled: dict[str, str]) -> None:
    shapes: list[tuple[str, set[str]]] = [
        ("/jobs/{job}", JOB | {"batch_id"}),
        ("/jobs/{run}", FINISHED_JOB | {"batch_id"}),
        ("/jobs/{run}/result", RESULT | {"batch_id"}),
        ("/runs/{run}", RUN),
        ("/runs/{run}/result", RESULT),
        ("/domains/{domain}", DOMAIN),
        ("/batches/{batch}", DETAIL),
        ("/batches/{batch}/delete-preview", PREVIEW),
        ("/tags/{tag}/summary", TAG_SUMMARY),
    ]
    for path, fields in shapes:
        document = client.get(f"/api/v1{path.format_map(filled)}").get_json()
        assert fields <= set(document), path
        assert all(value is None or TIME.fullmatch(value) for value in times_of(document)), (path, times_of(document))
    result = client.get(f"/api/v1/runs/{filled['run']}/result").get_json()
    assert set(result["raw"]["entries"][0]) == RESULT_ENTRY
    assert set(client.patch(f"/api/v1/batches/{filled['batch']}", json={"snapshot_intent": True}).get_json()) == BATCH
    assert set(client.get("/api/v1/tags").get_json()[0]) == TAG


def test_pages_have_the_fields_of_the_contract(client: FlaskClient, filled: dict[str, str]) -> None:
    pages: list[tuple[str, set[str]]] = [
        ("/jobs?status=succeeded", FINISHED_JOB),
        ("/runs", RUN - {"nameserver_timings"}),
        ("/domains", DOMAIN),
        ("/domains/{domain}/runs", RUN - {"nameserver_timings"}),
        ("/entries", ENTRY),
        ("/batches", SUMMARY),
        ("/tags/{tag}/domains", DOMAIN),
    ]
    for path, fields in pages:
        document = client.get(f"/api/v1{path.format_map(filled)}").get_json()
        assert {"items", "total", "limit", "offset"} <= set(document), path
        assert fields <= set(document["items"][0]), path
        assert all(value is None or TIME.fullmatch(value) for value in times_of(document)), path


def test_what_is_not_set_is_null_or_absent_and_never_year_one(client: FlaskClient, filled: dict[str, str]) -> None:
    job = client.get(f"/api/v1/jobs/{filled['job']}").get_json()
    assert (job["started_at"], job["finished_at"]) == (None, None)
    assert not {"error", "public_id", "severity_totals", "score", "grade", "profile_id", "profile_name"} & set(job)
    detail = client.get(f"/api/v1/batches/{filled['batch']}").get_json()
    assert detail["started_at"] is not None
    assert detail["finished_at"] is None
    client.post("/api/v1/tags/other/domains", json={"domains": ["new.example"]})
    (untested,) = client.get("/api/v1/domains?name=new.example").get_json()["items"]
    assert {untested[name] for name in untested if name.startswith("latest_")} == {None}
    assert untested["run_count"] == 0


def test_effective_profile_is_json_text(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record("INFO", effective_profile={"net": {"ipv4": True}}))
    shown = client.get(f"/api/v1/runs/{run.id}").get_json()["effective_profile"]
    assert isinstance(shown, str)
    assert '"ipv4":true' in shown.replace(" ", "")
