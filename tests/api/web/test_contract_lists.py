"""Lists over HTTP as in the contract: pages, filters, sorts, and the code for each invalid parameter."""

import json
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.rows import NOON, claim, finish_job, make_run, queue_job, record

# The standard pages of section 1.6; those of `tags` are bare arrays.
PAGED = ("jobs", "queue", "audit", "domains", "runs", "entries", "tags", "tags/mine/domains", "domains/1/runs")
WITH_CURSORS = ("jobs", "batches/{batch}")
LEVEL_PARAMETERS = {
    "domains?level=": "invalid_level",
    "domains?min_level=": "invalid_min_level",
    "tags/mine/domains?level=": "invalid_level",
    "tags/mine/domains?min_level=": "invalid_min_level",
    "runs?level=": "invalid_level",
    "entries?level=": "invalid_level",
    "runs/{run}/diff/{run}?min_level=": "invalid_min_level",
}
WRONG = {
    "jobs?status=done": "invalid_status",
    "jobs?severity=errors": "invalid_severity",
    "jobs?sort=name_asc": "invalid_sort",
    "jobs?created_after=2026-11-25": "invalid_created_after",
    "jobs?created_before=now": "invalid_created_before",
    "jobs?created_after=2026-11-25T12:00:00Z&created_before=2026-11-25T12:00:00Z": "invalid_time_range",
    "batches/{batch}?status=done": "invalid_status",
    "batches/{batch}?sort=name_asc": "invalid_sort",
    "batches/{batch}?cursor=x": "invalid_cursor",
    "batches/{batch}?page=0": "invalid_page",
    "batches/{batch}?page_size=501": "invalid_page_size",
    "batches/{batch}?created_after=x": "invalid_created_after",
    "batches/{batch}/tag-values?arg=ns": "missing_tag",
    "batches/{batch}/tag-values?tag=T": "missing_arg",
    "batches/{batch}/tag-values?tag=T&arg=ns&min_count=0": "invalid_min_count",
    "batches/{batch}/tag-values?tag=T&arg=ns&limit=501": "invalid_limit",
    "batches/{batch}/tag-values?tag=T&arg=ns&limit=0": "invalid_limit",
    "batches/{batch}/tag-values?tag=T&arg=ns&weight_by_score=perhaps": "invalid_weight_by_score",
    "domains?sort=finished_at_desc": "invalid_sort",
    "domains?min_level=NOTICE": "invalid_min_level",
    "domains/1/runs?sort=name_asc": "invalid_sort",
    "runs?status=queued": "invalid_status",
    "runs?sort=name_asc": "invalid_sort",
    "runs?finished_after=x": "invalid_finished_after",
    "runs?finished_before=x": "invalid_finished_before",
    "runs?finished_after=2026-11-25T12:00:00Z&finished_before=2026-11-25T12:00:00Z": "invalid_time_range",
    "entries?domain=0": "invalid_domain",
    "entries?domain=a.example": "invalid_domain",
    "entries?format=xml": "invalid_format",
    "entries?latest=perhaps": "invalid_latest",
    "queue?tier=fast": "invalid_tier",
}


def found(client: FlaskClient, path: str, name: str) -> list[Any]:
    response = client.get(f"/api/v1/{path}")
    assert response.status_code == 200, (path, response.data)
    document = response.get_json()
    return [item[name] for item in (document if isinstance(document, list) else document["items"])]


def entry(tag: str, level: str, module: str = "BASIC", testcase: str = "basic01", **args: str) -> EntryRecord:
    return EntryRecord(0.1, module, testcase, tag, level, args)


@pytest.fixture
def ids(client: FlaskClient, store: Store) -> dict[str, str]:
    """Four domains: a and b of a finished batch, c with a failed run, d untested; a and d are tagged `mine`."""
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "d.test"]})
    client.post("/api/v1/tags", json={"name": "empty"})
    batch = submit(client, "a.example", "b.example", tags=["nordic"])
    first, second = batch["job_ids"]
    good = [entry("T1", "INFO", ns="n1"), entry("T2", "NOTICE")]
    bad = [entry("T1", "ERROR", ns="n2"), entry("T3", "CRITICAL", "ZONE", "zone01")]
    started = NOON - timedelta(seconds=5)
    run = finish_job(store, claim(store, first, now=started), record(entries=good, at=NOON, score=90, grade="A"))
    later = record(entries=bad, at=NOON + timedelta(hours=1), score=10, grade="F")
    finish_job(store, claim(store, second, now=started), later)
    make_run(store, "c.example", record(status=RunStatus.FAILED, error="x", at=NOON + timedelta(hours=2)))
    waiting = queue_job(store, "e.example", now=NOON + timedelta(hours=3))
    numbers = dict(zip(found(client, "domains", "name"), map(str, found(client, "domains", "id")), strict=True))
    return {"batch": batch["batch_id"], "run": run.id, "waiting": waiting.id, "a": numbers["a.example"]}


