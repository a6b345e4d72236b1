"""The tools against a real application and store, called by the SDK's client in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from mcp import Client

from gonemaster_api.mcp.calls import ToolApi
from gonemaster_api.mcp.server import make_server
from gonemaster_api.mcp.texts import MAX_CHARACTERS, shorten
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.domains.profiles import create_profile
from gonemaster_db.domains.tags import create_tag
from tests.api.v1.test_batches import submit
from tests.db.service.test_observed_zones import cds_watch, decide
from tests.engine.automation.test_rollover import BROKEN
from tests.support.analysis_world import Chance, make_cohort, make_snapshot
from tests.support.rows import NOON, make_run, record
from tests.ui.test_rollover_pages import watched

Call = Callable[..., tuple[str, bool]]
UNSIGNED = EntryRecord(1.0, "DELEGATION", "delegation01", "ENOUGH_NS_DEL", "INFO", {"count": 2})
LAME = EntryRecord(
    1.0, "DELEGATION", "delegation05", "NS_IS_CNAME", "ERROR", {"nsname": "ns1.a.example", "ns": "ns1.a.example"}
)


class TestClientApi(ToolApi):
    """The API of an application without a server."""

    __test__ = False

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    async def request(self, method: str, path: str, query: Mapping[str, Any], body: Any) -> tuple[int, Any]:
        response = self.client.open(path, method=method, query_string=dict(query), json=body)
        return response.status_code, response.get_json()

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.fixture
def call(client: FlaskClient) -> Call:
    """Call a tool: return its text and whether it failed."""

    def use(tool: str, **arguments: Any) -> tuple[str, bool]:
        async def call_once() -> Any:
            async with Client(make_server(TestClientApi(client), allow_write=True)) as session:
                return await session.call_tool(tool, arguments)

        result = asyncio.run(call_once())
        return result.content[0].text, result.is_error

    return use


def ok(result: tuple[str, bool]) -> str:
    assert not result[1], result[0]
    return result[0]


def test_a_run_is_explained(call: Call, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=[UNSIGNED, LAME]))
    text = ok(call("run_get", id=run.id))
    assert text.startswith(f"a.example: succeeded, grade {run.grade}") or "a.example: succeeded" in text
    assert "Findings of level NOTICE or higher: 1 (INFO 1, ERROR 1 in all)" in text
    assert "ERROR delegation05 NS_IS_CNAME" in text
    assert "Fix: " in text or "Advice: " in text
    assert "ENOUGH_NS_DEL" not in text
    assert "ENOUGH_NS_DEL" in ok(call("run_get", id=run.id, min_level="info", lang="sv"))


def test_runs_are_found_and_compared(call: Call, store: Store) -> None:
    first = make_run(store, "a.example", record(entries=[UNSIGNED]))
    second = make_run(store, "a.example", record(entries=[UNSIGNED, LAME], at=NOON + timedelta(hours=1)))
    make_run(store, "b.example")
    lines = ok(call("latest_for", domain="a.example")).splitlines()
    assert lines[0] == "1 to 2 of 2"
    assert lines[2].startswith(f"{second.id} | a.example")
    assert ok(call("run_search", domain="example", limit=1)).startswith("1 to 1 of 3")
    assert ok(call("run_search", domain="a.example", exact=True, level="ERROR")).startswith("1 to 1 of 1")
    assert ok(call("run_search", finished_after="2026-11-25T12:30:00Z")).startswith("1 to 1 of 1")
    assert "delegation05 NS_IS_CNAME: absent -> ERROR" in ok(call("run_diff", run_a=first.id, run_b=second.id))


def test_records_are_listed(call: Call, store: Store) -> None:
    with store.transaction() as session:
        create_tag(session, "mine", now=NOON)
        create_profile(session, "strict", config={}, schema_version="0", now=NOON)
    assert "gonemaster " in ok(call("ping"))
    assert "mine | 0" in ok(call("domain_tag_list"))
    assert "strict" in ok(call("profile_list"))
    assert "dnssec01 | DNSSEC" in ok(call("spec_list_testcases", category="dnssec"))
    assert "address01 | " not in ok(call("spec_list_testcases", category="dnssec"))
    assert ok(call("spec_get_testcase", testcase="Delegation05")).startswith("delegation05 (DELEGATION): ")


def test_batches_are_submitted_explained_and_canceled(call: Call, store: Store, client: FlaskClient) -> None:
    text = ok(call("batch_enqueue", domains=["a.example", "b.example", "a.example"]))
    batch_id = text.partition(":")[0]
    assert "2 jobs queued; 1 duplicates omitted" in text
    assert batch_id in ok(call("batch_list"))
    assert "running, 0 of 2 jobs finished" in ok(call("batch_get", batch_id=batch_id))
    job = client.get(f"/api/v1/batches/{batch_id}").get_json()["items"][0]["id"]
    assert "canceled" in ok(call("cancel_job", id=job))
    assert "1 waiting jobs canceled" in ok(call("batch_cancel", batch_id=batch_id))
    assert "no such profile" in call("batch_enqueue", domains=["a.example"], profile="none")[0]
    refused, _ = call("batch_enqueue", domains=["a.example", "a..b"])
    assert "invalid_domain: 1 of 2 names is invalid; nothing was queued\n- 'a..b': it has an empty label" in refused
    assert call("batch_get", batch_id="batch_none")[1]


def test_failures_of_a_batch_are_counted_by_tag(call: Call, client: FlaskClient, store: Store) -> None:
    batch_id = submit(client, "a.example", "b.example")["batch_id"]
    for domain in ("a.example", "b.example"):
        make_run(store, domain, record(entries=[UNSIGNED, LAME, LAME]), batch_id=batch_id)
    lines = ok(call("failures_by_tag", batch_id=batch_id)).splitlines()
    assert lines[0] == "4 entries read, 1 message tags; capped_at_level: none"
    assert lines[1].startswith("- ERROR delegation05 NS_IS_CNAME: 2 domains, 4 entries; such as a.example, b.example")


def test_reading_failures_stops_at_a_limit(
    call: Call, client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gonemaster_api.mcp.tools.batches.MAX_ENTRIES", 2)
    monkeypatch.setattr("gonemaster_api.mcp.tools.batches.PAGE_ENTRIES", 2)
    batch_id = submit(client, "a.example")["batch_id"]
    make_run(store, "a.example", record(entries=[LAME, LAME, LAME]), batch_id=batch_id)
    assert "2 entries read, 1 message tags; capped_at_level: ERROR" in ok(call("failures_by_tag", batch_id=batch_id))


def test_cohorts_are_explained(call: Call, store: Store) -> None:
    chance = Chance(1)
    cohort = make_cohort(store, is_default=True)
    facts = [chance.snapshot(12)]
    facts.append(chance.later(facts[0]))
    for each in facts:
        make_snapshot(store, cohort, each)
    assert "se | " in ok(call("cohort_list"))
    text = ok(call("cohort_list", dataset_tag="se"))
    assert facts[0].slug in text
    assert call("cohort_list", dataset_tag="none")[0].startswith("no such cohort: none; cohorts: se")
    assert "domain_count " in ok(call("cohort_stats", dataset_tag="se"))
    assert "->" in ok(call("cohort_report", dataset_tag="se"))
    assert ok(call("cohort_report", dataset_tag="se", **{"from": facts[0].slug, "to": facts[1].slug}))
    assert ok(call("cohort_schedule_list")) == "none"


def test_decisions_and_rollovers_are_explained(call: Call, store: Store) -> None:
    watch = cds_watch(store)
    key = decide(store, watch.id)
    decide(store, watch.id, "b.example", "refuse")
    text = ok(call("cds_decision_list"))
    assert f"{key} | a.example | replace | rollover" in text
    assert f"continue with cursor {key + 1}" in text
    assert "a.example" not in ok(call("cds_decision_list", action="refuse"))
    assert ok(call("cds_decision_list", domain="none.example")) == "none"
    text = ok(call("cds_decision_get", id=key))
    assert text.startswith("a.example: replace (rollover)")
    assert "1 13 2 AB" in text
    assert call("cds_decision_get", id=key + 9)[1]
    watch_id = watched(store, BROKEN["KSK removed before the DS changed"][2])
    text = ok(call("rollover_get", watch_id=watch_id))
    assert text.startswith("example.xa: ksk rollover, broken")
    assert "chain_broken" in text
    assert "key_published" in text
    assert call("rollover_get", watch_id=watch.id)[1]


@pytest.mark.parametrize(
    ("tool", "arguments", "problem"),
    [
        ("run_search", {"limit": 501}, "limit: Input should be less than or equal to 500"),
        ("run_get", {"id": "job_1", "min_level": "BAD"}, "min_level: "),
        ("run_get", {}, "id: Field required"),
        ("ping", {"loud": True}, "unknown parameters: loud; allowed: none"),
        ("test_domain", {"domain": "a..b"}, "invalid_domain: "),
        ("run_get", {"id": "job_1/../x"}, "not_found: 'job_1/../x' is not an ID or a name"),
        ("batch_get", {"batch_id": ".."}, "not_found: '..' is not an ID or a name"),
        ("spec_get_testcase", {"testcase": "zone/01"}, "not_found: 'zone/01' is not an ID or a name"),
        ("run_search", {"grade": "A", "finished_after": "yesterday"}, "invalid_finished_after: "),
    ],
)
def test_wrong_parameters_are_explained(call: Call, tool: str, arguments: dict[str, Any], problem: str) -> None:
    text, failed = call(tool, **arguments)
    assert failed
    assert problem in text


def test_a_test_that_takes_longer_continues(call: Call) -> None:
    text = ok(call("test_domain", domain="a.example", timeout_seconds=1))
    assert text.startswith(
        "a.example: the test is queued, 0 % done, after 1 s. It continues: call run_get with id job_"
    )


def test_long_texts_are_cut_at_a_line() -> None:
    text = "\n".join(f"line {number}" for number in range(10_000))
    cut = shorten(text)
    assert len(cut) < MAX_CHARACTERS + 100
    kept, last = cut.rsplit("\n", 1)
    assert text.startswith(kept + "\n")
    assert last == f"[{10_000 - len(kept.splitlines())} more lines omitted: use a smaller limit, or a filter]"
