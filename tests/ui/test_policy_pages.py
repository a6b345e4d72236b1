"""The pages of policies: list, suites, versions, comparison, editor and refusals."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_engine.policies.policy import load, names
from tests.api.conftest import MakeApp
from tests.support.rows import make_run, record
from tests.support.tokens import ADMIN, CONFIGURED, READ, bearer
from tests.ui.test_batches import text_of
from tests.ui.test_settings_pages import fields

LIST, NEW, OWN = "/settings/policies", "/settings/new-policy", "/settings/policies/own"
SUITE = {"name": "Main", "cases": ["basic01", "basic02"], "fail_level": "ERROR"}


def definition(**suite: Any) -> str:
    return json.dumps({"suites": [{**SUITE, **suite}]})


def create(client: FlaskClient, name: str = "own", **suite: Any) -> None:
    sent = {"name": name, "description": "ours", "definition": definition(**suite), "do": "save"}
    assert client.post(NEW, data=sent).status_code == 303


def save(client: FlaskClient, **suite: Any) -> int:
    sent = fields(client, f"{OWN}/edit") | {"definition": definition(**suite), "do": "save"}
    return client.post(f"{OWN}/edit", data=sent).status_code


def stored(client: FlaskClient) -> list[tuple[str, str]]:
    listed = client.get("/api/v1/policies").get_json()
    return [(each["name"], each["version"]) for each in listed if not each["bundled"]]


def test_policy_is_stored_changed_copied_and_deleted(client: FlaskClient) -> None:
    create(client)
    sent = fields(client, f"{OWN}/edit") | {"description": ["changed"], "do": ["save"]}
    assert client.post(f"{OWN}/edit", data=sent).status_code == 303
    assert stored(client) == [("own", "2")]
    assert client.get("/api/v1/policies/own").get_json()["description"] == "changed"
    copy = fields(client, f"{NEW}?from=own") | {"do": "save"}
    assert copy["name"] == ["own-copy"]
    assert client.post(NEW, data=copy).status_code == 303
    assert stored(client) == [("own", "2"), ("own-copy", "1")]
    assert client.post(f"{OWN}/delete").status_code == 200
    assert client.post(f"{OWN}/delete", data={"confirmed": "yes"}).status_code == 303
    assert stored(client) == [("own-copy", "1")]


def test_bundled_policy_is_copied_unchanged_and_fixed(client: FlaskClient) -> None:
    for name in names():
        copy = fields(client, f"{NEW}?from={name}") | {"do": "save"}
        assert client.post(NEW, data=copy).status_code == 303
        made = client.get(f"/api/v1/policies/{name}-copy").get_json()["document"]
        assert {**made, "name": name, "version": load(name).version} == load(name).as_dict()
        assert f"{LIST}/{name}/edit" not in text_of(client, f"{LIST}/{name}")
        for path in ("edit", "delete"):
            assert client.get(f"{LIST}/{name}/{path}").status_code == 409
            assert client.post(f"{LIST}/{name}/{path}", data={"confirmed": "yes"}).status_code == 409
    taken = client.post(NEW, data={"name": "default", "definition": definition(), "do": "save"})
    assert (taken.status_code, "A policy with this name already exists." in taken.text) == (400, True)


def test_list_is_searched_and_filtered(client: FlaskClient) -> None:
    create(client)
    every = text_of(client, LIST)
    assert all(f'href="{LIST}/{name}"' in every for name in (*names(), "own"))
    assert f'href="{LIST}/own"' not in text_of(client, f"{LIST}?show=bundled")
    assert f'href="{LIST}/default"' not in text_of(client, f"{LIST}?show=own")
    assert f'href="{LIST}/registration"' not in text_of(client, f"{LIST}?q=ours")
    assert "No matching policies" in text_of(client, f"{LIST}?q=none")


def test_page_shows_suites_and_versions(client: FlaskClient) -> None:
    create(client)
    assert save(client, cases=["basic01"], fail_tags=["B01_NO_CHILD"], fail_level="WARNING") == 303
    page = text_of(client, OWN)
    for expected in ("Main", "basic01", "B01_NO_CHILD", "Warning", f"{OWN}/compare?from=1&amp;to=2"):
        assert expected in page.replace("<wbr>", "")
    older = text_of(client, f"{OWN}?version=1")
    assert "basic02" in older
    assert "B01_NO_CHILD" not in older.replace("<wbr>", "")
    assert client.get(f"{OWN}?version=9").status_code == 404
    assert client.get(f"{LIST}/none").status_code == 404


def test_versions_are_compared(client: FlaskClient) -> None:
    create(client)
    assert "No differences" in text_of(client, f"{OWN}/compare")
    assert save(client, fail_level="WARNING") == 303
    page = text_of(client, f"{OWN}/compare").replace("<wbr>", "")
    assert "suites.Main.fail_level" in page
    assert "suites.Main.cases" not in page
    assert "No differences" in text_of(client, f"{OWN}/compare?from=2&to=2")
    assert "suites.DNS" in text_of(client, f"{OWN}/compare?from=1&to=2&other=default")
    for query in ("from=9", "to=x", "other=none"):
        assert client.get(f"{OWN}/compare?{query}").status_code == 404


def test_validation_stores_nothing_and_shows_notes_and_differences(client: FlaskClient) -> None:
    create(client)
    zonemaster = definition(cases=["consistency05"], fail_tags=["IN_BAILIWICK_ADDR_MISMATCH"])
    sent = fields(client, f"{OWN}/edit") | {"definition": zonemaster}
    page = client.post(f"{OWN}/edit", data=sent | {"do": "check"})
    assert page.status_code == 200
    assert "IN_DOMAIN_ADDR_MISMATCH" in page.text
    assert "suites.Main.cases" in page.text
    assert "is valid; it is not saved yet" in client.post(NEW, data=sent | {"name": "x", "do": "check"}).text
    assert stored(client) == [("own", "1")]


@pytest.mark.parametrize(
    ("changed", "field", "messages"),
    [
        ({"definition": '{"suites": '}, "definition", ["Invalid JSON in line 1"]),
        ({"definition": "[1]"}, "definition", ["must be a JSON object"]),
        ({"definition": "[" * 100_000}, "definition", ["too many levels of nesting"]),
        (
            {"definition": definition(cases=["basc01"], fail_level="<b>")},
            "definition",
            ["suites[0].cases[0]: ", "is basic01 meant?", "suites[0].fail_level: "],
        ),
        ({"definition": '{"suites": [], "odd": 1}'}, "definition", ["odd"]),
        ({"name": "No Spaces"}, "name", ["lower-case"]),
        ({"name": ""}, "name", []),
        ({"description": "x" * 3000}, "description", ["2"]),
        ({"description": "a\u202eb"}, "definition", ["hide text"]),
        (
            {"definition": json.dumps({"suites": [SUITE], "profile": {"net": {"allow_non_global_targets": True}}})},
            "definition",
            ["profile.net.allow_non_global_targets"],
        ),
    ],
)
def test_problems_are_at_their_fields(
    client: FlaskClient, changed: dict[str, str], field: str, messages: list[str]
) -> None:
    sent = {"name": "own", "description": "", "definition": definition(), "do": "save"} | changed
    answer = client.post(NEW, data=sent)
    assert answer.status_code == 400
    at = answer.text.partition(f'id="f-{field}-bad"')[2].partition("</small>")[0]
    assert at
    assert [text for text in messages if text not in at] == []
    assert "<b>" not in at
    assert stored(client) == []


def test_whole_document_is_pasted(client: FlaskClient) -> None:
    whole = {**load("registration").as_dict(), "name": "pasted"}
    sent = {"name": "", "description": "", "definition": json.dumps(whole), "do": "save"}
    assert client.post(NEW, data=sent).status_code == 303
    assert client.get("/api/v1/policies/pasted").get_json()["description"] == whole["description"]


def test_save_over_a_newer_version_is_refused_once(client: FlaskClient) -> None:
    create(client)
    old = fields(client, f"{OWN}/edit") | {"definition": definition(fail_level="NOTICE"), "do": "save"}
    assert save(client, fail_level="WARNING") == 303
    refused = client.post(f"{OWN}/edit", data=old)
    assert (refused.status_code, "Another user saved this policy" in refused.text) == (400, True)
    assert stored(client) == [("own", "2")]
    assert client.post(f"{OWN}/edit", data=old | {"after": "2"}).status_code == 303
    assert stored(client) == [("own", "3")]


def test_the_list_shows_whole_descriptions(client: FlaskClient) -> None:
    page = html.unescape(text_of(client, LIST))
    for name in names():
        assert f"<small>{load(name).description}</small>" in page


def test_the_page_of_rst_names_the_tags_that_no_engine_reports(client: FlaskClient) -> None:
    page = text_of(client, f"{LIST}/rst-v2")
    assert page.count("no engine reports it") == 3


def test_readers_see_no_forms(make_app: MakeApp) -> None:
    client = make_app(admin_tokens=CONFIGURED).test_client()
    document = {"name": "own", "suites": [SUITE]}
    made = client.post("/api/v1/policies", json={"document": document}, headers=bearer(ADMIN))
    assert made.status_code == 201
    for path in (LIST, OWN, f"{OWN}/compare", f"{OWN}/edit", NEW):
        page = client.get(path, headers={"Accept": "text/html", **bearer(READ)})
        assert page.status_code == 200
        main = page.text[page.text.index("<main") :]
        assert 'method="post"' not in main
        assert f"{OWN}/delete" not in main
        assert "from=own" not in main
    for path in (f"{OWN}/edit", f"{OWN}/delete", NEW):
        assert client.post(path, data={"do": "save"}, headers=bearer(READ)).status_code == 403


def test_batch_page_counts_verdicts_and_filters_by_them(client: FlaskClient, store: Store) -> None:
    made = client.post("/api/v1/jobs/batch", json={"domains": ["x.example"], "policy": "registration"}).get_json()
    path = f"/batches/{made['batch_id']}"
    assert "Verdicts of the policy" not in text_of(client, path)
    config = {"policy": {"name": "registration", "version": "1"}}
    for name, verdict in (("good", "pass"), ("bad", "fail"), ("worse", "fail")):
        make_run(store, f"{name}.example", record(verdict=verdict), config=config, batch_id=made["batch_id"])
    page = text_of(client, path, part="progress")
    counts = re.findall(r"verdict=(pass|fail|undecided)\".*?<b>(\d+)</b>", page, re.DOTALL)
    assert counts == [("pass", "1"), ("fail", "2")]
    failed = text_of(client, f"{path}?verdict=fail", part="jobs")
    assert ("bad.example" in failed, "good.example" in failed, "x.example" in failed) == (True, False, False)
    link = re.search(r'href="([^"]*jobs\.csv[^"]*)"', failed)
    assert link
    rows = list(csv.DictReader(io.StringIO(client.get(html.unescape(link[1])).text)))
    assert sorted(row["domain"] for row in rows) == ["bad.example", "worse.example"]
    assert {(row["policy"], row["policy_version"], row["verdict"]) for row in rows} == {("registration", "1", "fail")}
    assert "invalid_verdict" in text_of(client, f"{path}?verdict=maybe", 400)


def test_recent_runs_are_filtered_by_verdict(client: FlaskClient, store: Store) -> None:
    config = {"policy": {"name": "registration", "version": "1"}}
    for name, verdict in (("good", "pass"), ("bad", "fail"), ("open", "undecided")):
        make_run(store, f"{name}.example", record(verdict=verdict), config=config)
    make_run(store, "plain.example", record())
    judged = {"good", "bad", "open"}
    for query, shown in (("verdict=fail", {"bad"}), ("verdict=undecided", {"open"}), ("policy=registration", judged)):
        page = text_of(client, f"/recent?{query}")
        assert {name for name in ("good", "bad", "open", "plain") if f"{name}.example" in page} == shown
    assert '<option value="fail" selected>' in text_of(client, "/recent?verdict=fail")
    again = {"do": "rerun", "all": "yes", "verdict": "fail", "confirmed": "yes", "confirm": "yes"}
    assert client.post("/recent/bulk", data=again).status_code == 303
    waiting = client.get("/api/v1/jobs?status=queued").get_json()["items"]
    assert [job["domain"] for job in waiting] == ["bad.example"]


def judged_runs(client: FlaskClient, store: Store, **verdicts: str) -> str:
    """Store a batch with a run for each verdict by the label of its domain, and return its ID."""
    made = client.post("/api/v1/jobs/batch", json={"domains": ["x.example"], "policy": "registration"}).get_json()
    config = {"policy": {"name": "registration", "version": "1"}}
    for name, verdict in verdicts.items():
        make_run(store, f"{name}.example", record(verdict=verdict), config=config, batch_id=made["batch_id"])
    return str(made["batch_id"])


def test_batches_are_filtered_by_the_verdicts_of_their_runs(client: FlaskClient, store: Store) -> None:
    good = judged_runs(client, store, a="pass", b="pass")
    mixed = judged_runs(client, store, c="pass", d="fail")
    client.post("/api/v1/jobs/batch", json={"domains": ["plain.example"]})

    def listed(query: str) -> tuple[set[str], set[str]]:
        found = client.get(f"/api/v1/batches?{query}").get_json()
        assert found["total"] == len(found["items"])
        page, rows = text_of(client, f"/batches?{query}"), client.get(f"/batches/all.csv?{query}").text
        shown = {batch for batch in (good, mixed) if batch in page}
        assert shown == {batch for batch in (good, mixed) if batch in rows}
        return {item["batch_id"] for item in found["items"]}, shown

    assert listed("verdict=pass") == ({good, mixed}, {good, mixed})
    assert listed("verdict=fail") == ({mixed}, {mixed})
    assert listed("verdict=undecided") == (set(), set())
    assert "No matching batches" in text_of(client, "/batches?verdict=undecided")
    assert '<option value="fail" selected>' in text_of(client, "/batches?verdict=fail")
    assert client.get("/api/v1/batches?verdict=maybe").get_json()["error"]["code"] == "invalid_verdict"
    assert "must be one of: pass, fail, undecided" in text_of(client, "/batches?verdict=maybe", 400)


def test_runs_of_a_domain_are_filtered_by_verdict(client: FlaskClient, store: Store) -> None:
    config = {"policy": {"name": "registration", "version": "1"}}
    runs = {
        verdict: make_run(store, "a.example", record(verdict=verdict), config=config).id for verdict in ("pass", "fail")
    }
    plain = make_run(store, "a.example", record()).id
    (item,) = client.get("/api/v1/domains?name=a.example").get_json()["items"]
    url = f"/api/v1/domains/{item['id']}/runs"

    def found(query: str) -> list[str]:
        return [run["id"] for run in client.get(f"{url}?{query}").get_json()["items"]]

    assert found("verdict=fail") == [runs["fail"]]
    assert sorted(found("policy=registration")) == sorted(runs.values())
    assert found("policy=default") == []
    assert client.get(f"{url}?verdict=maybe").get_json()["error"]["code"] == "invalid_verdict"
    whole = text_of(client, "/domains/a.example", part="runs")
    assert set(re.findall(r'class="lead"><a href="/jobs/([^"]+)"', whole)) == {*runs.values(), plain}
    assert ("Passed" in whole, "Failed by the policy" in whole) == (True, True)
    failed = text_of(client, "/domains/a.example?verdict=fail", part="runs")
    assert re.findall(r'class="lead"><a href="/jobs/([^"]+)"', failed) == [runs["fail"]]
    assert "No matching runs" in text_of(client, "/domains/a.example?verdict=undecided", part="runs")


def test_runs_without_policies_have_no_filter_by_verdict(client: FlaskClient, store: Store) -> None:
    make_run(store, "a.example", record())
    assert 'name="verdict"' not in text_of(client, "/domains/a.example")
    assert 'name="verdict"' not in text_of(client, "/batches")  # an empty list has no filter
