"""Tags over HTTP: created, filled, summarised, purged, removed; and the code for each error."""

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_db.domains.profiles import create_profile
from tests.api.conftest import MakeApp
from tests.api.v1.test_batches import submit
from tests.api.web.test_errors import error_of
from tests.support.rows import NOON, claim, finish_job, make_run, queue_job, record

LONG = "x" * 256
# Method, path, body: status and code.
WRONG: list[tuple[str, str, Any, int, str]] = [
    ("POST", "", {}, 400, "missing_name"),
    ("POST", "", {"name": None}, 400, "missing_name"),
    ("POST", "", {"name": ""}, 400, "missing_name"),
    ("POST", "", {"name": 5}, 400, "invalid_name"),
    ("POST", "", {"name": LONG}, 400, "invalid_name"),
    ("POST", "", {"name": "n", "description": 5}, 400, "invalid_description"),
    ("POST", "", {"name": "n", "description": "x" * 10_001}, 400, "invalid_description"),
    ("POST", "", {"name": "n", "colour": "red"}, 400, "unknown_field"),
    ("POST", "", {"name": "mine"}, 409, "tag_exists"),
    ("PUT", "/mine", {}, 400, "missing_description"),
    ("PUT", "/mine", {"name": "yours"}, 400, "unknown_field"),
    ("PUT", "/none", {"description": "d"}, 404, "not_found"),
    ("DELETE", "/none", None, 404, "not_found"),
    ("POST", "/mine/domains", {}, 400, "missing_domains"),
    ("POST", "/mine/domains", {"domains": []}, 400, "missing_domains"),
    ("POST", "/mine/domains", {"domains": None}, 400, "missing_domains"),
    ("POST", "/mine/domains", {"domains": "a.example"}, 400, "invalid_domains"),
    ("POST", "/mine/domains", {"domains": ["a.example", "a..b"]}, 400, "invalid_domain"),
    ("POST", "/mine/domains", {"domains": ["a.example", 5]}, 400, "invalid_domain"),
    ("DELETE", "/mine/domains", {}, 400, "missing_domains"),
    ("DELETE", "/mine/domains", {"domains": []}, 400, "missing_domains"),
    ("DELETE", "/mine/domains", {"domains": ["a..b"]}, 400, "invalid_domain"),
    ("DELETE", "/none/domains", {"domains": ["a.example"]}, 404, "not_found"),
    ("POST", "/none/purge", None, 404, "not_found"),
    ("GET", "/none/summary", None, 404, "not_found"),
    ("PUT", "/mine/profile", {}, 400, "invalid_profile_id"),
    ("PUT", "/mine/profile", {"profile_id": None}, 400, "invalid_profile_id"),
    ("PUT", "/mine/profile", {"profile_id": "1"}, 400, "invalid_profile_id"),
    ("PUT", "/mine/profile", {"profile_id": 0}, 400, "invalid_profile_id"),
    ("PUT", "/mine/profile", {"profile_id": 999}, 404, "profile_not_found"),
    ("PUT", "/none/profile", {"profile_id": 1}, 404, "not_found"),
    ("DELETE", "/none/profile", None, 404, "not_found"),
]


def names(client: FlaskClient, tag: str) -> list[str]:
    return [domain["name"] for domain in client.get(f"/api/v1/tags/{tag}/domains").get_json()["items"]]


def test_refused_with_code(client: FlaskClient) -> None:
    client.post("/api/v1/tags", json={"name": "mine"})
    for method, path, body, status, code in WRONG:
        response = client.open(f"/api/v1/tags{path}", method=method, json=body)
        assert response.is_json, (method, path, body, response.data)
        assert (response.status_code, error_of(response)["code"]) == (status, code), (method, path, body)
    assert names(client, "mine") == []
    assert [tag["name"] for tag in client.get("/api/v1/tags").get_json()] == ["mine"]


def test_tag_is_made_described_and_listed_by_name(client: FlaskClient) -> None:
    made = client.post("/api/v1/tags", json={"name": " yours ", "description": "d"})
    assert (made.status_code, made.get_json()["name"], made.get_json()["description"]) == (201, "yours", "d")
    client.post("/api/v1/tags", json={"name": "Mine"})
    client.post("/api/v1/tags/caf%C3%A9/domains", json={"domains": ["a.example"]})
    listed = client.get("/api/v1/tags").get_json()
    assert [(tag["name"], tag["domain_count"]) for tag in listed] == [("Mine", 0), ("caf\u00e9", 1), ("yours", 0)]
    assert [tag["name"] for tag in client.get("/api/v1/tags?limit=1&offset=1").get_json()] == ["caf\u00e9"]
    assert client.put("/api/v1/tags/yours", json={"description": ""}).get_json()["description"] == ""


def test_domains_join_and_leave_as_often_as_one_likes(client: FlaskClient) -> None:
    for domains in (["B.example.", "a.example"], ["a.example", "a.example"], ["b\u00fccher.example"]):
        assert client.post("/api/v1/tags/mine/domains", json={"domains": domains}).status_code == 204
    assert names(client, "mine") == ["a.example", "b.example", "xn--bcher-kva.example"]
    for domains in (["A.example", "never.example"], ["a.example"]):
        assert client.delete("/api/v1/tags/mine/domains", json={"domains": domains}).status_code == 204
    assert names(client, "mine") == ["b.example", "xn--bcher-kva.example"]
    assert client.get("/api/v1/domains?name=b.example").get_json()["total"] == 1


