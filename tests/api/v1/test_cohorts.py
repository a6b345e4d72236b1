"""Cohorts over HTTP: created, changed, compared with a list; and the code for each error."""

from typing import Any

from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_tasks.reference_data.tlds import bundled_tlds
from tests.api.web.test_errors import error_of
from tests.support.threads import together

COHORTS = "/api/v1/analysis/cohorts"
ON = {"analysis_enabled": True, "public_enabled": True}
# Method, path, body: status and code. Cohort 1 exists, of the tag `mine`.
WRONG: list[tuple[str, str, Any, int, str]] = [
    ("POST", "", {}, 400, "missing_source_tag"),
    ("POST", "", {"source_tag": ""}, 400, "missing_source_tag"),
    ("POST", "", {"source_tag": "  "}, 400, "missing_source_tag"),
    ("POST", "", {"source_tag": "a/b"}, 400, "invalid_source_tag"),
    ("POST", "", {"source_tag": 5}, 400, "invalid_source_tag"),
    ("POST", "", {"source_tag": "x", "source_type": "list"}, 400, "unsupported_source_type"),
    ("POST", "", {"source_tag": "mine"}, 409, "cohort_exists"),
    ("POST", "", {"source_tag": "x", "public_enabled": True}, 400, "invalid_catalog"),
    ("POST", "", {"source_tag": "x", "analysis_enabled": True, "is_default": True}, 400, "invalid_catalog"),
    ("POST", "", {"source_tag": "x", "tag_view_min_level": "DEBUG"}, 400, "invalid_tag_view_min_level"),
    ("POST", "", {"source_tag": "x", "reference_list": "mine"}, 400, "invalid_reference_list"),
    ("POST", "", {"source_tag": "x", "sort_order": 2**31}, 400, "invalid_sort_order"),
    ("POST", "", {"source_tag": "x", "label": "x" * 256}, 400, "invalid_label"),
    ("POST", "", {"source_tag": "x", "colour": "red"}, 400, "unknown_field"),
    ("PATCH", "/1", {"public_enabled": True}, 400, "invalid_catalog"),
    ("PATCH", "/1", {"is_default": True}, 400, "invalid_catalog"),
    ("PATCH", "/1", {"analysis_enabled": 1}, 400, "invalid_analysis_enabled"),
    ("PATCH", "/1", {"source_tag": "yours"}, 400, "unknown_field"),
    ("PATCH", "/999", {"label": "x"}, 404, "not_found"),
    ("GET", "/999", None, 404, "not_found"),
    ("GET", "/99999999999999999999", None, 404, "not_found"),
]


def create(client: FlaskClient, tag: str, **fields: Any) -> dict[str, Any]:
    response = client.post(COHORTS, json={"source_tag": tag, **fields})
    assert response.status_code == 202, response.data
    made: dict[str, Any] = response.get_json()
    return made


def test_refused_with_code(client: FlaskClient) -> None:
    assert create(client, "mine")["id"] == 1
    for method, path, body, status, code in WRONG:
        response = client.open(COHORTS + path, method=method, json=body)
        assert (response.status_code, error_of(response)["code"]) == (status, code), (method, path, body)
    assert [cohort["source_tag"] for cohort in client.get(COHORTS).get_json()] == ["mine"]
    assert [tag["name"] for tag in client.get("/api/v1/tags").get_json()] == ["mine"], "nothing is half done"


def test_a_cohort_has_what_was_asked_for_and_defaults(client: FlaskClient) -> None:
    made = create(client, " mine ", label="Mine", tag_view_min_level="warning", **ON)
    assert client.get(f"{COHORTS}/{made['id']}").get_json() == made
    expected = {
        "source_type": "tag",
        "source_tag": "mine",
        "label": "Mine",
        "description": "",
        "analysis_enabled": True,
        "public_enabled": True,
        "is_default": False,
        "sort_order": 0,
        "materialization_status": "pending",
        "default_snapshot_policy": "auto_latest",
        "default_snapshot_id": None,
        "tag_view_min_level": "WARNING",
        "reference_list": "",
        "last_materialized_at": None,
    }
    assert {name: made[name] for name in expected} == expected
    changed = client.patch(f"{COHORTS}/{made['id']}", json={"label": "Ours", "sort_order": -1}).get_json()
    assert (changed["label"], changed["sort_order"], changed["tag_view_min_level"]) == ("Ours", -1, "WARNING")
    audit = client.get("/api/v1/audit?limit=2").get_json()["items"]
    assert [(line["action"], line["target"]) for line in audit] == [
        ("cohort.change", "mine"),
        ("cohort.create", "mine"),
    ]


def test_cohorts_are_listed_in_their_order_and_one_is_the_default(client: FlaskClient) -> None:
    first = create(client, "b", is_default=True, **ON)
    create(client, "a", sort_order=5)
    second = create(client, "c", **ON)
    client.patch(f"{COHORTS}/{second['id']}", json={"is_default": True})
    listed = client.get(COHORTS).get_json()
    assert [(cohort["source_tag"], cohort["is_default"]) for cohort in listed] == [
        ("b", False),
        ("c", True),
        ("a", False),
    ]
    refused = client.patch(f"{COHORTS}/{second['id']}", json={"public_enabled": False})
    assert error_of(refused)["code"] == "invalid_catalog"
    assert client.patch(f"{COHORTS}/{first['id']}", json={"analysis_enabled": False}).status_code == 400


def test_of_many_that_become_the_default_at_once_one_is(client: FlaskClient) -> None:
    ids = [create(client, f"tag{number}", **ON)["id"] for number in range(4)]
    app = client.application

    def choose(cohort_id: int) -> int:
        return app.test_client().patch(f"{COHORTS}/{cohort_id}", json={"is_default": True}).status_code

    answers = together(*[lambda cohort_id=cohort_id: choose(cohort_id) for cohort_id in ids])
    assert set(answers) == {200}
    assert sum(cohort["is_default"] for cohort in client.get(COHORTS).get_json()) == 1


def test_members_are_compared_with_the_top_level_domains(client: FlaskClient, store: Store) -> None:
    client.post("/api/v1/tags/tlds/domains", json={"domains": ["com", "se", "local"]})
    made = create(client, "tlds", reference_list="iana_tlds")
    assert "source_drift" not in made
    drift = client.get(f"{COHORTS}/{made['id']}").get_json()["source_drift"]
    assert drift["extra"] == ["local"]
    assert drift["missing"] == sorted(bundled_tlds().names - {"com", "se"})
    assert drift["list_version"] == bundled_tlds().version


def test_a_tag_with_a_cohort_is_kept(client: FlaskClient) -> None:
    client.post("/api/v1/tags/mine/domains", json={"domains": ["a.example"]})
    create(client, "mine")
    refused = client.delete("/api/v1/tags/mine")
    assert (refused.status_code, error_of(refused)["code"]) == (409, "tag_in_use")
    assert client.get("/api/v1/tags/mine/domains").get_json()["total"] == 1


def test_the_status_says_what_the_list_is(client: FlaskClient) -> None:
    status = client.get("/api/v1/analysis/status").get_json()
    assert (status["backend_supported"], status["controller_enabled"]) == (True, True)
    data = status["external_data"]
    assert (data["enabled"], data["last_error"]) == (False, "")
    assert data["datasets"][0:1] == [
        {
            "name": "iana_tlds",
            "state": "disabled",
            "fetched_at": None,
            "version": bundled_tlds().version,
            "entries": len(bundled_tlds().names),
        }
    ]
