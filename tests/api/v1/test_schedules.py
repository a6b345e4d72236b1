"""Schedules over HTTP: set, shown, previewed, removed; and the code for each error."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_db.domains.profiles import create_profile, delete_profile
from gonemaster_db.service.audit import list_actions
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.recurring import run_due_schedules
from tests.api.web.test_errors import error_of
from tests.support.clocks import SetClock
from tests.support.rows import NOON
from tests.support.schedules import fill_tag, make_cohort

WEEKLY: dict[str, Any] = {"kind": "weekly", "weekdays": ["thu"], "time_of_day": "06:30"}
TAG = "/api/v1/tags/mine/schedule"
SCHEDULES = "/api/v1/analysis/schedules"
DEFAULTS: dict[str, Any] = {
    "enabled": True, "interval_days": None, "anchor_date": None, "days_of_month": [], "last_day": False,
    "timezone": "UTC", "profile_id": None, "policy": None, "keep": None, "promote_default": False, "catch_up": True,
    "last_run_at": None,
    "last_batch_id": None, "last_outcome": None, "last_error": "",
}  # fmt: skip


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def queue(queue: QueueParts, clock: SetClock) -> QueueParts:
    """The parts of the API at noon on a Wednesday."""
    return replace(queue, clock=clock)


@pytest.fixture(autouse=True)
def _tag(store: Store) -> None:
    fill_tag(store, "mine")


# Invalid fields that replace those of a valid body, and the code; None removes a field.
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"kind": ...}, "invalid_schedule"),
    ({"kind": None}, "invalid_schedule"),
    ({"kind": "yearly"}, "invalid_schedule"),
    ({"kind": 5}, "invalid_schedule"),
    ({"time_of_day": ...}, "invalid_schedule"),
    ({"time_of_day": None}, "invalid_schedule"),
    ({"time_of_day": 630}, "invalid_schedule"),
    ({"time_of_day": "24:00"}, "invalid_schedule"),
    ({"enabled": "yes"}, "invalid_schedule"),
    ({"enabled": None}, "invalid_schedule"),
    ({"timezone": "Local"}, "invalid_schedule"),
    ({"timezone": "Europe/Atlantis"}, "invalid_schedule"),
    ({"timezone": "../../etc/passwd"}, "invalid_schedule"),
    ({"timezone": ""}, "invalid_schedule"),
    ({"timezone": None}, "invalid_schedule"),
    ({"weekdays": ...}, "invalid_schedule"),
    ({"weekdays": None}, "invalid_schedule"),
    ({"weekdays": []}, "invalid_schedule"),
    ({"weekdays": ["monday"]}, "invalid_schedule"),
    ({"weekdays": [1]}, "invalid_schedule"),
    ({"weekdays": "mon"}, "invalid_schedule"),
    ({"interval_days": 7}, "invalid_schedule"),
    ({"anchor_date": "2026-01-01"}, "invalid_schedule"),
    ({"days_of_month": [1]}, "invalid_schedule"),
    ({"last_day": True}, "invalid_schedule"),
    ({"last_day": 1}, "invalid_schedule"),
    ({"catch_up": "no"}, "invalid_schedule"),
    ({"promote_default": 0}, "invalid_schedule"),
    ({"profile_id": 0}, "invalid_profile_id"),
    ({"profile_id": "1"}, "invalid_profile_id"),
    ({"profile_id": 2**63}, "invalid_profile_id"),
    ({"summary": "Weekly"}, "unknown_field"),
    ({"next_run_at": "2026-01-01T00:00:00Z"}, "unknown_field"),
    ({"kind": "interval", "weekdays": [], "interval_days": 1}, "invalid_schedule"),
    ({"kind": "interval", "weekdays": [], "anchor_date": "2026-01-01"}, "invalid_schedule"),
    ({"kind": "interval", "weekdays": [], "interval_days": 366, "anchor_date": "2026-01-01"}, "invalid_schedule"),
    ({"kind": "interval", "weekdays": [], "interval_days": 10**30, "anchor_date": "2026-01-01"}, "invalid_schedule"),
    ({"kind": "interval", "weekdays": [], "interval_days": 1.5, "anchor_date": "2026-01-01"}, "invalid_schedule"),
    *(
        ({"kind": "interval", "weekdays": [], "interval_days": 1, "anchor_date": day}, "invalid_schedule")
        for day in ("2026-02-30", "20260101", "2026-W01-1", "9999-12-31", 20260101, "yesterday", "")
    ),
    ({"kind": "monthly", "weekdays": []}, "invalid_schedule"),
    ({"kind": "monthly", "weekdays": [], "days_of_month": [29]}, "invalid_schedule"),
    ({"kind": "monthly", "weekdays": [], "days_of_month": ["1"]}, "invalid_schedule"),
    ({"kind": "monthly", "weekdays": [], "days_of_month": {"1": 1}}, "invalid_schedule"),
]


def test_wrong_bodies_are_refused_and_change_nothing(client: FlaskClient, store: Store) -> None:
    cohort = f"/api/v1/analysis/cohorts/{make_cohort(store, 'mine')}/schedule"
    for changes, code in WRONG:
        body = {name: value for name, value in (WEEKLY | changes).items() if value is not ...}
        for method, path in (("PUT", TAG), ("PUT", cohort), ("POST", f"{SCHEDULES}/preview")):
            response = client.open(path, method=method, json=body)
            assert (response.status_code, error_of(response)["code"]) == (400, code), (path, changes, response.text)
    for data in (b"", b"[]", b"{", b'"weekly"'):
        response = client.put(TAG, data=data, content_type="application/json")
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_json")
    assert client.get(SCHEDULES).get_json() == []
    with store.read_only() as session:
        assert list_actions(session).total == 0


def test_the_wrong_field_is_named(client: FlaskClient) -> None:
    bodies: list[dict[str, Any]] = [{"weekdays": ["monday"]}, {"weekdays": []}, {"timezone": "Mars"}]
    for body in bodies:
        error = error_of(client.put(TAG, json=WEEKLY | body))
        assert error["details"]["field"] == next(iter(body))
        assert error["message"].startswith(next(iter(body)))


def test_missing_schedules_and_targets_are_not_found(client: FlaskClient) -> None:
    for path, code in (
        (TAG, "no_schedule"),
        ("/api/v1/tags/none/schedule", "not_found"),
        ("/api/v1/analysis/cohorts/99/schedule", "not_found"),
        (f"/api/v1/analysis/cohorts/{2**63 - 1}/schedule", "not_found"),
        ("/api/v1/analysis/cohorts/x/schedule", "not_found"),
    ):
        response = client.get(path)
        assert (response.status_code, error_of(response)["code"]) == (404, code)
        if code == "not_found":
            assert client.put(path, json=WEEKLY).status_code == client.delete(path).status_code == 404
    response = client.put(TAG, json=WEEKLY | {"profile_id": 7})
    assert (response.status_code, error_of(response)["code"]) == (400, "profile_not_found")


def test_a_schedule_of_a_tag_is_set_shown_and_removed(client: FlaskClient, store: Store) -> None:
    made = client.put(TAG, json=WEEKLY)
    assert made.status_code == 200
    expected = DEFAULTS | WEEKLY | {
        "cohort_id": None, "source_tag": "mine", "label": "", "summary": "Weekly, Thursday, 06:30 UTC",
        "next_run_at": "2026-11-26T06:30:00Z", "created_at": "2026-11-25T12:00:00Z",
        "updated_at": "2026-11-25T12:00:00Z",
    }  # fmt: skip
    assert made.get_json() == client.get(TAG).get_json() == expected
    assert client.get(SCHEDULES).get_json() == [expected]
    assert client.put(TAG, json=WEEKLY | {"enabled": False}).get_json()["next_run_at"] is None
    assert (client.delete(TAG).status_code, client.delete(TAG).status_code) == (204, 204)
    assert error_of(client.get(TAG))["code"] == "no_schedule"
    with store.read_only() as session:
        lines = list_actions(session, action="schedule.").items
    assert [(line.action, line.target) for line in lines] == [
        ("schedule.delete", "mine"),
        *[("schedule.set", "mine")] * 2,
    ]
    assert lines[-1].details == {"cohort_id": None, "rule": "Weekly, Thursday, 06:30 UTC", "enabled": True}


def test_what_a_schedule_shows_can_be_sent_again(client: FlaskClient) -> None:
    """Except for read-only fields."""
    bodies: list[dict[str, Any]] = [
        WEEKLY | {"weekdays": ["sun", "mon", "sun"]},
        {"kind": "interval", "interval_days": 3, "anchor_date": "2026-01-01", "time_of_day": "00:00"},
        {
            "kind": "monthly",
            "days_of_month": [15, 1],
            "last_day": True,
            "time_of_day": "23:59",
            "timezone": "Asia/Tokyo",
        },
    ]
    for body in bodies:
        shown = client.put(TAG, json=body).get_json()
        expected = {
            name: shown[name] for name in (*WEEKLY, *DEFAULTS) if not name.startswith("last_") or name == "last_day"
        }
        assert client.put(TAG, json=expected).get_json() == shown
    assert shown["days_of_month"] == [1, 15]


def test_a_schedule_of_a_cohort_needs_its_analysis(client: FlaskClient, store: Store) -> None:
    on, off = make_cohort(store, "mine"), make_cohort(store, "idle", analysis_enabled=False)
    refused = client.put(f"/api/v1/analysis/cohorts/{off}/schedule", json=WEEKLY)
    assert (refused.status_code, error_of(refused)["code"]) == (409, "cohort_analysis_disabled")
    path = f"/api/v1/analysis/cohorts/{on}/schedule"
    made = client.put(path, json=WEEKLY | {"promote_default": True}).get_json()
    assert (made["cohort_id"], made["source_tag"], made["label"]) == (on, "mine", "all of mine")
    client.put(TAG, json=WEEKLY)  # the tag may have a separate default
    fill_tag(store, "a")
    client.put("/api/v1/tags/a/schedule", json=WEEKLY)
    listed = [(item["cohort_id"], item["source_tag"]) for item in client.get(SCHEDULES).get_json()]
    assert listed == [(on, "mine"), (None, "a"), (None, "mine")]
    assert client.delete(f"/api/v1/analysis/cohorts/{off}/schedule").status_code == 204
    assert client.delete(path).status_code == 204
    assert error_of(client.get(path))["code"] == "no_schedule"
    assert client.get(TAG).status_code == 200


def test_preview(client: FlaskClient) -> None:
    body = {
        "kind": "monthly",
        "last_day": True,
        "days_of_month": [1],
        "time_of_day": "02:30",
        "timezone": "America/New_York",
    }
    shown = client.post(f"{SCHEDULES}/preview", json=body)
    assert shown.status_code == 200
    assert shown.get_json() == {
        "summary": "Monthly, day 1 and the last day, 02:30 America/New_York",
        "next": [
            "2026-11-30T07:30:00Z", "2026-12-01T07:30:00Z", "2026-12-31T07:30:00Z", "2027-01-01T07:30:00Z",
            "2027-01-31T07:30:00Z",
        ],
    }  # fmt: skip
    assert client.get(SCHEDULES).get_json() == []


def test_the_batch_of_a_schedule_is_shown(
    client: FlaskClient, queue: QueueParts, store: Store, clock: SetClock
) -> None:
    with store.transaction() as session:
        profile = create_profile(session, "strict", config={}, schema_version="", now=NOON)
    made = client.put(TAG, json=WEEKLY | {"profile_id": profile.id}).get_json()
    assert made["profile_id"] == profile.id
    clock.advance(clock.now().fromisoformat(made["next_run_at"]) - clock.now())
    assert run_due_schedules(queue, max_batch_size=10) == ["submitted"]
    shown = client.get(TAG).get_json()
    assert (shown["last_outcome"], shown["last_run_at"]) == ("submitted", "2026-11-26T06:30:00Z")
    assert shown["next_run_at"] == "2026-12-03T06:30:00Z"
    batch = client.get(f"/api/v1/batches/{shown['last_batch_id']}").get_json()
    assert (batch["tag"], batch["total"], batch["origin"]) == ("mine", 3, "schedule")
    assert {job["profile_name"] for job in batch["items"]} == {"strict"}
    assert client.delete("/api/v1/tags/mine").status_code == 204
    assert client.get(SCHEDULES).get_json() == []
    with store.transaction() as session:
        delete_profile(session, profile.id)