def test_job_with_tags_takes_its_domain_into_them(client: FlaskClient) -> None:
    client.post("/api/v1/jobs", json={"domain": "A.example", "tags": ["mine", " new "]})
    assert names(client, "mine") == names(client, "new") == ["a.example"]
    (domain,) = client.get("/api/v1/domains").get_json()["items"]
    assert (domain["tags"], domain["run_count"]) == (["mine", "new"], 0)


def test_refused_job_makes_no_tag(client: FlaskClient) -> None:
    body = {"domain": "a.example", "tags": ["mine"], "profile_id": 999}
    assert client.post("/api/v1/jobs", json=body).status_code == 400
    assert client.get("/api/v1/tags").get_json() == []


def test_domains_of_a_batch_with_tags_join_them_as_their_jobs_end(client: FlaskClient, store: Store) -> None:
    answer = submit(client, "a.example", "b.example", tags=["mine"])
    assert [tag["name"] for tag in client.get("/api/v1/tags").get_json()] == ["mine"]
    finish_job(store, claim(store, answer["job_ids"][0]))
    client.post(f"/api/v1/jobs/{answer['job_ids'][1]}/cancel")
    assert names(client, "mine") == ["a.example", "b.example"]


def test_summary_of_a_tag_without_domains_says_so(client: FlaskClient) -> None:
    client.post("/api/v1/tags", json={"name": "mine"})
    response = client.get("/api/v1/tags/mine/summary")
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
    assert error_of(response)["message"] == "no such tag with domains: 'mine'"


def test_summary_counts_newest_runs(client: FlaskClient, store: Store) -> None:
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "b.example", "new.example"]})
    make_run(store, "a.example", record("CRITICAL", score=0, grade="F"))
    make_run(store, "a.example", record("NOTICE", score=95, grade="A", at=NOON + timedelta(hours=1)))
    make_run(store, "b.example", record("ERROR", "WARNING", score=60, grade="D"))
    assert client.get("/api/v1/tags/mine/summary").get_json() == {
        "tag": "mine",
        "domain_count": 3,
        "ok": 1,
        "notice": 1,
        "warning": 0,
        "error": 1,
        "critical": 0,
        "grades": {"A": 1, "D": 1},
    }


def test_purge_takes_the_runs_of_the_domains_and_nothing_else(client: FlaskClient, store: Store) -> None:
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "b.example"]})
    gone = [make_run(store, domain).id for domain in ("a.example", "a.example", "b.example")]
    kept, waiting = make_run(store, "c.example").id, queue_job(store, "a.example").id
    running = claim(store, queue_job(store, "b.example").id).id
    assert client.post("/api/v1/tags/mine/purge").get_json() == {"purged_runs": 3}
    assert {client.get(f"/api/v1/runs/{run}").status_code for run in gone} == {404}
    assert client.get(f"/api/v1/runs/{kept}").status_code == 200
    for job in (waiting, running):
        assert client.get(f"/api/v1/jobs/{job}").status_code == 200
    assert names(client, "mine") == ["a.example", "b.example"]
    domain = client.get("/api/v1/domains?name=a.example").get_json()["items"][0]
    assert (domain["run_count"], domain["latest_run_id"], domain["latest_level"]) == (0, None, None)
    assert client.post("/api/v1/tags/mine/purge").get_json() == {"purged_runs": 0}


def test_removed_tag_leaves_domains_and_runs(client: FlaskClient, store: Store) -> None:
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example"]})
    run = make_run(store, "a.example").id
    assert client.delete("/api/v1/tags/mine").status_code == 204
    assert client.get("/api/v1/tags").get_json() == []
    (domain,) = client.get("/api/v1/domains?tag=__none__").get_json()["items"]
    assert (domain["latest_run_id"], domain["tags"]) == (run, [])


def test_default_profile_of_a_tag_is_shown_and_cleared(client: FlaskClient, store: Store) -> None:
    client.post("/api/v1/tags", json={"name": "mine"})
    with store.transaction() as session:
        strict = create_profile(
            session, "strict", description="", config={}, public=False, schema_version="1", now=NOON
        )
        number = strict.id
    assert client.put("/api/v1/tags/mine/profile", json={"profile_id": number}).status_code == 204
    assert client.get("/api/v1/tags").get_json()[0]["default_profile_id"] == number
    for _ in range(2):
        assert client.delete("/api/v1/tags/mine/profile").status_code == 204
    assert "default_profile_id" not in client.get("/api/v1/tags").get_json()[0]


def test_batches_of_a_tag_are_those_submitted_from_it(client: FlaskClient) -> None:
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example"]})
    first = client.post("/api/v1/jobs/batch", json={"from_tag": "mine", "description": "one"}).get_json()["batch_id"]
    second = client.post("/api/v1/jobs/batch", json={"from_tag": "mine"}).get_json()["batch_id"]
    submit(client, "b.example")
    page = client.get("/api/v1/tags/mine/batches").get_json()
    assert [item["batch_id"] for item in page["items"]] == [second, first]
    assert (page["items"][1]["description"], page["items"][1]["tag"], page["total"]) == ("one", "mine", 2)
    (newest,) = client.get("/api/v1/tags/mine/batches?limit=1").get_json()["items"]
    assert newest["batch_id"] == second


def test_tag_with_more_domains_than_a_batch_may_have(make_app: MakeApp) -> None:
    client = make_app(max_batch_size=2).test_client()
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example", "b.example", "c.example"]})
    response = client.post("/api/v1/jobs/batch", json={"from_tag": "mine"})
    assert (response.status_code, error_of(response)["code"]) == (400, "batch_too_large")
    client.delete("/api/v1/tags/mine/domains", json={"domains": ["c.example"]})
    assert client.post("/api/v1/jobs/batch", json={"from_tag": "mine"}).get_json()["job_count"] == 2