def test_standard_pages(client: FlaskClient, ids: dict[str, str]) -> None:
    for path in PAGED:
        for query in ("limit=0", "limit=501", "limit=x", "limit=-1", "limit="):
            assert error_of(client.get(f"/api/v1/{path}?{query}"))["code"] == "invalid_limit", path
        for query in ("offset=-1", "offset=x"):
            assert error_of(client.get(f"/api/v1/{path}?{query}"))["code"] == "invalid_offset", path
        for query in ("limit=1", "limit=500&offset=0"):
            assert client.get(f"/api/v1/{path}?{query}").status_code == 200, path
        if path != "tags":
            page = client.get(f"/api/v1/{path}").get_json()
            assert (page["limit"], page["offset"]) == (100, 0), path
    assert ids


def test_cursors_lead_through_a_list_and_are_absent_at_its_ends(client: FlaskClient, ids: dict[str, str]) -> None:
    for path in ("jobs", "domains", "runs", "entries"):
        whole = found(client, path, "id")
        assert len(whole) > 2
        first = client.get(f"/api/v1/{path}?limit=2").get_json()
        assert first["total"] == len(whole)
        assert "prev_cursor" not in first
        following = client.get(f"/api/v1/{path}?limit=2&offset={first['next_cursor']}").get_json()
        assert following["prev_cursor"] == "0"
        last = client.get(f"/api/v1/{path}?limit=2&offset={len(whole) - 1}").get_json()
        assert "next_cursor" not in last
        assert [item["id"] for page in (first, following) for item in page["items"]] == whole[:4]
    assert ids


def walked(client: FlaskClient, path: str, direction: str, cursor: str) -> tuple[list[str], str]:
    """Follow the cursors of a list, two items a page; return the items as text, page by page, and the last cursor."""
    items: list[str] = []
    mark = "&" if "?" in path else "?"
    while True:
        page = client.get(f"/api/v1/{path}{mark}limit=2&offset=9999&cursor={cursor}").get_json()
        part = page["items"] if direction == "next" else reversed(page["items"])
        items += [json.dumps(item, sort_keys=True) for item in part]
        if f"{direction}_cursor" not in page:
            return items, cursor
        cursor = page[f"{direction}_cursor"]


CURSORED = ("domains", "runs", "entries", "entries?latest=1", "audit", "batches", "tags/mine/domains", "domains/1/runs")


@pytest.mark.parametrize("path", CURSORED)
def test_cursors_walk_all_pages_there_and_back(client: FlaskClient, ids: dict[str, str], path: str) -> None:
    """In every list, the cursors that a page returns are valid values of `cursor`."""
    whole = client.get(f"/api/v1/{path}").get_json()["items"]
    there, last = walked(client, path, "next", "0")
    assert there == [json.dumps(item, sort_keys=True) for item in whole]
    back, _ = walked(client, path, "prev", last)
    assert back == there[::-1]
    for wrong in ("x", "-1", "1.5", "99999999999", "%F0%9F%98%80"):
        assert error_of(client.get(f"/api/v1/{path.split('?')[0]}?cursor={wrong}"))["code"] == "invalid_cursor"
    assert ids


def test_cursor_goes_before_page_and_page_before_offset(client: FlaskClient, ids: dict[str, str]) -> None:
    for path in WITH_CURSORS:
        base = f"/api/v1/{path.format_map(ids)}?page_size=1&limit=5&offset=9"
        assert client.get(f"{base}&cursor=0&page=2").get_json()["offset"] == 0, path
        paged = client.get(f"{base}&page=2").get_json()
        assert (paged["offset"], paged["limit"]) == (1, 1), path
        assert client.get(base).get_json()["offset"] == 9, path


