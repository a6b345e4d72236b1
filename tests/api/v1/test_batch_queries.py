"""Batches: the list, slices of their jobs, changes and values, with the code of each refusal."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from tests.api.conftest import MakeApp
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.rows import claim, finish_job, record


def finish(store: Store, answer: dict[str, Any], *values: Any, score: int | None = None) -> None:
    """Finish the jobs of a batch, each with one entry T whose argument x is the value."""
    for job_id, value in zip(answer["job_ids"], values, strict=True):
        entry = EntryRecord(0.1, "BASIC", "basic01", "T", "INFO", {"x": value})
        finish_job(store, claim(store, job_id), record(entries=[entry], score=score, grade="C"))


def test_label_is_a_part_of_the_tag_in_any_case(client: FlaskClient) -> None:
    made = {tag: submit(client, "a.example", tags=[tag])["batch_id"] for tag in ("Nordic-DNS", "100%", "a_b", "axb")}

    def found(label: str) -> list[str]:
        page = client.get(f"/api/v1/batches?label={label}").get_json()
        assert page["total"] == len(page["items"])
        return [item["batch_id"] for item in page["items"]]

    assert found("dic-d") == [made["Nordic-DNS"]]
    assert found("%25") == [made["100%"]]
    assert found("a_b") == [made["a_b"]]
    assert found("none") == []
    assert len(found("")) == 4


def test_list_of_batches_is_cut_at_a_hundred_and_refuses_nonsense(client: FlaskClient) -> None:
    submit(client, "a.example")
    for limit, length in ((1, 1), (100, 100), (101, 100), (10**9, 100)):
        assert client.get(f"/api/v1/batches?limit={limit}").get_json()["limit"] == length
    assert client.get("/api/v1/batches").get_json()["limit"] == 20
    for query, code in (("limit=0", "invalid_limit"), ("limit=x", "invalid_limit"), ("offset=-1", "invalid_offset")):
        response = client.get(f"/api/v1/batches?{query}")
        assert (response.status_code, error_of(response)["code"]) == (400, code)


@pytest.mark.parametrize("path", ["jobs", "batches/{batch_id}"])
def test_cursor_goes_before_page_and_page_before_offset(client: FlaskClient, path: str) -> None:
    answer = submit(client, *(f"d{number}.example" for number in range(7)))
    address = f"/api/v1/{path.format(**answer)}?sort=domain_asc"

    def found(query: str) -> list[int]:
        return [int(item["domain"][1]) for item in client.get(f"{address}&{query}").get_json()["items"]]

    assert found("limit=2&offset=1") == [1, 2]
    assert found("limit=2&page=2&offset=1") == [2, 3]
    assert found("limit=2&page=2&page_size=3&offset=1") == [3, 4, 5]
    assert found("limit=2&cursor=5&page=2&offset=1") == [5, 6]
    assert found("limit=2&cursor=0&page=2&offset=1") == [0, 1]
    first = client.get(f"{address}&page=1&page_size=4").get_json()
    assert (first["next_cursor"], "prev_cursor" in first, first["offset"], first["limit"]) == ("4", False, 0, 4)
    last = client.get(f"{address}&page_size=4&cursor={first['next_cursor']}").get_json()
    assert ("next_cursor" in last, last["prev_cursor"], last["total"]) == (False, "0", 7)
    for query, code in (
        ("cursor=x", "invalid_cursor"),
        ("cursor=-1", "invalid_cursor"),
        ("cursor=", "invalid_cursor"),
        ("cursor=99999999999", "invalid_cursor"),
        ("page=0", "invalid_page"),
        ("page_size=0", "invalid_page_size"),
        ("page_size=501", "invalid_page_size"),
        ("limit=501", "invalid_limit"),
        ("offset=-1", "invalid_offset"),
        ("cursor=x&page=0", "invalid_page"),
        ("created_after=2026-01-02T00:00:00Z&created_before=2026-01-01T00:00:00Z", "invalid_time_range"),
    ):
        response = client.get(f"{address}&{query}")
        assert (response.status_code, error_of(response)["code"]) == (400, code), query


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({"snapshot_intent": None}, "missing_field"),
        ({"snapshot_intent": "yes"}, "invalid_snapshot_intent"),
        ({"snapshot_intent": 1}, "invalid_snapshot_intent"),
        ({"snapshot_intent": True, "tag": "x"}, "unknown_field"),
        ([], "invalid_json"),
        (None, "invalid_json"),
    ],
)
def test_change_that_is_refused(client: FlaskClient, body: Any, code: str) -> None:
    batch_id = submit(client, "a.example", snapshot_intent=True)["batch_id"]
    response = client.patch(f"/api/v1/batches/{batch_id}", json=body)
    assert (response.status_code, error_of(response)["code"]) == (400, code)
    assert client.get(f"/api/v1/batches/{batch_id}").get_json()["snapshot_intent"] is True


def test_change_gives_the_batch(client: FlaskClient) -> None:
    answer = submit(client, "a.example", "b.example", tags=["mine"], description="two")
    changed = client.patch(f"/api/v1/batches/{answer['batch_id']}", json={"snapshot_intent": True}).get_json()
    assert (changed["id"], changed["tag"], changed["domain_count"]) == (answer["batch_id"], "mine", 2)
    assert (changed["description"], changed["snapshot_intent"], changed["origin"]) == ("two", True, "")
    response = client.patch("/api/v1/batches/%20", json={"snapshot_intent": True})
    assert (response.status_code, error_of(response)["code"]) == (400, "missing_batch_id")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("arg=x", "missing_tag"),
        ("tag=&arg=x", "missing_tag"),
        ("tag=T", "missing_arg"),
        ("tag=T&arg=", "missing_arg"),
        ("tag=T&arg=x&min_count=0", "invalid_min_count"),
        ("tag=T&arg=x&min_count=many", "invalid_min_count"),
        ("tag=T&arg=x&limit=0", "invalid_limit"),
        ("tag=T&arg=x&limit=501", "invalid_limit"),
        ("tag=T&arg=x&weight_by_score=maybe", "invalid_weight_by_score"),
    ],
)
def test_values_that_cannot_be_asked_for(client: FlaskClient, store: Store, query: str, code: str) -> None:
    answer = submit(client, "a.example")
    finish(store, answer, "v")
    response = client.get(f"/api/v1/batches/{answer['batch_id']}/tag-values?{query}")
    assert (response.status_code, error_of(response)["code"]) == (400, code)


def test_values_with_their_domains(client: FlaskClient, store: Store) -> None:
    answer = submit(client, *(f"d{number:02}.example" for number in range(14)))
    finish(store, answer, *["often"] * 12, "once", 53, score=70)
    path = f"/api/v1/batches/{answer['batch_id']}/tag-values?tag=T&arg=x"
    found = client.get(path).get_json()
    assert (found["batch_id"], found["tag"], found["arg"]) == (answer["batch_id"], "T", "x")
    assert (found["min_count"], found["weight_by_score"]) == (1, False)
    assert [(item["value"], item["count"], item["avg_score"]) for item in found["values"]] == [
        ("often", 12, 70.0),
        ("once", 1, 70.0),
        ("53", 1, 70.0),
    ]
    assert found["values"][0]["sample_domains"] == [f"d{number:02}.example" for number in range(10)]
    assert [item["value"] for item in client.get(f"{path}&min_count=2").get_json()["values"]] == ["often"]
    assert len(client.get(f"{path}&limit=1").get_json()["values"]) == 1
    assert client.get(f"{path}&weight_by_score=true").get_json()["weight_by_score"] is True


@pytest.mark.parametrize("arg", ["%22", "x%22", "$", "$.x", "[0]", "%27", "x.y", "%F0%9F%A6%86", "0", "%5C"])
def test_strange_arguments_have_no_values(client: FlaskClient, store: Store, arg: str) -> None:
    answer = submit(client, "a.example")
    finish(store, answer, ["v"])
    response = client.get(f"/api/v1/batches/{answer['batch_id']}/tag-values?tag=T&arg={arg}")
    assert (response.status_code, response.get_json().get("values")) == (200, [])


def test_hidden_scores_are_not_in_batches(make_app: MakeApp, store: Store) -> None:
    client = make_app(show_score_admin="false").test_client()
    answer = submit(client, "a.example")
    finish(store, answer, "v", score=70)
    batch = client.get(f"/api/v1/batches/{answer['batch_id']}").get_json()
    assert batch["grades"] == {}
    assert {"score", "grade"}.isdisjoint(batch["items"][0])
    (value,) = client.get(f"/api/v1/batches/{answer['batch_id']}/tag-values?tag=T&arg=x").get_json()["values"]
    assert value["avg_score"] is None
