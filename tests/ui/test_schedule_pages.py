"""The schedule editor: sentence, next five runs, and each error."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.admin.schedules.words import sentence
from tests.ui.test_batches import text_of
from tests.ui.test_settings_pages import fields

WEEKLY = {
    "kind": "weekly",
    "weekdays": ["mon", "thu"],
    "time_of_day": "06:30",
    "timezone": "Europe/Stockholm",
    "enabled": "yes",
    "catch_up": "yes",
}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"kind": "weekly", "weekdays": ["thu", "mon"]}, "Every week on Monday and Thursday"),
        ({"kind": "monthly", "days_of_month": [1], "last_day": True}, "Every month on day 1 and the last day"),
        ({"kind": "monthly", "days_of_month": [15, 1], "last_day": False}, "Every month on days 1 and 15"),
        ({"kind": "interval", "interval_days": 1, "anchor_date": date(2026, 11, 26)}, "Every day from 26 Nov 2026"),
        ({"kind": "interval", "interval_days": 9, "anchor_date": "2026-11-26"}, "Every 9 days from 26 Nov 2026"),
    ],
)  # fmt: skip
def test_a_rule_is_a_sentence(client: FlaskClient, rule: dict[str, Any], words: str) -> None:
    with client.application.test_request_context("/"):
        assert sentence(rule | {"time_of_day": "06:30", "timezone": "UTC"}) == f"{words} at 06:30, UTC"


def test_a_schedule_is_previewed_saved_changed_and_removed(client: FlaskClient) -> None:
    client.post("/tags", data={"name": "mine"})
    assert "Create schedule" in text_of(client, "/tags/mine")
    assert "Remove schedule" not in text_of(client, "/tags/mine/schedule")
    looked = client.post("/tags/mine/schedule", data=WEEKLY | {"check": "yes"})
    assert "Every week on Monday and Thursday at 06:30, Europe/Stockholm" in looked.text
    assert looked.text.partition('id="preview"')[2].count("<time ") == 5
    assert "Create schedule" in text_of(client, "/tags/mine")
    part = client.post("/tags/mine/schedule", data=WEEKLY | {"check": "yes"}, headers={"X-Partial": "preview"})
    assert part.text.strip() in looked.text
    saved = client.post("/tags/mine/schedule", data=WEEKLY)
    assert saved.location == "/tags/mine?note=schedule_saved"
    assert text_of(client, "/tags/mine").count("<li><time ") == 5
    form = text_of(client, "/tags/mine/schedule")
    assert 'value="thu" checked' in form
    client.post("/tags/mine/schedule", data={key: text for key, text in WEEKLY.items() if key != "enabled"})
    assert "Off." in text_of(client, "/tags/mine")
    assert client.post("/tags/mine/schedule", data={"remove": "yes"}).location.endswith("schedule_removed")
    assert "Create schedule" in text_of(client, "/tags/mine")
    text_of(client, "/tags/none/schedule", 404)


def test_policy_of_a_schedule_survives_its_form(client: FlaskClient) -> None:
    client.post("/tags", data={"name": "mine"})
    path, api = "/tags/mine/schedule", "/api/v1/tags/mine/schedule"
    policy = {"name": "own", "suites": [{"name": "Main", "cases": ["BASIC"], "fail_level": "ERROR"}]}
    client.post("/api/v1/policies", json={"document": policy})
    assert client.post(path, data=WEEKLY | {"policy": "own"}).status_code == 303
    sent = fields(client, path)
    assert sent["policy"] == ["own"]
    assert client.post(path, data=sent | {"time_of_day": "07:15"}).status_code == 303
    assert [client.get(api).get_json()[key] for key in ("time_of_day", "policy")] == ["07:15", "own"]
    assert client.post(path, data=WEEKLY).status_code == 303  # the form of an older release
    assert client.get(api).get_json()["policy"] == "own"
    client.delete("/api/v1/policies/own")
    assert fields(client, path)["policy"] == ["own"]
    refused = client.post(path, data=fields(client, path))
    assert (refused.status_code, "&#39;own&#39; is not a policy" in refused.text) == (400, True)
    assert client.post(path, data=WEEKLY | {"policy": ""}).status_code == 303
    assert client.get(api).get_json()["policy"] is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_of_day": "25:10"}, "from 00:00 to 23:59"),
        ({"timezone": "Mars/Phobos"}, "IANA time zone"),
        ({"weekdays": []}, "at least one of mon"),
        ({"kind": "yearly"}, "must be one of"),
        ({"kind": "interval", "interval_days": "many", "anchor_date": "2026-11-26"}, "must be an integer"),
        ({"kind": "interval", "interval_days": "7", "anchor_date": "2026-02-30"}, "YYYY-MM-DD"),
        ({"kind": "monthly", "days_of_month": []}, "at least one day"),
        ({"profile_id": "99"}, "no such profile"),
        ({"policy": "none"}, "&#39;none&#39; is not a policy"),
    ],
)
def test_a_wrong_rule_says_what_is_allowed(client: FlaskClient, changes: dict[str, Any], message: str) -> None:
    client.post("/tags", data={"name": "mine"})
    refused = client.post("/tags/mine/schedule", data=WEEKLY | changes)
    assert refused.status_code == 400
    assert message in refused.text
    assert client.get("/api/v1/tags/mine/schedule").status_code == 404


def test_a_cohort_needs_its_analysis_for_a_schedule(client: FlaskClient) -> None:
    made = client.post("/api/v1/analysis/cohorts", json={"source_tag": "mine", "analysis_enabled": True}).get_json()
    path = f"/cohorts/{made['id']}"
    assert client.post(f"{path}/schedule", data=WEEKLY | {"promote_default": "yes"}).status_code == 303
    assert "Every week on Monday" in text_of(client, "/cohorts")
    assert text_of(client, path).count("<li><time ") == 5
    client.patch(f"/api/v1/analysis/cohorts/{made['id']}", json={"analysis_enabled": False})
    assert "cohort_analysis_disabled" in client.post(f"{path}/schedule", data=WEEKLY).text
