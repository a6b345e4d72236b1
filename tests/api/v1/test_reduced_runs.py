"""Reduced runs in every view: what is left is shown, and a sentence says what was removed; nothing fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.ids import new_test_id, public_id_of_test
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import Batch, Keep, Run
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.verdicts import causes_by_run
from gonemaster_tasks.maintenance.reduction import reduce_due
from gonemaster_tasks.maintenance.scores import ScoreRecomputation
from tests.api.conftest import MakeApp
from tests.api.zonemaster.calls import call
from tests.support.analysis.cohorts import make_cohort
from tests.support.analysis.runs import project_all
from tests.support.rows import NOON, make_run, record
from tests.ui.public_runs import ENTRIES, TIMINGS

HTML = {"Accept": "text/html"}
SENTENCE = {
    "findings": "Only the findings of level WARNING and worse are kept of this result.",
    "facts": "Only grade, score and causes are kept of this result.",
}
CAUSES = ("signatures_end_soon", "soa_values")
TEST_ID = new_test_id()
Reduced = Callable[[Keep], Run]


def run_of(store: Store, batch: Batch, at: int = 0, **fields: Any) -> Run:
    values: dict[str, Any] = {
        "entries": ENTRIES,
        "nameserver_timings": TIMINGS,
        "dnssec_chain": {"zones": []},
        "score": 71,
        "grade": "C",
        "causes": CAUSES,
        "effective_profile": {},
    }
    outcome = record(at=NOON + timedelta(days=at), **values | fields)
    config = {"origin": "public", "tags": ["tld"]}
    public_id = public_id_of_test(TEST_ID if at == 0 else new_test_id())
    return make_run(store, "a.example", outcome, batch_id=batch.id, public_id=public_id, config=config)


def batch_of(store: Store, keep: Keep) -> Batch:
    with store.transaction() as session:
        return create_batch(session, NewBatch(1, tag="tld", tags=("tld",), snapshot_intent=True, keep=keep), now=NOON)


@pytest.fixture
def reduced(store: Store, queue: QueueParts) -> Reduced:
    """Store a run of a batch and reduce it."""

    def make(keep: Keep) -> Run:
        make_cohort(store)
        run = run_of(store, batch_of(store, keep))
        assert project_all(store) == 1
        assert reduce_due(store, queue.broker) == 1
        return run

    return make


@pytest.mark.parametrize("keep", [Keep.FINDINGS, Keep.FACTS])
def test_result_says_what_is_kept(client: FlaskClient, reduced: Reduced, keep: Keep) -> None:
    run = reduced(keep)
    found = client.get(f"/api/v1/jobs/{run.id}/result").json or {}
    assert found["kept"] == keep.value
    levels = {entry["level"] for entry in found["raw"]["entries"]}
    assert levels == ({"WARNING", "ERROR"} if keep is Keep.FINDINGS else set())
    assert (found["score"]["score"], found["score"]["grade"]) == (71, "C")
    assert [cause["cause"] for cause in found["root_causes"]] == list(CAUSES)
    assert not found["has_dnssec_chain"]
    stored = client.get(f"/api/v1/runs/{run.id}").json or {}
    assert (stored["kept"], stored["score"], stored["entry_count"]) == (keep.value, 71, len(ENTRIES))
    assert client.get(f"/api/v1/runs/{run.id}/score").status_code == 200
    assert client.get(f"/api/v1/runs/{run.id}/dnssec-chain").status_code == 404
    public = client.get(f"/pub/api/v1/jobs/{run.public_id}/result")
    assert (public.json or {})["kept"] == keep.value


@pytest.mark.parametrize("keep", [Keep.FINDINGS, Keep.FACTS])
def test_pages_say_what_was_removed(client: FlaskClient, reduced: Reduced, keep: Keep) -> None:
    run = reduced(keep)
    for path in (f"/jobs/{run.id}", f"/public/result/{run.public_id}"):
        answer = client.get(path, headers=HTML)
        assert answer.status_code == 200
        assert SENTENCE[keep.value] in answer.text
        assert "No problems found" not in answer.text
        assert "The signatures of the zone expire soon" in answer.text
    batch = client.get(f"/batches/{run.batch_id}", headers=HTML).text
    assert "The details of 1 result have been removed" in batch
    for path in (f"/jobs/{run.id}.txt", f"/public/result/{run.public_id}/csv", "/domains/a.example", "/recent"):
        assert client.get(path, headers=HTML).status_code in (200, 404), path


def test_a_full_result_says_nothing(client: FlaskClient, store: Store) -> None:
    run = run_of(store, batch_of(store, Keep.FULL))
    assert (client.get(f"/api/v1/jobs/{run.id}/result").json or {})["kept"] == "full"
    page = client.get(f"/jobs/{run.id}", headers=HTML).text
    assert not any(sentence in page for sentence in SENTENCE.values())


@pytest.mark.parametrize("keep", [Keep.FINDINGS, Keep.FACTS])
def test_lists_and_exports_still_have_every_entry(client: FlaskClient, reduced: Reduced, keep: Keep) -> None:
    run = reduced(keep)
    found = client.get(f"/api/v1/entries?run={run.id}").json or {}
    assert (found["total"], len(found["items"])) == (len(ENTRIES), len(ENTRIES))
    with_args = {entry["level"] for entry in found["items"] if entry["args"]}
    assert with_args == ({"WARNING", "ERROR"} if keep is Keep.FINDINGS else set())
    assert (client.get("/api/v1/runs?event_tag=REMAINING_SHORT").json or {})["total"] == 1
    for content in ("runs", "entries"):
        lines = client.get(f"/api/v1/batches/{run.batch_id}/export?content={content}").text.splitlines()
        assert len(lines) == (1 if content == "runs" else len(ENTRIES))
    assert client.get(f"/api/v1/entries?run={run.id}&format=csv").status_code == 200


@pytest.mark.parametrize("keep", [Keep.FINDINGS, Keep.FACTS])
def test_comparisons_find_no_change_because_of_it(
    client: FlaskClient, store: Store, reduced: Reduced, keep: Keep
) -> None:
    run = reduced(keep)
    other = batch_of(store, Keep.FULL)
    later = run_of(store, other, at=1)
    for query in ("", "?args=true"):
        found = client.get(f"/api/v1/runs/{run.id}/diff/{later.id}{query}").json or {}
        assert [found[side] for side in ("added", "cleared", "changed")] == [[], [], []]
        answer = client.get(f"/api/v1/batches/{run.batch_id}/diff/{other.id}{query}").json or {}
        assert answer["items"] == [], answer
    with store.read_only() as session:
        causes = causes_by_run(session, [run.id])
    assert {cause.id for cause in causes[run.id]} == set(CAUSES)


@pytest.mark.parametrize("keep", [Keep.FINDINGS, Keep.FACTS])
def test_the_stored_score_is_not_replaced(store: Store, queue: QueueParts, reduced: Reduced, keep: Keep) -> None:
    run = reduced(keep)
    ScoreRecomputation().advance(store, queue.broker, DEFAULT_CONFIG)
    with store.read_only() as session:
        stored = session.get(Run, run.key)
        assert stored is not None
        assert (stored.score, stored.grade, stored.cause_set_id) == (71, "C", run.cause_set_id)


def test_a_cached_public_result_is_replaced(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    make_cohort(store)
    run = run_of(store, batch_of(store, Keep.FACTS))
    path = f"/pub/api/v1/jobs/{run.public_id}/result"
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    project_all(store)
    assert reduce_due(store, queue.broker) == 1
    answer = client.get(path, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert (answer.json or {})["raw"]["entries"] == []


@pytest.mark.parametrize("keep", [Keep.FINDINGS, Keep.FACTS])
def test_results_of_zonemaster_mention_it(make_app: MakeApp, reduced: Reduced, keep: Keep) -> None:
    reduced(keep)
    client = make_app(zonemaster_api=True).test_client()
    results = call(client, "get_test_results", id=TEST_ID, language="en")["results"]
    assert [result["tag"] for result in results if result["module"] == "Backend"] == ["RESULT_REDUCED"]


def test_keep_of_a_batch_is_shown_and_changed(client: FlaskClient) -> None:
    body = {"domains": ["a.example"], "keep": "findings"}
    batch_id = (client.post("/api/v1/jobs/batch", json=body).json or {})["batch_id"]
    assert (client.get(f"/api/v1/batches/{batch_id}").json or {})["keep"] == "findings"
    changed = client.patch(f"/api/v1/batches/{batch_id}", json={"keep": "facts"})
    assert (changed.json or {})["keep"] == "facts"
    wrong = client.post("/api/v1/jobs/batch", json=body | {"keep": "nothing"})
    assert wrong.status_code == 400
    assert "full, findings, facts" in wrong.text


def test_setting_cohort_and_schedule_choose_what_is_kept(make_app: MakeApp) -> None:
    client = make_app(keep_runs="findings").test_client()
    cohort = (
        client.post(
            "/api/v1/analysis/cohorts", json={"source_tag": "tld", "keep": "facts", "analysis_enabled": True}
        ).json
        or {}
    )
    assert cohort["keep"] == "facts"
    kept = {}
    for name, fields in {"plain": {}, "tld": {"tags": ["tld"]}}.items():
        made = client.post("/api/v1/jobs/batch", json={"domains": ["a.example"], **fields}).json or {}
        kept[name] = (client.get(f"/api/v1/batches/{made['batch_id']}").json or {})["keep"]
    assert kept == {"plain": "findings", "tld": "facts"}
    assert (client.patch(f"/api/v1/analysis/cohorts/{cohort['id']}", json={"keep": None}).json or {})["keep"] is None
    rule = {"kind": "weekly", "weekdays": ["mon"], "time_of_day": "06:00", "keep": "findings"}
    answer = client.put(f"/api/v1/analysis/cohorts/{cohort['id']}/schedule", json=rule)
    assert (answer.json or {}).get("keep") == "findings", answer.text
