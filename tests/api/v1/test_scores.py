"""Scores in responses: computed from the stored entries with the current configuration."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.records import EntryRecord
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from gonemaster_engine.scoring.rule import RULE_VERSION
from tests.api.conftest import MakeApp
from tests.support.rows import make_run, record

ENTRIES = [
    EntryRecord(0.1, "DNSSEC", "dnssec07", "DS07_NOT_SIGNED", "NOTICE"),
    EntryRecord(0.2, "BASIC", "basic01", "B01_CHILD_FOUND", "INFO"),
    EntryRecord(0.3, "CONNECTIVITY", "connectivity03", "CN01_IPV6_DISABLED", "NOTICE"),
    EntryRecord(0.4, "ZONE", "zone01", "Z01_MNAME_NOT_MASTER", "WARNING"),
]
# Computed by hand: dnssec 100-20, nameserver_health 100, connectivity 100-1, zone_consistency 100-5; weights 1.5,
# 1.2, 1.0, 0.8.
EXPECTED = int((80 * 1.5 + 100 * 1.2 + 99 * 1.0 + 95 * 0.8) / 4.5)


def result(client: FlaskClient, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/runs/{run_id}/result").get_json()
    return found


def test_result_has_the_score_with_its_parts(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES, score=1, grade="F"))
    score = result(client, run.id)["score"]
    assert (score["score"], score["grade"]) == (EXPECTED, "A")
    assert score["categories"]["dnssec"] == {"score": 80, "penalties": 20, "entry_count": 1, "tested": True}
    assert score["bonus"]["eligible"] is False
    assert score["bonus"]["criteria"]["ipv6_all_nameservers"] is False
    assert score["disabled_stacks"] == ["ipv6"]
    stored = client.get(f"/api/v1/runs/{run.id}").get_json()
    assert (stored["score"], stored["grade"]) == (1, "F")  # as at graduation


def test_score_is_explained_point_by_point(client: FlaskClient, store: Store) -> None:
    servers = [{"ns": "ns1.example", "address": "192.0.2.1"}]
    recursor = EntryRecord(0.5, "NAMESERVER", "nameserver01", "IS_A_RECURSOR", "ERROR", {"servers": servers})
    run = make_run(store, "a.example", record(entries=[*ENTRIES[1:2], recursor]))
    score = client.get(f"/api/v1/runs/{run.id}/score?locale=sv").get_json()
    assert (score["score"], score["grade"], score["uncapped"], score["rule"]) == (89, "B", 94, RULE_VERSION)
    assert (score["cap"]["harm"], score["cap"]["cause"], score["cap"]["grade"]) == ("risk", "open_recursor", "B")
    assert score["deductions"] == [
        {
            "position": 1,
            "tag": "IS_A_RECURSOR",
            "level": "ERROR",
            "category": "nameserver_health",
            "penalty": 20,
            "points": 5.333,
            "cause": None,
        }
    ]


def test_run_without_a_score_explains_none(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(status=RunStatus.FAILED))
    assert client.get(f"/api/v1/runs/{run.id}/score").status_code == 404


def test_score_follows_the_configuration(make_app: MakeApp, store: Store, tmp_path: Path) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES, score=1, grade="F"))
    file = tmp_path / "scoring.json"
    file.write_text(json.dumps({"tag_penalties": {"DS07_NOT_SIGNED": 90}}))
    client = make_app(scoring_config_path=str(file)).test_client()
    assert result(client, run.id)["score"]["categories"]["dnssec"]["score"] == 10


def test_hidden_score_is_nowhere(make_app: MakeApp, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES, score=70, grade="C"))
    client = make_app(show_score_admin="false").test_client()
    assert "score" not in result(client, run.id)
    assert client.get(f"/api/v1/runs/{run.id}/score").status_code == 404
    for path in (f"runs/{run.id}", f"jobs/{run.id}"):
        document = client.get(f"/api/v1/{path}").get_json()
        assert {"score", "grade"}.isdisjoint(document), path
    (item,) = client.get("/api/v1/runs").get_json()["items"]
    assert {"score", "grade"}.isdisjoint(item)


@pytest.mark.parametrize("path", ["runs/{}", "runs/{}/result"])
def test_missing_score_is_computed_and_kept_on_the_first_read(client: FlaskClient, store: Store, path: str) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES))
    client.get("/api/v1/" + path.format(run.id))
    (item,) = client.get("/api/v1/runs").get_json()["items"]
    assert (item["score"], item["grade"]) == (EXPECTED, "A")
    (domain,) = client.get("/api/v1/domains").get_json()["items"]
    assert (domain["latest_score"], domain["latest_grade"]) == (EXPECTED, "A")


def test_run_that_did_not_succeed_has_no_score(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "a.example", record(entries=ENTRIES, status=RunStatus.FAILED))
    assert "score" not in result(client, run.id)
    document = client.get(f"/api/v1/runs/{run.id}").get_json()
    assert (document["score"], document["grade"]) == (None, None)


def test_run_without_entries_has_everything(client: FlaskClient, store: Store) -> None:
    score = result(client, make_run(store, "a.example", record(entries=[])).id)["score"]
    assert (score["score"], score["grade"]) == (100, "A")
