"""The watch pages: create, list, edit, test, delete; secrets are never shown."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_db.models import Watch, WatchEvent
from gonemaster_db.service.deliveries import TEST
from gonemaster_tasks.maintenance.watches.messages import DIGEST, PUBLIC_URL, link_to
from tests.ui.test_batches import text_of

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
        ({"events": []}, "Length"),
        ({"events": ["evil"]}, "Must be one of"),
        ({"grade_drop": "many"}, "must be an integer"),
    ],
)
def test_a_wrong_watch_says_what_is_allowed(client: FlaskClient, changes: dict[str, object], message: str) -> None:
    client.post("/tags", data={"name": "mine"})
    refused = client.post("/watches/new", data=NEW | changes)
    assert refused.status_code == 400
    assert message in refused.text
    assert "s3cret" not in refused.text


def test_each_notification_links_to_a_page(routed_app: Flask) -> None:
    details = {
        "domain": "a.example", "run_id": "job_2", "previous": {"run_id": "job_1"}, "batch_id": "batch_1",
        "cohort_id": 7,
    }  # fmt: skip
    pages = {
        WatchEvent.DOMAIN_REGRESSED: "ui_domains.compare",
        WatchEvent.DOMAIN_RECOVERED: "ui_domains.compare",
        WatchEvent.BATCH_FINISHED: "ui_batches.detail",
        WatchEvent.SNAPSHOT_CAPTURED: "ui_cohorts.detail",
        WatchEvent.QUEUE_TROUBLE: "ui_queue.show",
        WatchEvent.CDS_DECIDED: "ui_watches.detail",
        WatchEvent.ROLLOVER_STEP: "ui_watches.detail",
        WatchEvent.ROLLOVER_BROKEN: "ui_watches.detail",
        WatchEvent.ROLLOVER_COMPLETED: "ui_watches.detail",
        TEST: "ui_watches.detail",
        DIGEST: "ui_watches.detail",
    }
    assert pages.keys() >= set(WatchEvent)
    for event, endpoint in pages.items():
        link = link_to(Watch(id=3), event, details)
        assert link.startswith(f"{PUBLIC_URL}/")
        found, _ = routed_app.url_map.bind("").match(link.removeprefix(PUBLIC_URL).partition("?")[0])
        assert found == endpoint, event
