"""The configuration of scoring over HTTP: shown, stored, rejected; a stored configuration applies to results."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.service.settings import write_settings
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.config.scoring import SCORING_KEY
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import open_queue
from tests.api.conftest import MakeApp
from tests.api.v1.test_profiles import audited
from tests.api.web.test_errors import error_of
from tests.support.rows import NOON, make_run, record
from tests.support.service import wait_for
from tests.support.stores import opened

NO_OBJECTS: tuple[Any, ...] = ([], "x", 1)


SCORING = "/api/v1/scoring-config"


def test_default_counts_as_long_as_nothing_is_stored(client: FlaskClient) -> None:
    assert client.get(SCORING).get_json() == client.get(f"{SCORING}/defaults").get_json() == DEFAULT_CONFIG.as_dict()


def test_what_is_stored_counts_and_the_rest_follows_the_default(client: FlaskClient, store: Store) -> None:
    answer = client.put(SCORING, json={"severity_penalties": {"error": 33}, "bonus_criteria": {"dnssec_enabled": True}})
    assert answer.status_code == 200
    config = answer.get_json()
    assert config["severity_penalties"] == {"ERROR": 33}
    assert config["bonus_criteria"] == ["dnssec_enabled"]
    assert config["tag_penalties"] == DEFAULT_CONFIG.as_dict()["tag_penalties"]
    assert client.get(SCORING).get_json() == config
    ((action, target, details),) = audited(store)
    assert (action, target, details["keys"]) == (
        "scoring.update",
        "scoring_config",
        ["bonus_criteria", "severity_penalties"],
    )
    assert client.put(SCORING, json={}).get_json() == DEFAULT_CONFIG.as_dict()
    assert client.get(f"{SCORING}/defaults").get_json() == DEFAULT_CONFIG.as_dict()


def test_complete_configuration_can_be_stored_as_it_was_shown(client: FlaskClient) -> None:
    shown = client.get(SCORING).get_json()
    assert client.put(SCORING, json=shown).get_json() == shown
    assert client.get(SCORING).get_json() == shown


def test_score_of_a_result_follows_at_once_and_in_other_processes_soon(
    client: FlaskClient, store: Store, make_app: MakeApp, settings: Settings, store_settings: StoreSettings
) -> None:
    run = make_run(store, outcome=record("ERROR"))

    def score(who: FlaskClient) -> Any:
        return who.get(f"/api/v1/jobs/{run.id}/result").get_json()["score"]["score"]

    with opened(store_settings) as other_store:
        parts = open_queue(settings, other_store)
        other = make_app(parts=parts).test_client()
        before = score(other)
        assert score(client) == before
        client.put(SCORING, json={"severity_penalties": {"ERROR": 100}})
        after = score(client)
        assert after < before
        wait_for(lambda: score(other) == after)
        parts.broker.close()
        parts.celery.close()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"severity_penalties": 5}, "severity_penalties"),
        ({"severity_penalties": {"LOUD": 5}}, "severity_penalties.LOUD"),
        ({"severity_penalties": {"ERROR": "5"}}, "severity_penalties.ERROR"),
        ({"severity_penalties": {"ERROR": 10**400}}, "severity_penalties.ERROR"),
        ({"severity_penalties": {"ERROR": -1}}, "severity_penalties.ERROR"),
        ({"category_weights": {}}, "module_categories.DNSSEC"),
        ({"category_weights": {"dnssec": 0}, "module_categories": {}}, "category_weights"),
        ({"module_categories": {"ZONE": 5}}, "module_categories.ZONE"),
        ({"module_categories": {"NONE": "dnssec"}}, "module_categories.NONE"),
        ({"tag_penalties": []}, "tag_penalties"),
        ({"grade_bands": {}}, "grade_bands"),
        ({"grade_bands": [{"grade": "A", "min_score": 1, "more": 1}]}, "grade_bands[0]"),
        ({"grade_bands": [5]}, "grade_bands[0]"),
        ({"bonus_criteria": [["x"]]}, "bonus_criteria"),
        ({"bonus_criteria": {"luck": True}}, "bonus_criteria.luck"),
        ({"bonus_criteria": ["dnssec_enabled", "dnssec_enabled"]}, "bonus_criteria"),
        ({"module_categories": {"System": "dnssec"}}, "module_categories.System"),
        ({"severity_penalties": {"ERROR": 1, "Error": 2}}, "severity_penalties.Error"),
        ({"tag_penalties": {"a": 1, "A": 2}}, "tag_penalties.A"),
    ],
)
def test_wrong_configuration_is_refused_with_its_path(client: FlaskClient, body: dict[str, Any], path: str) -> None:
    response = client.put(SCORING, json=body)
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_scoring_config")
    assert path in [problem["path"] for problem in error_of(response)["details"]["problems"]]
    assert client.get(SCORING).get_json() == DEFAULT_CONFIG.as_dict()


def test_null_is_no_configuration(client: FlaskClient) -> None:
    for key in DEFAULT_CONFIG.as_dict():
        error = error_of(client.put(SCORING, json={key: None}))
        assert (error["code"], error["details"]["field"]) == ("invalid_scoring_config", key)


def test_unknown_keys_and_what_is_no_object(client: FlaskClient) -> None:
    error = error_of(client.put(SCORING, json={"weights": {}}))
    assert (error["code"], error["details"]["fields"]) == ("unknown_field", ["weights"])
    for body in NO_OBJECTS:
        assert error_of(client.put(SCORING, json=body))["code"] == "invalid_json"
    assert error_of(client.put(SCORING))["code"] == "invalid_json"


def test_file_counts_and_nothing_can_be_stored(make_app: MakeApp, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "scoring.json"
    file.write_text('{"severity_penalties": {"ERROR": 7}}')
    client = make_app(scoring_config_path=str(file)).test_client()
    assert client.get(SCORING).get_json()["severity_penalties"] == {"ERROR": 7}
    response = client.put(SCORING, json={})
    assert (response.status_code, error_of(response)["code"]) == (400, "readonly_setting")
    assert error_of(response)["details"] == {"setting": "scoring_config_path"}
    assert audited(store) == []


def test_stored_configuration_of_another_version_is_passed_over(client: FlaskClient, store: Store) -> None:
    with store.transaction() as session:
        write_settings(session, {SCORING_KEY: {"mood": "bad"}}, now=NOON)
    assert client.get(SCORING).get_json() == DEFAULT_CONFIG.as_dict()
