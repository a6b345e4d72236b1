"""Tokens, sessions and scopes over HTTP."""

from __future__ import annotations

from http.cookies import Morsel, SimpleCookie
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from gonemaster_api.auth import sessions
from gonemaster_api.auth.keyring import Keyring
from gonemaster_api.auth.tokens import digest_of, new_token
from gonemaster_api.state import NAME
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreUnavailable
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.service.access import SESSIONS_OF_TOKEN, add_token, clear_tokens, revoke_token
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.settings import change_settings
from tests.api.conftest import MakeApp
from tests.support.sent_forms import sends_its_forms
from tests.support.stores import MakeSettings
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, READ, bearer

__all__ = ["sends_its_forms"]  # for the login, which this file tests


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One kind of database is enough: tests/db tests the queries on both."""
    return make_store_settings("sqlite")


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(admin_tokens=CONFIGURED)


@pytest.fixture
def guarded(app: Flask) -> FlaskClient:
    return app.test_client()


def error_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.get_json()["error"]["code"]


def keyring_of(app: Flask) -> Keyring:
    keyring: Keyring = app.extensions[NAME].keyring
    return keyring


def revoke(store: Store, token: str) -> None:
    with store.transaction() as session:
        revoke_token(session, digest_of(token), label="any", scopes=[], now=utcnow())


def log_in(client: FlaskClient, token: str) -> str:
    """Log in, and return the Set-Cookie header."""
    response = client.post("/api/v1/session", json={"token": token})
    assert response.status_code == 200, response.get_json()
    return str(response.headers["Set-Cookie"])


def cookie_of(header: str) -> Morsel[str]:
    cookies: SimpleCookie = SimpleCookie()
    cookies.load(header)
    return cookies["gm_admin"]


def test_without_tokens_everything_is_open(client: FlaskClient) -> None:
    assert client.get("/api/v1/settings").status_code == 200
    assert client.get("/api/v1/whoami").get_json() == {"mode": "open", "authenticated": True}
    assert error_of(client.post("/api/v1/session", json={"token": new_token()})) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({}, "needs a token"),
        ({"Authorization": "Bearer gm_wrong"}, "not valid"),
        ({"Authorization": "Bearer"}, "not valid"),
        ({"Authorization": f"Basic {ADMIN}"}, "not valid"),
        ({"Authorization": f"Bearer {ADMIN}x"}, "not valid"),
        ({"Authorization": f"Bearer {ADMIN},Bearer {ADMIN}"}, "not valid"),
        ({"Authorization": f"Bearer {digest_of(ADMIN)}"}, "not valid"),  # the stored value is not a valid token
        ({"Authorization": "Bearer \xff\xfe"}, "not valid"),
        ({"Cookie": "gm_admin=" + "x" * 43}, "not valid"),
        ({"Cookie": f"gm_admin={ADMIN}"}, "not valid"),  # a cookie holds a session, never a token
    ],
)
def test_requests_without_a_valid_token_are_refused(app: Flask, header: dict[str, str], message: str) -> None:
    response = app.test_client(use_cookies=False).get("/api/v1/locales", headers=header)
    assert error_of(response) == (401, "unauthorized")
    assert message in response.get_json()["error"]["message"]
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
    assert response.headers["Cache-Control"] == "no-store"


def test_a_revoked_token_is_refused_like_an_unknown_one(app: Flask, store: Store) -> None:
    revoke(store, READ)
    keyring_of(app).refresh()
    client = app.test_client()
    answers = [client.get("/api/v1/locales", headers=bearer(token)) for token in (READ, new_token())]
    assert answers[0].get_json() == answers[1].get_json()


def test_scopes_include_one_another(guarded: FlaskClient) -> None:
    calls = {"read": ("GET", "/api/v1/jobs"), "operate": ("POST", "/api/v1/tags"), "admin": ("GET", "/api/v1/settings")}

    def is_allowed(token: str, name: str) -> bool:
        method, path = calls[name]
        body = {"name": token} if method == "POST" else None
        return guarded.open(path, method=method, json=body, headers=bearer(token)).status_code in (200, 201)

    allowed = {token: {name for name in calls if is_allowed(token, name)} for token in (READ, OPERATE, ADMIN)}
    assert allowed == {READ: {"read"}, OPERATE: {"read", "operate"}, ADMIN: {"read", "operate", "admin"}}
    refused = guarded.put("/api/v1/settings", json={"worker_count": 3}, headers=bearer(OPERATE))
    assert error_of(refused) == (403, "forbidden")
    assert refused.get_json()["error"]["details"] == {"scope": "admin"}


def test_the_audit_and_the_access_log_name_the_token(guarded: FlaskClient) -> None:
    with capture_logs() as lines:
        guarded.post("/api/v1/queue/pause", headers=bearer(OPERATE)).close()
    assert [line["token"] for line in lines if line["event"] == "http_request"] == ["operator"]
    actions = guarded.get("/api/v1/audit", headers=bearer(OPERATE)).get_json()["items"]
    assert [(item["who"], item["action"]) for item in actions] == [("operator", "queue.pause")] * len(actions)
    assert actions


def test_whoami_never_refuses(guarded: FlaskClient) -> None:
    def who(**headers: str) -> Any:
        return guarded.get("/api/v1/whoami", headers=headers).get_json()

    assert who() == who(Authorization="Bearer gm_wrong") == {"mode": "token", "authenticated": False}
    assert who(**bearer(READ)) == {"mode": "token", "authenticated": True, "label": "reader", "scope": "read"}
    assert who(**bearer(ADMIN))["scope"] == "admin"


def test_a_session_represents_its_token_until_logout(app: Flask) -> None:
    browser, thief = app.test_client(), app.test_client(use_cookies=False)
    cookie = cookie_of(log_in(browser, OPERATE))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["secure"]) == (True, "Lax", "/", "")
    assert cookie["max-age"] == "43200"
    assert cookie.value != OPERATE
    assert browser.get("/api/v1/whoami").get_json()["label"] == "operator"
    assert browser.get("/api/v1/jobs").status_code == 200
    assert error_of(browser.get("/api/v1/settings")) == (403, "forbidden")
    stolen = {"Cookie": f"gm_admin={cookie.value}"}
    assert thief.get("/api/v1/jobs", headers=stolen).status_code == 200
    gone = browser.delete("/api/v1/session")
    assert gone.get_json() == {"mode": "token", "authenticated": False}
    assert "Max-Age=0" in gone.headers["Set-Cookie"]
    assert error_of(browser.get("/api/v1/jobs")) == (401, "unauthorized")
    assert error_of(thief.get("/api/v1/jobs", headers=stolen)) == (401, "unauthorized")


def test_a_wrong_token_with_a_valid_cookie_is_refused(guarded: FlaskClient) -> None:
    log_in(guarded, ADMIN)
    assert error_of(guarded.get("/api/v1/jobs", headers=bearer("gm_wrong"))) == (401, "unauthorized")


@pytest.mark.parametrize(
    ("flags", "headers", "secure"),
    [
        ({"public_url": "https://dns.example"}, {}, True),
        ({"public_url": "http://dns.example"}, {}, False),
        ({"trusted_proxy_cidrs": "127.0.0.1"}, {"X-Forwarded-Proto": "https"}, True),
        ({}, {"X-Forwarded-Proto": "https"}, False),
    ],
)
def test_the_cookie_is_secure_behind_tls(
    make_app: MakeApp, flags: dict[str, str], headers: dict[str, str], secure: bool
) -> None:
    client = make_app(admin_tokens=CONFIGURED, **flags).test_client()
    response = client.post("/api/v1/session", json={"token": ADMIN}, headers=headers)
    assert ("Secure" in response.headers["Set-Cookie"]) is secure


def test_a_page_of_another_site_neither_logs_in_nor_uses_a_session(guarded: FlaskClient) -> None:
    foreign = {"Origin": "http://evil.example"}
    for path in ("/api/v1/session", "/login", "/logout"):
        response = guarded.post(path, json={"token": ADMIN}, headers=foreign)
        assert error_of(response) == (403, "csrf_origin_mismatch")
        assert "Set-Cookie" not in response.headers
    log_in(guarded, ADMIN)
    for headers in (foreign, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}):
        assert error_of(guarded.post("/api/v1/queue/pause", headers=headers)) == (403, "csrf_origin_mismatch")
    assert guarded.get("/api/v1/queue").get_json()["paused"] is False
    assert guarded.post("/api/v1/queue/pause", headers={"Origin": "http://localhost"}).status_code == 200


def test_sessions_end_after_their_time(guarded: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(guarded, ADMIN)
    later = utcnow() + sessions.LIFE
    monkeypatch.setattr(sessions, "utcnow", lambda: later)
    assert error_of(guarded.get("/api/v1/jobs")) == (401, "unauthorized")


def test_a_token_has_a_bounded_number_of_sessions(app: Flask) -> None:
    first = app.test_client()
    log_in(first, READ)
    other = app.test_client()
    log_in(other, ADMIN)
    for _ in range(SESSIONS_OF_TOKEN):
        log_in(app.test_client(), READ)
    assert first.get("/api/v1/jobs").status_code == 401
    assert other.get("/api/v1/jobs").status_code == 200


def test_stored_tokens_count_at_once_and_end_with_their_sessions(app: Flask, store: Store) -> None:
    token, client = new_token(), app.test_client()
    with store.transaction() as session:
        add_token(session, digest_of(token), label="night", scopes=["operate"], now=utcnow())
    keyring_of(app).refresh()
    assert client.get("/api/v1/whoami", headers=bearer(token)).get_json()["label"] == "night"
    log_in(client, token)
    assert client.get("/api/v1/jobs").status_code == 200
    revoke(store, token)
    assert error_of(client.get("/api/v1/jobs")) == (401, "unauthorized")  # the session is deleted first
    keyring_of(app).refresh()
    assert error_of(client.get("/api/v1/jobs", headers=bearer(token))) == (401, "unauthorized")


def test_a_session_ends_with_its_token(app: Flask, store: Store) -> None:
    client = app.test_client()
    log_in(client, READ)
    revoke(store, READ)
    keyring_of(app).refresh()
    assert error_of(client.get("/api/v1/jobs")) == (401, "unauthorized")
    assert error_of(client.get("/api/v1/jobs", headers=bearer(READ))) == (401, "unauthorized")
    assert client.get("/api/v1/jobs", headers=bearer(ADMIN)).status_code == 200


def test_the_first_token_closes_the_door_and_the_end_of_the_last_does_not_open_it(
    client: FlaskClient, store: Store
) -> None:
    keyring, token = keyring_of(client.application), new_token()
    with store.transaction() as session:
        add_token(session, digest_of(token), label="only", scopes=[], now=utcnow())
    keyring.refresh()
    assert error_of(client.get("/api/v1/jobs")) == (401, "unauthorized")
    revoke(store, token)
    keyring.refresh()
    assert error_of(client.get("/api/v1/jobs")) == (401, "unauthorized")
    with store.transaction() as session:
        clear_tokens(session)
    keyring.refresh()
    assert error_of(client.get("/api/v1/jobs")) == (401, "unauthorized"), "until it starts again"
    assert Keyring(load_settings({}, {}), store).mode() == "open"


def test_without_database_only_tokens_read_before_are_accepted(
    app: Flask, queue: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Any:
        raise StoreUnavailable("away")

    client = app.test_client()
    with monkeypatch.context() as patch:
        patch.setattr(queue.store, "read_only", away)
        for headers in ({}, bearer(ADMIN)):
            response = client.get("/api/v1/locales", headers=headers)
            assert error_of(response) == (503, "store_unavailable")
            assert response.headers["Retry-After"]
        assert client.get("/api/v1/healthz").status_code == 200
    assert client.get("/api/v1/locales", headers=bearer(ADMIN)).status_code == 200
    monkeypatch.setattr(queue.store, "read_only", away)
    with pytest.raises(StoreUnavailable):
        keyring_of(app).refresh()
    assert client.get("/api/v1/locales", headers=bearer(ADMIN)).status_code == 200
    assert error_of(client.get("/api/v1/locales", headers=bearer("gm_wrong"))) == (401, "unauthorized")


PUBLIC_PATH = "/pub/api/v1/analysis/version"


def test_public_paths_are_protected_on_request_only(make_app: MakeApp) -> None:
    free = make_app(admin_tokens=CONFIGURED).test_client()
    assert free.get(PUBLIC_PATH).status_code == 200
    assert free.get("/pub/api/v1/nowhere").status_code == 404
    assert error_of(free.get("/api/v1/nowhere")) == (401, "unauthorized")
    closed = make_app(admin_tokens=CONFIGURED, auth_protect_public=True).test_client()
    for path in (PUBLIC_PATH, "/pub/api/v1/nowhere"):
        assert error_of(closed.get(path)) == (401, "unauthorized")
    answer = closed.get(PUBLIC_PATH, headers=bearer(READ))
    assert answer.status_code == 200
    assert "public" not in answer.headers["Cache-Control"]
    assert {"Authorization", "Cookie"} <= set(answer.headers["Vary"].split(", "))


PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_gets_a_login_page_and_then_what_it_asked_for(guarded: FlaskClient) -> None:
    asked = guarded.get("/api/v1/docs?x=1", headers=PAGE)
    assert asked.status_code == 401
    text = asked.get_data(as_text=True)
    assert 'name="next" value="/api/v1/docs?x=1"' in text
    assert text.count("<script") == text.count('<script defer src="/static/')  # its own script, no inline script
    wrong = guarded.post("/login", data={"token": "gm_wrong", "next": "/"})
    assert wrong.status_code == 401
    assert "not valid" in wrong.get_data(as_text=True)
    assert "gm_wrong" not in wrong.get_data(as_text=True)
    entered = guarded.post("/login", data={"token": f" {ADMIN} ", "next": "/api/v1/docs?x=1"})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/api/v1/docs?x=1")
    start = guarded.get("/", headers=PAGE)
    assert start.status_code == 200
    assert "<span>boss</span>" in start.get_data(as_text=True)
    assert "Log out" in guarded.get("/preferences", headers=PAGE).get_data(as_text=True)
    assert start.headers["Cache-Control"] == "no-store"
    left = guarded.post("/logout")
    assert (left.status_code, left.headers["Location"]) == (303, "/login")
    assert guarded.get("/", headers=PAGE).status_code == 401


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "evil", "", "/\n/a"]
)
def test_the_login_leads_to_pages_of_this_server_only(guarded: FlaskClient, target: str) -> None:
    entered = guarded.post("/login", data={"token": ADMIN, "next": target})
    assert (entered.status_code, entered.headers["Location"]) == (303, "/")


def test_programs_get_no_page(guarded: FlaskClient) -> None:
    for path, headers in (("/", {}), ("/api/v1/jobs", PAGE), ("/", {"Accept": "application/json"})):
        assert guarded.get(path, headers=headers).is_json


def test_the_guard_of_private_targets_is_lifted_by_administrators_only(
    queue: QueueParts, store: Store, make_app: MakeApp
) -> None:
    """Open mode does not allow it (tests/hostile/test_targets.py). Tokens in the database have the same rights as
    others."""
    with store.transaction() as session:
        add_token(session, digest_of(ADMIN), label="boss", scopes=[], now=utcnow())
    client = make_app().test_client()
    change = {"allow_non_global_targets": True}
    assert client.put("/api/v1/settings", json=change, headers=bearer(ADMIN)).status_code == 200
    worker = LiveSettings(load_settings({}, {}))
    worker.load(store)
    allowed = [worker.current.allow_non_global_targets]
    with store.transaction() as session:
        clear_tokens(session)
    worker.load(store)
    allowed.append(worker.current.allow_non_global_targets)
    assert allowed == [True, False]
    assert change_settings(queue, worker, {"allow_non_global_targets": None}) == ["allow_non_global_targets"]
