"""The watch pages: create, list, edit, test, delete; secrets are never shown."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_db.models import Watch, WatchEvent
from gonemaster_db.service.deliveries import TEST
from gonemaster_tasks.maintenance.watches.messages import DIGEST, PUBLIC_URL, link_to
from tests.ui.test_batches import text_of
from tests.ui.test_settings_pages import fields

NEW = {
    "tag": "mine",
    "events": ["domain.regressed", "batch.finished"],
    "url": "https://hook.example/secret-path",
    "secret": "s3cret",
    "min_level": "ERROR",
    "grade_drop": "2",
}


def make(client: FlaskClient) -> str:
    client.post("/tags", data={"name": "mine"})
    made = client.post("/watches/new", data=NEW)
    assert made.status_code == 303, made.text
    return made.location.partition("?")[0]


def test_a_watch_is_made_shown_changed_and_deleted(client: FlaskClient) -> None:
    assert "No watches" in text_of(client, "/watches")
    path = make(client)
    listed = text_of(client, "/watches")
    assert ">Tag mine</a>" in listed
    assert "hook.example" in listed
    assert "secret-path" not in listed
    page = text_of(client, path)
    assert "A domain got worse" in page
    assert "s3cret" not in page + text_of(client, f"{path}/edit")
    assert 'value="batch.finished" checked' in text_of(client, f"{path}/edit")
    changed = {name: text for name, text in NEW.items() if name not in {"tag", "secret"}} | {
        "min_level": "CRITICAL",
        "drop_secret": "yes",
    }
    assert client.post(f"{path}/edit", data=changed).location == f"{path}?note=watch_saved"
    assert "<dt>Signed messages</dt><dd>no</dd>" in text_of(client, path)
    assert client.post(f"{path}/switch", data={"value": "no"}).location == f"{path}?note=watch_off"
    assert "Send test message" not in text_of(client, path)
    assert client.post(f"{path}/switch", data={"value": "yes"}).location == f"{path}?note=watch_on"
    assert client.post(f"{path}/delete", data={"confirmed": "yes"}).location == "/watches?note=watch_deleted"
    for gone in (path, f"/watches/{'9' * 30}"):
        text_of(client, gone, 404)


def test_policy_of_a_watch_survives_its_form(client: FlaskClient) -> None:
    policy = {"name": "own", "suites": [{"name": "Main", "cases": ["BASIC"], "fail_level": "ERROR"}]}
    client.post("/api/v1/policies", json={"document": policy})
    client.post("/tags", data={"name": "mine"})
    path = client.post("/watches/new", data=NEW | {"policy": "own"}).location.partition("?")[0]

    def stored() -> dict[str, object]:
        found: dict[str, object] = client.get(f"/api/v1{path}").get_json()
        return {name: found[name] for name in ("grade_drop", "policy")}

    assert 'href="/settings/policies/own"' in text_of(client, path)
    sent = fields(client, f"{path}/edit")
    assert sent["policy"] == ["own"]
    assert client.post(f"{path}/edit", data=sent | {"grade_drop": "3"}).status_code == 303
    assert stored() == {"grade_drop": 3, "policy": "own"}
    client.delete("/api/v1/policies/own")
    assert client.post(f"{path}/edit", data=fields(client, f"{path}/edit") | {"grade_drop": "4"}).status_code == 303
    assert stored() == {"grade_drop": 4, "policy": "own"}
    sent.pop("policy")  # the form of an older release
    assert client.post(f"{path}/edit", data=sent).status_code == 303
    assert stored() == {"grade_drop": 2, "policy": "own"}
    refused = client.post(f"{path}/edit", data=sent | {"policy": "registratoin"})
    assert (refused.status_code, "is registration meant?" in refused.text) == (400, True)
    assert client.post(f"{path}/edit", data=sent | {"policy": ""}).status_code == 303
    assert stored()["policy"] is None


def test_a_test_message_is_queued_and_followed(client: FlaskClient) -> None:
    path = make(client)
    assert "No deliveries" in text_of(client, path)
    assert client.post(f"{path}/test").location == f"{path}?note=watch_tested"
    part = text_of(client, path, part="deliveries")
    assert "Test message" in part
    assert 'data-refresh="7"' in part
    assert "No deliveries" in text_of(client, f"{path}?status=failed")
    assert "<code>invalid_status</code>" in text_of(client, f"{path}?status=evil", 400)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tag": ""}, "specify tag or domain, unless queue.trouble is the only event"),
        ({"domain": "a.example"}, "specify either tag or domain, not both"),
        ({"tag": "none"}, "This tag does not exist."),
        ({"tag": "", "domain": "a..b"}, "a..b"),
        ({"url": ""}, "url or email is missing"),
        ({"url": "ftp://hook.example/"}, "url: "),
        ({"email": "a@b.example"}, "specify either url or email, not both"),
        ({"url": "", "secret": "", "email": "a@b.example"}, "smtp_url is empty"),
        ({"events": []}, "must have a length"),
        ({"events": ["evil"]}, "must be one of"),
        ({"grade_drop": "many"}, "must be an integer"),
        ({"policy": "registratoin"}, "is registration meant?"),
        ({"kind": "cds"}, "events of kind cds are cds.decided"),
        ({"kind": "cds", "events": ["cds.decided"], "hold_down_days": "91"}, "must be from 0 to"),
        ({"kind": "rollover", "events": ["rollover.step"]}, "a watch of kind rollover needs a domain"),
        (
            {"kind": "rollover", "events": ["rollover.step"], "interval_minutes": "0"},
            "must be from 1 to",
        ),
    ],
)
def test_a_wrong_watch_says_what_is_allowed(client: FlaskClient, changes: dict[str, object], message: str) -> None:
    client.post("/tags", data={"name": "mine"})
    refused = client.post("/watches/new", data=NEW | changes)
    assert refused.status_code == 400
    assert message in refused.text
    assert "s3cret" not in refused.text


OF_ROLLOVER = {
    "kind": "rollover", "domain": "a.example", "interval_minutes": "2", "window_hours": "24",
    "events": ["rollover.step", "rollover.broken"],
}  # fmt: skip


def test_a_watch_of_a_rollover_is_made_without_a_recipient_and_changed(client: FlaskClient) -> None:
    form = text_of(client, "/watches/new?kind=rollover&domain=a.example")
    for shown in ('value="48"', 'value="5"', 'value="rollover.completed" checked', 'value="a.example"'):
        assert shown in form
    for hidden in ("min_level", "hold_down_days", "batch.finished", 'name="tag"'):
        assert hidden not in form
    made = client.post("/watches/new", data=OF_ROLLOVER)
    assert made.status_code == 303, made.text
    path = made.location.partition("?")[0]
    page = text_of(client, path)
    assert f'href="{path}/rollover"' in page
    assert "<dt>Kind</dt><dd>Key rollover</dd>" in page
    assert "without a recipient" in page
    assert "Send test message" not in page
    assert "Key rollover" in text_of(client, "/watches")
    watch = client.get(f"/api/v1{path}").get_json()
    assert (watch["interval_minutes"], watch["events"]) == (2, ["rollover.step", "rollover.broken"])
    assert watch["transfer"] is False
    assert "<dt>Zone transfers</dt><dd>no</dd>" in page
    reading = OF_ROLLOVER | {"transfer": "1"}
    assert client.post(f"{path}/edit", data=reading).status_code == 303
    assert client.get(f"/api/v1{path}").get_json()["transfer"] is True
    assert "<dt>Zone transfers</dt><dd>yes</dd>" in text_of(client, path)
    assert re.search(r'name="transfer"[^>]*checked', text_of(client, f"{path}/edit"))
    watch = client.get(f"/api/v1{path}").get_json()
    changed = {"interval_minutes": "3", "window_hours": "", "events": ["rollover.broken"]}
    assert client.post(f"{path}/edit", data=changed).location == f"{path}?note=watch_saved"
    after = client.get(f"/api/v1{path}").get_json()
    assert (after["interval_minutes"], after["events"], after["ends_at"]) == (3, ["rollover.broken"], watch["ends_at"])
    assert after["transfer"] is False


def test_a_watch_of_cds_records_is_made_by_its_form(client: FlaskClient) -> None:
    client.post("/tags", data={"name": "mine"})
    form = text_of(client, "/watches/new?kind=cds")
    assert 'value="1440"' in form
    assert 'name="hold_down_days" type="text" value="3"' in form
    data = {"kind": "cds", "tag": "mine", "interval_minutes": "60", "hold_down_days": "0", "events": ["cds.decided"]}
    made = client.post("/watches/new", data=data)
    assert made.status_code == 303, made.text
    page = text_of(client, made.location)
    assert "<dt>Hold-down</dt><dd>0 days</dd>" in page
    assert "/cds-decisions?watch_id=" in page


def test_an_unknown_kind_in_the_url_is_the_form_of_changes(client: FlaskClient) -> None:
    assert 'value="domain.regressed" checked' in text_of(client, "/watches/new?kind=evil")


def test_each_notification_links_to_a_page(routed_app: Flask) -> None:
    details = {
        "domain": "a.example", "run_id": "job_2", "previous": {"run_id": "job_1"}, "batch_id": "batch_1",
        "cohort_id": 7, "decision_id": 8,
    }  # fmt: skip
    pages = {
        WatchEvent.DOMAIN_REGRESSED: "ui_domains.compare",
        WatchEvent.DOMAIN_RECOVERED: "ui_domains.compare",
        WatchEvent.VERDICT_CHANGED: "ui_domains.compare",
        WatchEvent.BATCH_FINISHED: "ui_batches.detail",
        WatchEvent.SNAPSHOT_CAPTURED: "ui_cohorts.detail",
        WatchEvent.QUEUE_TROUBLE: "ui_queue.show",
        WatchEvent.CDS_DECIDED: "ui_cds_decisions.detail",
        WatchEvent.ROLLOVER_STEP: "ui_rollovers.show",
        WatchEvent.ROLLOVER_BROKEN: "ui_rollovers.show",
        WatchEvent.ROLLOVER_COMPLETED: "ui_rollovers.show",
        TEST: "ui_watches.detail",
        DIGEST: "ui_watches.detail",
    }
    assert pages.keys() >= set(WatchEvent)
    for event, endpoint in pages.items():
        link = link_to(Watch(id=3), event, details)
        assert link.startswith(f"{PUBLIC_URL}/")
        found, _ = routed_app.url_map.bind("").match(link.removeprefix(PUBLIC_URL).partition("?")[0])
        assert found == endpoint, event
