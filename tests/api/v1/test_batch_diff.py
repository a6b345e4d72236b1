"""Two batches compared over HTTP."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from gonemaster_engine.findings.causes.registry import RULE_BY_ID
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.rows import claim, finish_job, record


def line(tag: str, level: str = "NOTICE", **args: Any) -> EntryRecord:
    return EntryRecord(0.1, "ZONE", "zone01", tag, level, args)


def run_batch(client: FlaskClient, store: Store, found: dict[str, list[EntryRecord] | None]) -> str:
    """Submit a batch and finish its jobs with these entries; None fails the run."""
    answer = submit(client, *found)
    for job_id, entries in zip(answer["job_ids"], found.values(), strict=True):
        outcome = record(entries=entries) if entries is not None else record(status=RunStatus.FAILED)
        finish_job(store, claim(store, job_id), outcome)
    return str(answer["batch_id"])


@pytest.fixture
def batches(client: FlaskClient, store: Store) -> tuple[str, str]:
    before = run_batch(
        client,
        store,
        {
            "changed.example": [line("GONE"), line("LEVEL"), line("SAME", ns="x"), line("QUIET", "INFO", n=1)],
            "failed.example": [line("GONE")],
            "left.example": [line("GONE")],
            "same.example": [line("SAME"), line("QUIET", "INFO", n=1)],
        },
    )
    after = run_batch(
        client,
        store,
        {
            "same.example": [line("QUIET", "INFO", n=2), line("SAME")],
            "new.example": [],
            "failed.example": None,
            "changed.example": [line("NEW"), line("LEVEL", "ERROR"), line("SAME", ns="x")],
        },
    )
    return before, after


def get(client: FlaskClient, batches: tuple[str, str], query: str = "") -> dict[str, Any]:
    response = client.get(f"/api/v1/batches/{batches[0]}/diff/{batches[1]}?{query}")
    assert response.status_code == 200, response.data
    found: dict[str, Any] = response.get_json()
    return found


def test_findings_that_came_went_and_changed_by_domain(client: FlaskClient, batches: tuple[str, str]) -> None:
    page = get(client, batches)
    assert [(item["domain"], item["kind"]) for item in page["items"]] == [
        ("changed.example", "changed"),
        ("failed.example", "not_comparable"),
        ("left.example", "only_before"),
        ("new.example", "only_after"),
    ]
    changed, failed, left, new = page["items"]
    assert [change["tag"] for change in changed["added"]] == ["NEW"]
    assert [change["tag"] for change in changed["cleared"]] == ["GONE"]
    (level,) = changed["changed"]
    assert (level["before"], level["after"]) == ([{"level": "NOTICE"}], [{"level": "ERROR"}])
    assert (failed["before"]["status"], failed["after"]["status"], failed["cleared"]) == ("succeeded", "failed", [])
    assert (left["after"], new["before"]) == (None, None)
    assert client.get(f"/api/v1/runs/{left['before']['run_id']}").get_json()["domain"] == "left.example"
    assert "next_after" not in page


def test_root_causes_that_appeared_and_were_cleared(client: FlaskClient, store: Store) -> None:
    causes: tuple[dict[str, list[str] | None], ...] = (
        {"a.example": ["no_dnssec", "no_tcp"], "b.example": [], "c.example": None, "d.example": ["no_tcp"]},
        {"a.example": ["no_dnssec"], "b.example": ["ds_without_key"], "c.example": ["no_tcp"]},
    )
    made = []
    for side, tag in zip(causes, ("GONE", "NEW"), strict=True):
        answer = submit(client, *side)
        for job_id, known in zip(answer["job_ids"], side.values(), strict=True):
            finish_job(store, claim(store, job_id), record(entries=[line(tag)], causes=known))
        made.append(str(answer["batch_id"]))
    page = get(client, (made[0], made[1]))
    numbers = ("cause", "from_domain_count", "to_domain_count", "domains_appeared", "domains_cleared")
    assert [tuple(one[name] for name in numbers) for one in page["causes"]] == [
        ("ds_without_key", 0, 1, 1, 0),
        ("no_tcp", 2, 1, 0, 1),
    ]
    assert page["causes"][0]["title"] == RULE_BY_ID["ds_without_key"].texts.title
    assert {item["domain"]: item["causes"] for item in page["items"]} == {
        "a.example": {"appeared": [], "cleared": ["no_tcp"]},
        "b.example": {"appeared": ["ds_without_key"], "cleared": []},
        "c.example": {"appeared": [], "cleared": []},
        "d.example": {"appeared": [], "cleared": []},
    }
    assert "causes" not in get(client, (made[0], made[1]), "after=a.example")


def test_numbers_and_batches_are_next_to_the_list(client: FlaskClient, batches: tuple[str, str]) -> None:
    page = get(client, batches)
    assert page["counts"] == {
        "before": 4,
        "after": 4,
        "in_both": 3,
        "only_before": 1,
        "only_after": 1,
        "same": 1,
        "differing": 1,
        "not_comparable": 1,
    }
    assert (page["before"]["batch_id"], page["after"]["batch_id"]) == batches
    assert (page["before"]["status"], page["min_level"], page["limit"]) == ("done", "NOTICE", 100)


def test_level_and_kind_narrow_the_list(client: FlaskClient, batches: tuple[str, str]) -> None:
    info = get(client, batches, "min_level=info&kind=changed")
    assert [item["domain"] for item in info["items"]] == ["changed.example"]
    info = get(client, batches, "min_level=info&kind=changed&args=true")
    assert [item["domain"] for item in info["items"]] == ["changed.example", "same.example"]
    error = get(client, batches, "min_level=ERROR&kind=changed")
    assert [change["tag"] for change in error["items"][0]["added"]] == ["LEVEL"]
    assert [item["domain"] for item in get(client, batches, "kind=only_after")["items"]] == ["new.example"]
    assert get(client, batches, "min_level=critical&kind=changed")["items"] == []


def test_a_signature_that_ages_is_no_difference(client: FlaskClient, store: Store) -> None:
    pair = [
        run_batch(client, store, {"a.example": [line("EXPIRES", "WARNING", days=days), line("EXPIRES", days=90)]})
        for days in (9, 8)
    ]
    page = get(client, (pair[0], pair[1]))
    assert (page["items"], page["counts"]["same"], page["counts"]["differing"]) == ([], 1, 0)
    (item,) = get(client, (pair[0], pair[1]), "args=true")["items"]
    before, after = item["changed"][0]["before"], item["changed"][0]["after"]
    assert before == [{"level": "WARNING", "args": {"days": 9}}, {"level": "NOTICE", "args": {"days": 90}}]
    assert after[0]["args"] == {"days": 8}


def test_pages_join_to_the_whole(client: FlaskClient, batches: tuple[str, str]) -> None:
    whole = [item["domain"] for item in get(client, batches)["items"]]
    seen: list[str] = []
    after = ""
    while True:
        page = get(client, batches, f"limit=1{after}")
        assert ("counts" in page) is (after == "")
        seen += [item["domain"] for item in page["items"]]
        if "next_after" not in page:
            break
        after = f"&after={page['next_after']}"
    assert seen == whole


def test_running_batch_is_compared_as_far_as_it_is(client: FlaskClient, batches: tuple[str, str]) -> None:
    running = str(submit(client, "same.example")["batch_id"])
    page = get(client, (batches[0], running))
    assert (page["after"]["status"], page["counts"]["after"]) == ("running", 0)
    assert {item["kind"] for item in page["items"]} == {"only_before"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("min_level=loud", "invalid_min_level"),
        ("kind=all", "invalid_kind"),
        ("args=some", "invalid_args"),
        ("limit=0", "invalid_limit"),
        ("limit=501", "invalid_limit"),
        ("after=" + "x" * 256, "invalid_after"),
    ],
)
def test_refused_with_code(client: FlaskClient, query: str, code: str) -> None:
    response = client.get(f"/api/v1/batches/a/diff/b?{query}")
    assert (response.status_code, error_of(response)["code"]) == (400, code)


def test_unknown_batches(client: FlaskClient, batches: tuple[str, str]) -> None:
    for pair in ((batches[0], "none"), ("none", batches[0]), ("%F0%9F%A6%86", batches[0])):
        response = client.get(f"/api/v1/batches/{pair[0]}/diff/{pair[1]}")
        assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
    assert get(client, batches, "after=%F0%9F%A6%86")["items"] == []
