"""Profiles over HTTP: stored, replaced, removed; invalid profiles are rejected with the path of each error."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_db.service.audit import list_actions
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.version import __version__
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.rows import make_run

NO_OBJECTS: tuple[Any, ...] = ([], "x", 1)
PROFILES = "/api/v1/profiles"
NO_IPV6 = {"net": {"ipv6": False}}


def create(client: FlaskClient, name: str = "strict", **fields: Any) -> dict[str, Any]:
    response = client.post(PROFILES, json={"name": name, **fields})
    assert response.status_code == 201, response.get_json()
    made: dict[str, Any] = response.get_json()
    return made


def audited(store: Store) -> list[tuple[str, str, dict[str, Any]]]:
    with store.read_only() as session:
        lines = list_actions(session).items
    assert all(line.who.startswith("open:") for line in lines)
    return [(line.action, line.target, line.details) for line in reversed(lines)]


def test_life_of_a_profile(client: FlaskClient, store: Store) -> None:
    made = create(client, " strict ", description="d", config=NO_IPV6, public=True)
    assert made.items() >= {"name": "strict", "description": "d", "config": NO_IPV6, "public": True}.items()
    assert made["schema_version"] == __version__
    path = f"{PROFILES}/{made['id']}"
    assert client.get(path).get_json() == made
    replaced = client.put(path, json={"name": "loose"}).get_json()
    assert (replaced["name"], replaced["description"], replaced["config"], replaced["public"]) == (
        "loose",
        "",
        {},
        False,
    )
    assert replaced["created_at"] == made["created_at"]
    assert replaced["updated_at"] > made["updated_at"]
    assert client.delete(path).status_code == 204
    for response in (client.get(path), client.delete(path), client.put(path, json={"name": "x"})):
        assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
    changed = ["name", "description", "config", "public"]
    target = str(made["id"])
    assert audited(store) == [
        ("profile.create", target, {"name": "strict"}),
        ("profile.update", target, {"name": "loose", "changed": changed}),
        ("profile.delete", target, {"name": "loose"}),
    ]


def test_profiles_are_listed_by_name(client: FlaskClient) -> None:
    assert client.get(PROFILES).get_json() == []
    second, first = create(client, "b"), create(client, "a", config=None)
    assert client.get(PROFILES).get_json() == [first, second]
    assert first["config"] == {}


def test_configuration_is_kept_in_its_normal_form(client: FlaskClient) -> None:
    config = {"test_cases": ["Zone01", "basic01"], "badkeys": "", "resolver": {"defaults": {"usevc": 1}}}
    kept = create(client, config=config)["config"]
    assert kept == {"test_cases": ["basic01", "zone01"], "badkeys": {"path": ""}, "resolver": {"defaults": {}}}


def test_names_are_unique(client: FlaskClient) -> None:
    create(client, "first")
    second = create(client, "second")
    for response in (
        client.post(PROFILES, json={"name": "first"}),
        client.put(f"{PROFILES}/{second['id']}", json={"name": "first"}),
    ):
        assert (response.status_code, error_of(response)["code"]) == (409, "profile_exists")
    assert client.put(f"{PROFILES}/{second['id']}", json={"name": "second"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": None},
        {"name": 5},
        {"name": ""},
        {"name": " \t"},
        {"name": "x" * 256},
        {"name": "x", "description": "x" * 10_001},
        {"name": "x", "description": None},
        {"name": "x", "public": 1},
        {"name": "x", "config": []},
        {"name": "x", "config": "net"},
        {"name": "x", "config": {"nett": {}}},
        {"name": "x", "config": {"resolver": {"defaults": {"retry": 10**400}}}},
        {"name": "x", "config": {"resolver": {"defaults": {"timeout": 10**400}}}},
    ],
)
def test_wrong_profile_is_refused(client: FlaskClient, body: dict[str, Any]) -> None:
    number = create(client, "there")["id"]
    for response in (client.post(PROFILES, json=body), client.put(f"{PROFILES}/{number}", json=body)):
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_profile")
    assert [profile["name"] for profile in client.get(PROFILES).get_json()] == ["there"]


def test_refusal_names_the_path_of_all_that_is_wrong(client: FlaskClient) -> None:
    config = {"net": {"ipv6": 1}, "test_levels": {"ZONE": {"X": "LOUD"}}, "test_cases": ["zone99"]}
    error = error_of(client.post(PROFILES, json={"name": "x", "config": config}))
    paths = [problem["path"] for problem in error["details"]["problems"]]
    assert sorted(paths) == ["net.ipv6", "test_cases[0]", "test_levels.ZONE.X"]
    assert error["details"]["problem_count"] == 3
    assert error["message"].startswith(f"{error['details']['path']}: ")


def test_refusal_stays_short_for_every_request(client: FlaskClient) -> None:
    config = {"k" * 10_000 + str(number): 1 for number in range(90)} | {str(number): 1 for number in range(200)}
    response = client.post(PROFILES, json={"name": "x", "config": config})
    details = error_of(response)["details"]
    assert (len(details["problems"]), details["problem_count"]) == (100, 290)
    assert len(response.get_data()) < 120_000


def test_unknown_fields_and_what_is_no_object(client: FlaskClient) -> None:
    number = create(client)["id"]
    for call, path in ((client.post, PROFILES), (client.put, f"{PROFILES}/{number}")):
        assert error_of(call(path, json={"name": "x", "is_public": True}))["code"] == "unknown_field"
        for body in NO_OBJECTS:
            assert error_of(call(path, json=body))["code"] == "invalid_json"


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.0", "٣", str(2**63), "9" * 5000, "1e3", "+1", "Default"])
@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_id_that_is_none_is_refused(client: FlaskClient, method: str, number: str) -> None:
    bodies: dict[str, Any] = {"put": {"json": {"name": "x"}}, "patch": {"json": {"op": "mark_reviewed"}}}
    response = getattr(client, method)(f"{PROFILES}/{number}", **bodies.get(method, {}))
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_id")


def test_unknown_ids(client: FlaskClient) -> None:
    for number in (1, 2**31, 2**63 - 1):
        for path in (f"{PROFILES}/{number}", f"{PROFILES}/{number}/compatibility"):
            assert error_of(client.get(path))["code"] == "not_found"
    assert error_of(client.get(f"{PROFILES}/0/compatibility"))["code"] == "invalid_id"


def test_words_in_place_of_an_id_take_only_their_own_methods(client: FlaskClient) -> None:
    for word, allowed in (("default", "GET"), ("defaults", "GET"), ("compatibility", "GET"), ("diff", "POST")):
        response = client.delete(f"{PROFILES}/{word}")
        assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
        assert allowed in response.headers["Allow"]


def test_deleted_profile_is_cleared_from_tags_jobs_and_runs(client: FlaskClient, store: Store) -> None:
    number = create(client)["id"]
    run = make_run(store, profile_id=number, profile_name="strict")
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example"]})
    client.put("/api/v1/tags/mine/profile", json={"profile_id": number})
    job = client.post("/api/v1/jobs", json={"domain": "a.example"}).get_json()
    assert job["profile_id"] == number
    assert client.delete(f"{PROFILES}/{number}").status_code == 204
    (tag,) = client.get("/api/v1/tags").get_json()
    assert "default_profile_id" not in tag
    for path in (f"jobs/{job['id']}", f"runs/{run.id}"):
        found = client.get(f"/api/v1/{path}").get_json()
        assert (found.get("profile_id"), found["profile_name"]) == (None, "strict")


def test_default_of_the_server_and_of_the_engine(make_app: MakeApp) -> None:
    client = make_app(retry="9").test_client()
    default = client.get(f"{PROFILES}/default").get_json()
    assert (default["id"], default["name"], default["created_at"]) == (0, "default", None)
    assert default["config"]["resolver"]["defaults"]["retry"] == 9
    assert default["config"]["test_cases"] == list(default_profile().test_cases)
    defaults = client.get(f"{PROFILES}/defaults").get_json()
    assert defaults["test_cases"] == sorted(default_profile().test_cases)
    assert defaults["test_levels"] == default_profile().as_dict()["test_levels"]


def test_difference_of_a_configuration_and_the_default(make_app: MakeApp) -> None:
    client = make_app(retry="9").test_client()
    config = NO_IPV6 | {"resolver": {"defaults": {"retry": 9}}, "test_levels": {"ZONE": {"X": "INFO"}}}
    found = client.post(f"{PROFILES}/diff", json={"config": config}).get_json()
    ipv6, retry, levels = found["properties"]
    assert (ipv6["path"], ipv6["kind"], ipv6["default"], ipv6["value"]) == ("net.ipv6", "changed", True, False)
    assert (retry["path"], retry["redundant"]) == ("resolver.defaults.retry", True)
    (zone,) = levels["modules"]
    assert (zone["module"], zone["changed"], zone["unknown"]) == ("ZONE", [], ["X"])
    missing = len(default_profile().levels["ZONE"])
    assert found["summary"] == {"deviations": 1, "redundant": 1, "missing": missing, "unknown": 1}
    assert client.post(f"{PROFILES}/diff", json={"config": None}).get_json()["properties"] == []


def test_difference_of_two_profiles(client: FlaskClient) -> None:
    number = create(client, config=NO_IPV6)["id"]
    config = {"net": {"ipv6": False, "ipv4": False}}
    found = client.post(f"{PROFILES}/diff", json={"config": config, "profile_id": number}).get_json()
    assert [(item["path"], item["redundant"]) for item in found["properties"]] == [
        ("net.ipv4", False),
        ("net.ipv6", True),
    ]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_profile"),
        ({"config": 1}, 400, "invalid_profile"),
        ({"config": {"nett": {}}}, 400, "invalid_profile"),
        ({"config": {}, "profile_id": 0}, 400, "invalid_profile_id"),
        ({"config": {}, "profile_id": 2**63}, 400, "invalid_profile_id"),
        ({"config": {}, "profile_id": 999}, 404, "profile_not_found"),
        ({"config": {}, "other": 1}, 400, "unknown_field"),
    ],
)
def test_difference_that_cannot_be_made(client: FlaskClient, body: dict[str, Any], status: int, code: str) -> None:
    response = client.post(f"{PROFILES}/diff", json=body)
    assert (response.status_code, error_of(response)["code"]) == (status, code)
