"""Tokens over HTTP: creation, list, expiry, last use and revocation."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from gonemaster_api.auth import keyring as keyrings
from gonemaster_api.auth.tokens import digest_of, new_token
from gonemaster_api.state import NAME
from gonemaster_api.use_cases import tokens as use_cases
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import AccessToken
from tests.api.conftest import MakeApp
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, READ, bearer

TOKENS = "/api/v1/tokens"
NEW = {"label": "ci", "scopes": ["operate"]}


@pytest.fixture
def guarded(make_app: MakeApp) -> FlaskClient:
    return make_app(admin_tokens=CONFIGURED).test_client()


def ask(client: FlaskClient, method: str = "GET", path: str = TOKENS, token: str = ADMIN, **more: Any) -> Any:
    return client.open(path, method=method, headers=bearer(token), **more)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["error"]["code"]


def keyring_of(client: FlaskClient) -> keyrings.Keyring:
    found: keyrings.Keyring = client.application.extensions[NAME].keyring
    return found


def test_a_token_is_shown_once_and_only_its_hash_is_stored(guarded: FlaskClient, store: Store) -> None:
    created = ask(guarded, "POST", json=NEW)
    assert (created.status_code, created.headers["Cache-Control"]) == (201, "no-store")
    document = created.get_json()
    secret = document.pop("token")
    assert ask(guarded, path="/api/v1/jobs", token=secret).status_code == 200
    listed = ask(guarded)
    assert document in listed.get_json()["items"]
    assert document["id"] == digest_of(secret)[7:19]
    for text in (listed.text, ask(guarded, path="/api/v1/audit").text):
        assert secret not in text
        assert digest_of(secret) not in text
    with store.read_only() as session:
        stored = session.query(AccessToken).one()
        assert (stored.digest, stored.label, stored.scopes) == (digest_of(secret), "ci", ["operate"])


def test_the_list_has_the_tokens_of_the_settings_and_pages(guarded: FlaskClient) -> None:
    ask(guarded, "POST", json=NEW)
    found = ask(guarded).get_json()
    assert [(token["label"], token["scopes"], token["sources"]) for token in found["items"]] == [
        ("reader", ["read"], ["configuration"]),
        ("operator", ["operate"], ["configuration"]),
        ("boss", ["admin"], ["configuration"]),
        ("ci", ["operate"], ["database"]),
    ]
    page = ask(guarded, path=f"{TOKENS}?limit=1&offset=2").get_json()
    assert ([token["label"] for token in page["items"]], page["total"], page["next_cursor"]) == (["boss"], 4, "3")


@pytest.mark.parametrize("token", [READ, OPERATE], ids=["read", "operate"])
def test_only_the_scope_admin_manages_tokens(guarded: FlaskClient, token: str) -> None:
    answers = (
        ask(guarded, token=token),
        ask(guarded, "POST", token=token, json=NEW),
        ask(guarded, "DELETE", f"{TOKENS}/{digest_of(READ)[7:19]}", token=token),
    )
    assert [code_of(answer) for answer in answers] == [(403, "forbidden")] * 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"label": 5}, "invalid_label"),
        ({"label": "a:b"}, "invalid_label"),
        ({"label": " x"}, "invalid_label"),
        ({"scopes": []}, "invalid_scopes"),
        ({"scopes": ["root"]}, "invalid_scopes"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "invalid_expires_at"),
        ({"expires_at": "tomorrow"}, "invalid_expires_at"),
        ({"hash": "sha256:0"}, "unknown_field"),
    ],
)
def test_invalid_tokens_are_refused(guarded: FlaskClient, change: dict[str, Any], code: str) -> None:
    assert code_of(ask(guarded, "POST", json=NEW | change)) == (400, code)
    assert ask(guarded).get_json()["total"] == 3


def test_required_fields_are_named(guarded: FlaskClient) -> None:
    assert code_of(ask(guarded, "POST", json=NEW | {"label": ""})) == (400, "missing_label")
    assert code_of(ask(guarded, "POST", json={"label": "x"})) == (400, "missing_scopes")
    assert code_of(ask(guarded, "POST", json={"scopes": ["read"]})) == (400, "missing_label")


def test_a_label_is_used_by_one_token(guarded: FlaskClient) -> None:
    identity = ask(guarded, "POST", json=NEW).get_json()["id"]
    assert code_of(ask(guarded, "POST", json=NEW)) == (409, "token_exists")
    assert ask(guarded, "DELETE", f"{TOKENS}/{identity}").status_code == 204
    assert ask(guarded, "POST", json=NEW).status_code == 201


def test_the_number_of_tokens_is_limited(guarded: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_cases, "MAX_TOKENS", 4)
    assert ask(guarded, "POST", json=NEW).status_code == 201
    assert code_of(ask(guarded, "POST", json=NEW | {"label": "more"})) == (409, "too_many_tokens")


def test_a_revoked_token_is_refused_by_every_process(guarded: FlaskClient, make_app: MakeApp) -> None:
    other = make_app(admin_tokens=CONFIGURED).test_client()
    created = ask(guarded, "POST", json=NEW).get_json()
    keyring_of(other).refresh()  # as in the next poll
    log_in = other.post("/api/v1/session", json={"token": created["token"]})
    assert (log_in.status_code, other.get("/api/v1/jobs").status_code) == (200, 200)
    assert ask(guarded, "DELETE", f"{TOKENS}/{created['id']}").status_code == 204
    assert code_of(ask(guarded, path="/api/v1/jobs", token=created["token"])) == (401, "unauthorized")
    assert code_of(other.get("/api/v1/jobs")) == (401, "unauthorized"), "its sessions end at once"
    keyring_of(other).refresh()
    assert code_of(ask(other, path="/api/v1/jobs", token=created["token"])) == (401, "unauthorized")
    assert code_of(ask(guarded, "DELETE", f"{TOKENS}/{created['id']}")) == (404, "not_found")
    assert created["id"] not in [token["id"] for token in ask(guarded).get_json()["items"]]


def test_a_token_of_the_settings_is_revoked_as_well(guarded: FlaskClient) -> None:
    assert ask(guarded, "DELETE", f"{TOKENS}/{digest_of(READ)[7:19]}").status_code == 204
    assert ask(guarded, path="/api/v1/jobs", token=READ).status_code == 401
    assert [token["label"] for token in ask(guarded).get_json()["items"]] == ["operator", "boss"]


def test_a_valid_admin_token_remains(guarded: FlaskClient) -> None:
    boss = f"{TOKENS}/{digest_of(ADMIN)[7:19]}"
    assert code_of(ask(guarded, "DELETE", boss)) == (409, "admin_token_needed")
    created = ask(guarded, "POST", json={"label": "next", "scopes": ["admin"]}).get_json()
    assert ask(guarded, "DELETE", boss, token=created["token"]).status_code == 204
    assert ask(guarded).status_code == 401


def test_the_first_token_of_an_open_service_can_manage_tokens(client: FlaskClient) -> None:
    assert code_of(client.post(TOKENS, json=NEW)) == (409, "admin_token_needed")
    created = client.post(TOKENS, json={"label": "first", "scopes": ["read", "admin"]})
    assert (created.status_code, created.headers["Cache-Control"]) == (201, "no-store")
    assert client.get(TOKENS).status_code == 401, "requests need a token now"
    assert ask(client, token=created.get_json()["token"]).get_json()["total"] == 1


def test_an_expired_token_is_refused_without_a_read(guarded: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    in_an_hour = utcnow() + timedelta(hours=1)
    created = ask(guarded, "POST", json=NEW | {"expires_at": in_an_hour.isoformat()}).get_json()
    guarded.post("/api/v1/session", json={"token": created["token"]})
    assert guarded.get("/api/v1/jobs").status_code == 200
    keyring = keyring_of(guarded)
    assert keyring.is_valid(digest_of(created["token"]))
    monkeypatch.setattr(keyrings, "utcnow", lambda: in_an_hour)
    assert code_of(guarded.get("/api/v1/jobs")) == (401, "unauthorized"), "its session"
    guarded.delete_cookie("gm_admin")
    assert code_of(ask(guarded, path="/api/v1/jobs", token=created["token"])) == (401, "unauthorized")
    assert not keyring.is_valid(digest_of(created["token"])), "its streams close"


def test_an_expired_token_is_listed_until_it_is_revoked(guarded: FlaskClient, store: Store) -> None:
    created = ask(guarded, "POST", json=NEW | {"expires_at": "2100-01-01T00:00:00Z"}).get_json()
    assert (created["expires_at"], created["expired"]) == ("2100-01-01T00:00:00Z", False)
    with store.transaction() as session:
        session.query(AccessToken).one().expires_at = utcnow() - timedelta(days=1)
    assert [token["label"] for token in ask(guarded).get_json()["items"] if token["expired"]] == ["ci"]
    assert ask(guarded, "DELETE", f"{TOKENS}/{created['id']}").status_code == 204


def test_the_last_use_is_listed_and_a_request_reads_no_token(guarded: FlaskClient, store: Store) -> None:
    keyring, statements = keyring_of(guarded), []
    before = {token["label"]: token["last_used_at"] for token in ask(guarded).get_json()["items"]}
    assert set(before.values()) == {None}

    @event.listens_for(store.engine, "before_cursor_execute")
    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    for _ in range(3):
        assert ask(guarded, path="/api/v1/locales", token=READ).status_code == 200
    assert [text for text in statements if "access_" in text] == []
    keyring.write_uses()
    assert len([text for text in statements if "access_token_uses" in text]) == 1
    ask(guarded, path="/api/v1/locales", token=READ)
    keyring.write_uses()
    assert len([text for text in statements if "access_token_uses" in text]) == 1, "at most once a minute"
    event.remove(store.engine, "before_cursor_execute", note)
    used = {token["label"] for token in ask(guarded).get_json()["items"] if token["last_used_at"]}
    assert used == {"reader", "boss"}


def test_the_audit_names_actor_label_and_scopes(guarded: FlaskClient) -> None:
    identity = ask(guarded, "POST", json=NEW).get_json()["id"]
    ask(guarded, "DELETE", f"{TOKENS}/{identity}")
    lines = ask(guarded, path="/api/v1/audit?action=token.").get_json()["items"]
    assert [(line["action"], line["who"], line["target"]) for line in lines] == [
        ("token.revoke", "boss", identity),
        ("token.add", "boss", identity),
    ]
    assert lines[1]["details"] == {"label": "ci", "scopes": ["operate"], "expires_at": None}


def test_the_settings_show_the_reloaded_tokens_without_secrets(make_app: MakeApp, tmp_path: Path) -> None:
    """A file without tokens at the start, and SIGHUP after a change: the signal handler calls `reread_soon`."""
    file, boss, other = tmp_path / "settings.json", new_token(), new_token()
    entries = [{"label": "boss", "hash": digest_of(boss)}, {"label": "other", "hash": digest_of(other)}]
    file.write_text("{}")
    client = make_app(file=file).test_client()
    keyring = keyring_of(client)
    assert client.get("/api/v1/settings").get_json()["auth.admin_tokens"]["value"] == []
    file.write_text(json.dumps({"auth": {"admin_tokens": [entries[0] | {"scopes": ["admin"]}, entries[1]]}}))
    keyring.reread_soon()
    keyring.refresh()
    answer = ask(client, path="/api/v1/settings", token=boss)
    shown = answer.get_json()["auth.admin_tokens"]
    assert shown["value"] == [{"label": "boss", "scopes": ["admin"]}, {"label": "other", "scopes": []}]
    assert shown["source"] == "config_file"
    page = ask(client, path="/settings/system", token=boss).text
    assert "boss (admin), other (admin)" in page
    assert not any(digest_of(token) in text for token in (boss, other) for text in (answer.text, page))
    ask(client, "DELETE", f"{TOKENS}/{digest_of(other)[7:19]}", token=boss)
    left = ask(client, path="/api/v1/settings", token=boss).get_json()["auth.admin_tokens"]["value"]
    assert [token["label"] for token in left] == ["boss"], "a revoked token is not in force"