def test_lists_of_batches_are_cut_and_not_refused(client: FlaskClient, ids: dict[str, str]) -> None:
    for path in ("batches", "tags/mine/batches"):
        assert client.get(f"/api/v1/{path}").get_json()["limit"] == 20
        assert client.get(f"/api/v1/{path}?limit=101").get_json()["limit"] == 100
        assert error_of(client.get(f"/api/v1/{path}?limit=0"))["code"] == "invalid_limit"
        assert error_of(client.get(f"/api/v1/{path}?offset=-1"))["code"] == "invalid_offset"
    assert ids


def test_levels_are_taken_in_any_case(client: FlaskClient, ids: dict[str, str]) -> None:
    for query, code in LEVEL_PARAMETERS.items():
        for level in ("ERROR", "error", "eRrOr"):
            response = client.get(f"/api/v1/{query.format_map(ids)}{level}")
            assert response.status_code == 200, (query, level, response.data)
        assert error_of(client.get(f"/api/v1/{query.format_map(ids)}LOUD"))["code"] == code


def test_wrong_parameters_have_their_codes(client: FlaskClient, ids: dict[str, str]) -> None:
    for path, code in WRONG.items():
        response = client.get(f"/api/v1/{path.format_map(ids)}")
        assert (response.status_code, error_of(response)["code"]) == (400, code), path


def test_filters_of_domains(client: FlaskClient, ids: dict[str, str]) -> None:
    expected = {
        "domains": ["a.example", "b.example", "c.example", "d.test"],
        "domains?tag=mine": ["a.example", "d.test"],
        "domains?tag=none": [],
        "domains?tag=__none__": ["c.example"],
        "domains?name=EXAMPLE": ["a.example", "b.example", "c.example"],
        "domains?name=example&tag=mine": ["a.example"],
        "domains?level=notice": ["a.example"],
        "domains?level=CRITICAL": ["b.example"],
        "domains?min_level=WARNING": ["b.example"],
        "domains?tag=mine&min_level=error": [],
        "domains?limit=1&offset=1": ["b.example"],
        "tags/mine/domains": ["a.example", "d.test"],
        "tags/mine/domains?name=test": ["d.test"],
        "tags/mine/domains?sort=name_desc": ["d.test", "a.example"],
        "tags/nordic/domains?level=critical": ["b.example"],
    }
    assert {path: found(client, path, "name") for path in expected} == expected
    assert ids


def test_sorts_of_domains(client: FlaskClient, ids: dict[str, str]) -> None:
    a, b, c, d = "a.example", "b.example", "c.example", "d.test"
    expected = {
        "name_asc": [a, b, c, d],
        "name_desc": [d, c, b, a],
        "latest_level_desc": [b, a, c, d],
        "latest_level_asc": [c, d, a, b],
        "latest_score_desc": [a, b, c, d],
        "latest_score_asc": [b, a, c, d],
        "latest_run_at_desc": [c, b, a, d],
        "latest_run_at_asc": [d, a, b, c],
        "run_count_desc": [a, b, c, d],
        "run_count_asc": [d, a, b, c],
    }
    assert {sort: found(client, f"domains?sort={sort}", "name") for sort in expected} == expected
    assert client.get("/api/v1/domains").get_json()["sort"] == "name_asc"
    assert ids


def test_filters_of_runs(client: FlaskClient, ids: dict[str, str]) -> None:
    a, b, c = "a.example", "b.example", "c.example"
    expected = {
        "runs": [c, b, a],
        "runs?tag=mine": [a],
        "runs?tag=nordic": [b, a],
        "runs?event_tag=T1": [b, a],
        "runs?event_tag=t1": [],
        "runs?domain=EXA": [c, b, a],
        "runs?domain_exact=B.Example": [b],
        "runs?domain_exact=b.example.": [b],
        "runs?domain_exact=example": [],
        f"runs?batch={ids['batch']}": [b, a],
        "runs?status=failed": [c],
        "runs?status=canceled": [],
        "runs?level=critical": [b],
        "runs?level=ERROR": [],
        "runs?grade=A": [a],
        "runs?grade=Z": [],
        "runs?finished_after=2026-11-25T12:00:00Z": [c, b],  # values beyond the bounds
        "runs?finished_before=2026-11-25T13:00:00Z": [a],
        "runs?finished_after=2026-11-25T12:59:59Z&finished_before=2026-11-25T13:00:01Z": [b],
        "runs?sort=score_asc": [b, a, c],
        "runs?sort=finished_at_asc&limit=1": [a],
        f"domains/{ids['a']}/runs": [a],
    }
    assert {path: found(client, path, "domain") for path in expected} == expected


