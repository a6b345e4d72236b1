"""The schedule editor: sentence, next five runs, and each error."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.admin.schedules.words import sentence
from tests.ui.test_batches import text_of

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
    assert "No schedule." in text_of(client, "/tags/mine")
    assert "Remove schedule" not in text_of(client, "/tags/mine/schedule")
    looked = client.post("/tags/mine/schedule", data=WEEKLY | {"check": "yes"})
    assert "Every week on Monday and Thursday at 06:30, Europe/Stockholm" in looked.text
    assert looked.text.partition('id="preview"')[2].count("<time ") == 5
    assert "No schedule." in text_of(client, "/tags/mine")
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
    assert "No schedule." in text_of(client, "/tags/mine")
    text_of(client, "/tags/none/schedule", 404)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"time_of_day": "25:10"}, "from 00:00 to 23:59"),
        ({"timezone": "Mars/Phobos"}, "IANA time zone"),
        ({"weekdays": []}, "at least one of mon"),
        ({"kind": "yearly"}, "Must be one of"),
        ({"kind": "interval", "interval_days": "many", "anchor_date": "2026-11-26"}, "must be an integer"),
        ({"kind": "interval", "interval_days": "7", "anchor_date": "2026-02-30"}, "YYYY-MM-DD"),
        ({"kind": "monthly", "days_of_month": []}, "at least one day"),
        ({"profile_id": "99"}, "no such profile"),
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
