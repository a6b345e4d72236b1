"""Watches over the API: stored, changed, tested, and never shown with their secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_db.core.clock import utcnow
from gonemaster_db.service import watches as rows
from gonemaster_db.service.deliveries import add_delivery, claim_deliveries, finish_delivery
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.queues import MAINTENANCE
from tests.support.rows import LEASE

SECRET = "very-s3cret-indeed"
WATCH = {"tag": "mine", "events": ["domain.regressed"], "url": "https://hook.example/path?key=k"}
SMTP = {"smtp_url": "smtp://127.0.0.1", "smtp_from": "dns@example.net"}


@pytest.fixture(autouse=True)
def _tag(client: FlaskClient) -> None:
    assert client.post("/api/v1/tags", json={"name": "mine"}).status_code == 201


def create(client: FlaskClient, **fields: Any) -> Any:
    response = client.post("/api/v1/watches", json=WATCH | fields)
    assert response.status_code == 201, response.get_json()
    return response.get_json()


def code(client: FlaskClient, method: str, path: str = "", body: Any = None) -> tuple[int, str]:
    response = client.open(f"/api/v1/watches{path}", method=method, json=body)
    return response.status_code, response.get_json()["error"]["code"]


def test_a_watch_is_created_listed_changed_and_deleted(client: FlaskClient) -> None:
    made = create(client, secret=SECRET, min_level="critical", grade_drop=2)
    assert made | {"created_at": "", "updated_at": "", "id": 0} == {
        "id": 0,
        "tag": "mine",
        "domain": None,
        "kind": "changes",
        "interval_minutes": None,
        "hold_down_days": None,
        "ends_at": None,
        "transfer": False,
        "events": ["domain.regressed"],
        "url": "https://hook.example/path?key=k",
        "email": None,
        "min_level": "CRITICAL",
        "grade_drop": 2,
        "policy": None,
        "has_secret": True,
        "enabled": True,
        "failures": 0,
        "retry_at": None,
        "created_at": "",
        "updated_at": "",
    }
    path = f"/api/v1/watches/{made['id']}"
    assert client.get(path).get_json() == made
    change = {"enabled": False, "secret": None, "url": "https://other.example/", "events": ["batch.finished"]}
    changed = client.patch(path, json=change).get_json()
    shown = {name: changed[name] for name in ("enabled", "has_secret", "url", "events", "grade_drop")}
    assert shown == {
        "enabled": False,
        "has_secret": False,
        "url": "https://other.example/",
        "events": ["batch.finished"],
        "grade_drop": 2,
    }
    assert client.delete(path).status_code == 204
    for method in ("GET", "DELETE"):
        assert code(client, method, f"/{made['id']}") == (404, "not_found")


def test_defaults(client: FlaskClient) -> None:
    made = create(client)
    assert (made["min_level"], made["grade_drop"], made["has_secret"]) == ("ERROR", 1, False)


def test_names_are_normalised(client: FlaskClient) -> None:
    assert create(client, tag=None, domain="BÜCHER.example.")["domain"] == "xn--bcher-kva.example"


def test_lists(client: FlaskClient) -> None:
    ids = [create(client)["id"], create(client, tag=None, domain="a.example")["id"], create(client)["id"]]
    page = client.get("/api/v1/watches?limit=2").get_json()
    assert ([watch["id"] for watch in page["items"]], page["total"], page["next_cursor"]) == (ids[:2], 3, "2")
    assert client.get("/api/v1/watches?tag=mine").get_json()["total"] == 2
    found = client.get("/api/v1/watches?domain=a.example").get_json()["items"]
    assert [watch["id"] for watch in found] == [ids[1]]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"tag": None}, 400, "missing_subject"),
        ({"domain": "a.example"}, 400, "ambiguous_subject"),
        ({"tag": "none"}, 404, "not_found"),
        ({"tag": None, "domain": "a b"}, 400, "invalid_domain"),
        ({"tag": None, "domain": ""}, 400, "invalid_domain"),
        ({"url": None}, 400, "missing_receiver"),
        ({"email": "ops@example.com"}, 400, "ambiguous_receiver"),
        ({"url": None, "email": "ops@example.com"}, 400, "email_not_configured"),
        ({"url": None, "email": "ops@example.com", "secret": "x"}, 400, "invalid_secret"),
        ({"url": "ftp://a.example/"}, 400, "invalid_url"),
        ({"url": "http://127.0.0.1/"}, 400, "invalid_url"),
        ({"url": "http://a.example:25/"}, 400, "invalid_url"),
        ({"url": "http://u:p@a.example/"}, 400, "invalid_url"),
        ({"url": "http://a.example/" + "a" * 2100}, 400, "invalid_url"),
        ({"events": []}, 400, "invalid_events"),
        ({"events": ["domain.moved"]}, 400, "invalid_events"),
        ({"events": ["queue.trouble", "queue.trouble"]}, 400, "invalid_events"),
        ({"events": None}, 400, "missing_events"),
        ({"events": [["queue.trouble"]]}, 400, "invalid_events"),
        ({"min_level": "INFO"}, 400, "invalid_min_level"),
        ({"grade_drop": 0}, 400, "invalid_grade_drop"),
        ({"grade_drop": "1"}, 400, "invalid_grade_drop"),
        ({"secret": ""}, 400, "invalid_secret"),
        ({"secret": "x" * 257}, 400, "invalid_secret"),
        ({"colour": "red"}, 400, "unknown_field"),
    ],
)
def test_what_is_wrong_is_refused(client: FlaskClient, changes: dict[str, Any], status: int, error: str) -> None:
    assert code(client, "POST", body=WATCH | changes) == (status, error)
    assert client.get("/api/v1/watches").get_json()["total"] == 0


def test_the_health_of_the_queue_has_no_subject(client: FlaskClient) -> None:
    made = create(client, tag=None, events=["queue.trouble"])
    assert (made["tag"], made["domain"]) == (None, None)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"email": "a@b.example"}, "invalid_email"),
        ({"url": "http://10.0.0.1/"}, "invalid_url"),
        ({"url": None}, "invalid_url"),
        ({"events": []}, "invalid_events"),
        ({"enabled": 1}, "invalid_enabled"),
        ({"tag": "other"}, "unknown_field"),
    ],
)
def test_invalid_changes_are_refused(client: FlaskClient, change: dict[str, Any], error: str) -> None:
    made = create(client)
    status, found = code(client, "PATCH", f"/{made['id']}", change)
    assert status == 400
    assert found in (error, error.replace("invalid", "missing"))
    assert client.get(f"/api/v1/watches/{made['id']}").get_json() == made


@pytest.mark.parametrize("number", ["0", "9" * 30, "x", "-1"])
def test_ids_that_no_watch_has(client: FlaskClient, number: str) -> None:
    for method, more in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
        assert code(client, method, f"/{number}{more}") == (404, "not_found")


def test_watches_by_mail(make_app: Callable[..., Flask]) -> None:
    client = make_app(**SMTP).test_client()
    made = create(client, url=None, email="Ops@Example.COM")
    assert (made["email"], made["url"]) == ("Ops@example.com", None)
    for wrong in ("ops", "a@b.example\r\nBcc: c@d.example", "a@b.example,c@d.example"):
        assert code(client, "POST", body=WATCH | {"url": None, "email": wrong}) == (400, "invalid_email")
    path = f"/{made['id']}"
    assert code(client, "PATCH", path, {"url": "https://hook.example/"}) == (400, "invalid_url")
    assert code(client, "PATCH", path, {"email": "x"}) == (400, "invalid_email")
    assert code(client, "PATCH", path, {"secret": "x"}) == (400, "invalid_secret")
    changed = client.patch(f"/api/v1/watches{path}", json={"email": "a@b.example"}).get_json()
    assert changed["email"] == "a@b.example"


def test_private_receivers_need_the_setting(make_app: Callable[..., Flask]) -> None:
    client = make_app(allow_private_webhooks=True).test_client()
    assert create(client, url="http://127.0.0.1:8000/")["url"] == "http://127.0.0.1:8000/"
    assert code(client, "POST", body=WATCH | {"url": "http://224.0.0.1/"}) == (400, "invalid_url")


def test_the_secret_is_shown_nowhere(client: FlaskClient, capfd: pytest.CaptureFixture[str]) -> None:
    made = create(client, secret=SECRET)
    path = f"/api/v1/watches/{made['id']}"
    answers = [
        client.patch(path, json={"secret": SECRET + "2"}),
        client.post(path + "/test"),
        client.get(path),
        client.get("/api/v1/watches"),
        client.get(path + "/deliveries"),
        client.post("/api/v1/watches", json=WATCH | {"secret": [SECRET]}),
        client.delete(path),
        client.get("/api/v1/audit"),
    ]
    texts = [json.dumps(made), *(answer.get_data(as_text=True) for answer in answers), *capfd.readouterr()]
    assert [text for text in texts if SECRET in text] == []
    audit = json.loads(texts[-3])["items"]
    assert [line["action"] for line in audit] == ["watch.delete", "watch.test", "watch.change", "watch.create"]
    assert audit[2]["details"] == {"changed": ["secret"], "receiver": "hook.example:443"}
    assert "key=k" not in texts[-3]  # the path of a webhook may be a secret, too


def test_a_test_is_queued_once_and_a_worker_is_called(client: FlaskClient, queue: QueueParts) -> None:
    made = create(client)
    path = f"/api/v1/watches/{made['id']}"
    response = client.post(path + "/test")
    assert response.status_code == 202
    delivery = response.get_json()
    assert (delivery["event"], delivery["status"], delivery["attempts"]) == ("test", "waiting", 0)
    assert queue.broker.lists.depth(MAINTENANCE) == 1
    assert client.post(path + "/test").get_json()["id"] == delivery["id"]
    assert client.get(path + "/deliveries").get_json()["items"] == [delivery]
    client.patch(path, json={"enabled": False})
    assert code(client, "POST", f"/{made['id']}/test") == (409, "watch_disabled")


def test_deliveries_show_what_became_of_them(client: FlaskClient, queue: QueueParts) -> None:
    made = create(client)
    now = utcnow()
    with queue.store.transaction() as session:
        for _ in range(3):
            add_delivery(session, made["id"], event="batch.finished", body="{}", now=now)
    with queue.store.transaction() as session:
        done, failed = claim_deliveries(session, worker="w", now=now, lease=LEASE, limit=2, per_host=2)
    with queue.store.transaction() as session:
        finish_delivery(session, done, worker="w", now=now, duration_ms=5, response_status=200)
        finish_delivery(
            session, failed, worker="w", now=now, duration_ms=7, response_status=500, error="no", final=False,
            retry_at=now + LEASE,
        )  # fmt: skip
    path = f"/api/v1/watches/{made['id']}/deliveries"
    found = {item["id"]: item for item in client.get(path).get_json()["items"]}
    assert (found[done.id]["status"], found[done.id]["duration_ms"]) == ("succeeded", 5)
    assert found[done.id]["next_attempt_at"] is None
    assert (found[failed.id]["status"], found[failed.id]["response_status"], found[failed.id]["error"]) == (
        "waiting",
        500,
        "no",
    )
    assert found[failed.id]["next_attempt_at"] is not None
    assert client.get(path + "?status=succeeded").get_json()["total"] == 1
    assert code(client, "GET", f"/{made['id']}/deliveries?status=lost") == (400, "invalid_status")
    watch = client.get(f"/api/v1/watches/{made['id']}").get_json()
    assert (watch["failures"], watch["retry_at"] is not None) == (1, True)


def test_the_number_of_watches_is_limited(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_WATCHES", 1)
    create(client)
    assert code(client, "POST", body=WATCH) == (409, "too_many_watches")


def test_the_id_of_a_removed_watch_is_never_used_again(client: FlaskClient) -> None:
    ids = []
    for _ in range(3):
        ids.append(create(client)["id"])
        assert client.delete(f"/api/v1/watches/{ids[-1]}").status_code == 204
    assert ids == sorted(set(ids))
    assert client.get(f"/api/v1/watches/{ids[0]}").status_code == 404