def test_filters_of_entries(client: FlaskClient, ids: dict[str, str]) -> None:
    expected = {
        "entries": ["T1", "T2", "T1", "T3"],
        f"entries?run={ids['run']}": ["T1", "T2"],
        f"entries?domain={ids['a']}": ["T1", "T2"],
        "entries?tag=mine": ["T1", "T2"],
        "entries?tag=nordic&module=zone": ["T3"],
        "entries?module=Basic": ["T1", "T2", "T1"],
        "entries?testcase=ZONE01": ["T3"],
        "entries?entry_tag=T1": ["T1", "T1"],
        "entries?entry_tag=t1": [],
        "entries?level=ERROR": ["T1"],
        "entries?latest=1&entry_tag=T1": ["T1", "T1"],
        "entries?latest=true&module=zone": ["T3"],
        f"entries?batch={ids['batch']}&level=notice": ["T2"],
        "entries?batch=batch_none": [],
        "entries?limit=1&offset=3": ["T3"],
    }
    assert {path: found(client, path, "tag") for path in expected} == expected


def test_filters_and_order_of_a_batch(client: FlaskClient, ids: dict[str, str]) -> None:
    path = f"batches/{ids['batch']}"
    expected = {
        f"{path}?sort=domain_asc": ["a.example", "b.example"],
        f"{path}?sort=worst_level_desc": ["b.example", "a.example"],
        f"{path}?domain=B.EX": ["b.example"],
        f"{path}?status=queued": [],
        f"{path}?severity=errors_only": ["b.example"],
        f"{path}?created_before=2026-01-01T00:00:00Z": [],
        f"{path}?batch_id=batch_none&sort=domain_asc": ["a.example", "b.example"],
    }
    assert {query: found(client, query, "domain") for query in expected} == expected
    detail = client.get(f"/api/v1/{path}?status=queued").get_json()
    assert (detail["total"], detail["status_counts"]["succeeded"], detail["sort"]) == (0, 2, "started_at_desc")
    assert detail["grades"] == {"A": 1, "F": 1}
    assert detail["worst_levels"] == {"CRITICAL": 1, "NOTICE": 1}
    assert (detail["status"], detail["finished_at"]) == ("done", "2026-11-25T13:00:00Z")


def test_lists_that_belong_to_something_need_it(client: FlaskClient, ids: dict[str, str]) -> None:
    for path in (
        "batches/batch_none",
        "batches/batch_none/delete-preview",
        "batches/batch_none/tag-values?tag=T&arg=a",
        "domains/999999",
        "domains/999999/runs",
        "runs/job_none",
        "runs/job_none/result",
        "runs/job_none/dnssec-chain",
        "runs/{run}/dnssec-chain",
        "runs/{run}/diff/job_none",
        "runs/{waiting}",
        "jobs/{waiting}/result",
        "tags/none/domains",
        "tags/none/batches",
        "tags/none/summary",
        "tags/empty/summary",
        "spec/testcases/none01",
    ):
        response = client.get(f"/api/v1/{path.format_map(ids)}")
        assert (response.status_code, error_of(response)["code"]) == (404, "not_found"), path


def test_values_of_an_argument_with_their_scores(client: FlaskClient, ids: dict[str, str]) -> None:
    path = f"/api/v1/batches/{ids['batch']}/tag-values?tag=T1&arg=ns"
    document = client.get(path).get_json()
    assert {"batch_id", "tag", "arg", "min_count", "weight_by_score", "values"} <= set(document)
    assert [(value["value"], value["count"]) for value in document["values"]] == [("n1", 1), ("n2", 1)]
    assert document["values"][0]["sample_domains"] == ["a.example"]
    weighted = client.get(f"{path}&weight_by_score=true").get_json()
    assert {value["value"]: value["avg_score"] for value in weighted["values"]} == {"n1": 90, "n2": 10}
    assert client.get(f"{path}&min_count=2").get_json()["values"] == []
    assert len(client.get(f"{path}&limit=1").get_json()["values"]) == 1
