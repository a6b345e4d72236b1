"""Stored profiles and this server's engine: missing settings, the version that checked a profile, and repairs."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_db.domains.profiles import update_profile
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.version import __version__
from tests.api.conftest import MakeApp
from tests.api.v1.test_profiles import PROFILES, audited, create
from tests.api.web.test_errors import error_of
from tests.support.rows import NOON
from tests.support.threads import together

CASES = sorted(default_profile().test_cases)
BASIC = default_profile().as_dict()["test_levels"]["BASIC"]
LACKING = {"test_cases": CASES[1:], "test_levels": {"BASIC": {"B01_CHILD_FOUND": "ERROR"}, "ZONE": {"X": "INFO"}}}
Stored = Callable[..., str]


@pytest.fixture
def stored(client: FlaskClient, store: Store) -> Stored:
    """Store profiles: `stored(config, version="0.0.1")` stores a profile as that version would, and returns its URL."""

    def put(config: Any, *, name: str = "old", version: str = "0.0.1") -> str:
        number = create(client, name)["id"]
        with store.transaction() as session:
            update_profile(session, number, now=NOON, config=config, schema_version=version)
        return f"{PROFILES}/{number}"

    return put


def fit(client: FlaskClient, path: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"{path}/compatibility").get_json()
    return found


def patch(client: FlaskClient, path: str, op: str, **fields: Any) -> dict[str, Any]:
    response = client.patch(path, json={"op": op, **fields})
    assert response.status_code == 200, response.get_json()
    changed: dict[str, Any] = response.get_json()
    return changed


def test_profile_of_another_version_shows_what_it_lacks(client: FlaskClient, stored: Stored) -> None:
    found = fit(client, stored(LACKING))
    assert (found["compatible"], found["reviewed"]) == (False, False)
    assert (found["schema_version"], found["current_version"]) == ("0.0.1", __version__)
    assert [(issue["type"], issue["module"]) for issue in found["issues"]] == [
        ("missing_test_case", ""),
        ("missing_test_levels", "BASIC"),
        ("missing_test_levels", "ZONE"),
    ]
    assert all(issue["detail"] and issue["suggestion"] for issue in found["issues"])
    assert found["warnings"] == ["test_levels.ZONE has unknown tags, which have no effect: X"]
    assert found["waived_issues"] == []


def test_levels_of_replaced_tags_are_a_warning_that_names_the_new_tags(client: FlaskClient, stored: Stored) -> None:
    found = fit(client, stored({"test_levels": {"DNSSEC": {"DS05_ALGO_OK": "NOTICE"}}}))
    (sentence,) = found["warnings"]
    assert sentence.endswith("DS05_ALGO_OK (now DS05_ALGO_MAY or DS05_ALGO_RECOMMENDED)")


def test_profile_without_lists_is_compatible(client: FlaskClient, stored: Stored) -> None:
    found = fit(client, stored({"net": {"ipv6": False}}))
    assert (found["compatible"], found["reviewed"], found["issues"]) == (True, False, [])


def test_issues_of_a_profile_just_stored_are_waived(client: FlaskClient) -> None:
    path = f"{PROFILES}/{create(client, config=LACKING)['id']}"
    found = fit(client, path)
    assert (found["compatible"], found["reviewed"], found["issues"], len(found["waived_issues"])) == (True, True, [], 3)


def test_review_waives_issues_until_it_is_cleared(client: FlaskClient, store: Store, stored: Stored) -> None:
    path = stored(LACKING)
    before = client.get(path).get_json()
    after = patch(client, path, "mark_reviewed")
    assert after == before | {"schema_version": __version__}
    assert patch(client, path, "mark_reviewed") == after
    assert fit(client, path)["compatible"] is True
    assert patch(client, path, "clear_reviewed")["schema_version"] == ""
    found = fit(client, path)
    assert (found["compatible"], len(found["issues"]), found["waived_issues"]) == (False, 3, [])
    reviews = [details["schema_version"] for action, _, details in audited(store) if action == "profile.review"]
    assert reviews == [__version__, ""]


def test_broken_profile_is_never_waived(client: FlaskClient, stored: Stored) -> None:
    found = fit(client, stored({"test_cases": ["zone99"]}, version=__version__))
    assert (found["compatible"], found["reviewed"], found["waived_issues"]) == (False, True, [])
    (issue,) = found["issues"]
    assert issue["type"] == "invalid_config"
    assert "test_cases[0]" in issue["detail"]


def test_overview_of_all_profiles_by_name(client: FlaskClient, stored: Stored) -> None:
    stored(LACKING, name="z")
    stored({"nett": {}}, name="b", version=__version__)
    stored(LACKING, name="a", version=__version__)
    listed = client.get(f"{PROFILES}/compatibility").get_json()
    assert [(item["name"], item["compatible"], item["issue_count"], item["waived_count"]) for item in listed] == [
        ("a", True, 0, 3),
        ("b", False, 1, 0),
        ("z", False, 3, 0),
    ]
    assert all(isinstance(item["id"], int) for item in listed)


def test_all_profiles_marked_at_once(client: FlaskClient, store: Store, stored: Stored) -> None:
    paths = [stored(LACKING, name=name) for name in ("a", "b")]
    create(client, "new")
    assert client.post(f"{PROFILES}/mark-all-reviewed").get_json() == {"updated": 2}
    assert client.post(f"{PROFILES}/mark-all-reviewed").get_json() == {"updated": 0}
    assert all(fit(client, path)["reviewed"] for path in paths)
    assert audited(store)[-1] == ("profile.review", "", {"schema_version": __version__})


def test_repair_leaves_the_stamp_and_is_reported_once(client: FlaskClient, store: Store, stored: Stored) -> None:
    path = stored(LACKING)
    for operation in ("add_missing_test_cases", "add_missing_test_levels", "add_missing_test_levels"):
        changed = patch(client, path, operation)
        assert changed["schema_version"] == "0.0.1"
    assert changed["config"]["test_cases"] == CASES
    assert changed["config"]["test_levels"]["BASIC"] == BASIC | {"B01_CHILD_FOUND": "ERROR"}
    assert changed["config"]["test_levels"]["ZONE"].items() >= {"X": "INFO"}.items()
    found = fit(client, path)
    assert (found["compatible"], found["reviewed"], found["issues"]) == (True, False, [])
    repairs = [details["op"] for action, _, details in audited(store) if action == "profile.repair"]
    assert repairs == ["add_missing_test_cases", "add_missing_test_levels"]


def test_reset_removes_what_stands_over_the_default(client: FlaskClient, stored: Stored) -> None:
    path = stored(LACKING)
    assert patch(client, path, "reset_test_cases")["config"] == {"test_levels": LACKING["test_levels"]}
    assert patch(client, path, "reset_test_levels", module="basic")["config"] == {
        "test_levels": {"ZONE": {"X": "INFO"}}
    }
    assert patch(client, path, "reset_test_levels", module="ZONE")["config"] == {}
    assert patch(client, path, "reset_test_levels", module="ZONE")["config"] == {}


def test_operations_at_the_same_moment_all_count(make_app: MakeApp, client: FlaskClient, stored: Stored) -> None:
    path = stored(LACKING | {"net": {"ipv6": False}})
    bodies: list[dict[str, str]] = [{"op": "reset_test_cases"}, {"op": "mark_reviewed"}]
    bodies += [{"op": "reset_test_levels", "module": module} for module in ("BASIC", "ZONE")]
    answers = together(*(partial(make_app().test_client().patch, path, json=body) for body in bodies))
    assert [getattr(answer, "status_code", answer) for answer in answers] == [200] * len(bodies)
    after = client.get(path).get_json()
    assert (after["config"], after["schema_version"]) == ({"net": {"ipv6": False}}, __version__)


def test_operation_without_anything_to_do_changes_nothing(client: FlaskClient, stored: Stored) -> None:
    path = stored({"net": {"ipv6": False}})
    before = client.get(path).get_json()
    for operation in ("add_missing_test_cases", "add_missing_test_levels", "reset_test_cases"):
        assert patch(client, path, operation) == before


def test_broken_profile_is_repaired_only_by_a_valid_change(client: FlaskClient, stored: Stored) -> None:
    path = stored({"test_cases": ["zone99"], "net": {"ipv6": False}})
    for operation in ("add_missing_test_cases", "add_missing_test_levels"):
        response = client.patch(path, json={"op": operation})
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_profile")
        assert error_of(response)["details"]["path"] == "test_cases[0]"
    assert patch(client, path, "reset_test_cases")["config"] == {"net": {"ipv6": False}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_op"),
        ({"op": None}, "invalid_op"),
        ({"op": "explode"}, "invalid_op"),
        ({"op": ["mark_reviewed"]}, "invalid_op"),
        ({"op": "reset_test_levels"}, "missing_module"),
        ({"op": "reset_test_levels", "module": None}, "missing_module"),
        ({"op": "reset_test_levels", "module": ""}, "missing_module"),
        ({"op": "reset_test_levels", "module": 5}, "invalid_module"),
        ({"op": "reset_test_levels", "module": "x" * 65}, "invalid_module"),
        ({"op": "reset_test_levels", "module": "ZONES"}, "invalid_module"),
        ({"op": "mark_reviewed", "other": 1}, "unknown_field"),
    ],
)
def test_operation_that_is_none_is_refused(
    client: FlaskClient, stored: Stored, body: dict[str, Any], code: str
) -> None:
    response = client.patch(stored(LACKING), json=body)
    assert (response.status_code, error_of(response)["code"]) == (400, code)


def test_operation_on_a_profile_that_is_not_there(client: FlaskClient) -> None:
    for operation in ("mark_reviewed", "clear_reviewed", "reset_test_cases"):
        response = client.patch(f"{PROFILES}/999", json={"op": operation})
        assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
