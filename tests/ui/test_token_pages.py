"""The page of admin tokens: list, creation, refusals, revocation."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gonemaster_api.auth.tokens import digest_of
from tests.api.conftest import MakeApp
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, READ, bearer

PATH = "/settings/tokens"
NEW = {"label": "ci <b>", "scopes": "operate", "days": "90"}


@pytest.fixture
def guarded(make_app: MakeApp) -> FlaskClient:
    client = make_app(admin_tokens=CONFIGURED).test_client()
    assert client.post("/api/v1/session", json={"token": ADMIN}).status_code == 200
    return client


def secrets_in(text: str) -> list[str]:
    return re.findall(r'value="(gm_[A-Za-z0-9_-]{43})"', text)


def test_a_token_is_created_and_shown_once(guarded: FlaskClient) -> None:
    answer = guarded.post(PATH, data=NEW)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    (secret,) = secrets_in(answer.text)
    who = guarded.get("/api/v1/whoami", headers=bearer(secret)).get_json()
    assert (who["label"], who["scope"]) == ("ci <b>", "operate")
    page = guarded.get(PATH).text
    assert "ci &lt;b&gt;" in page
    assert secrets_in(page) == []
    listed = guarded.get("/api/v1/tokens").get_json()["items"]
    assert listed[-1]["expires_at"] is not None


def test_a_token_can_be_created_without_an_end(guarded: FlaskClient) -> None:
    assert guarded.post(PATH, data=NEW | {"days": ""}).status_code == 201
    assert guarded.get("/api/v1/tokens").get_json()["items"][-1]["expires_at"] is None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"label": ""}, "must be 1 to 64 characters"),
        ({"scopes": "root"}, "One field has an error"),
        ({"days": "1000000"}, "Choose one of the periods."),
        ({"days": "x"}, "Choose one of the periods."),
    ],
)
def test_an_error_is_at_its_field_and_the_input_stays(guarded: FlaskClient, change: dict[str, str], text: str) -> None:
    answer = guarded.post(PATH, data=NEW | {"label": "kept"} | change)
    assert answer.status_code == 400
    assert text in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert secrets_in(answer.text) == []
    assert ('value="kept"' in answer.text) is ("label" not in change)


def test_a_label_in_use_is_refused_at_its_field(guarded: FlaskClient) -> None:
    guarded.post(PATH, data=NEW)
    answer = guarded.post(PATH, data=NEW)
    assert answer.status_code == 400
    assert "Another token has this label." in answer.text


def test_a_token_is_revoked_after_a_confirmation(guarded: FlaskClient) -> None:
    identity = digest_of(READ)[7:19]
    question = guarded.get(f"{PATH}/{identity}/delete")
    assert "Revoke the token reader?" in question.text
    assert "The configuration contains this token." in question.text
    guarded.post(f"{PATH}/{identity}/delete")
    assert guarded.get("/api/v1/jobs", headers=bearer(READ)).status_code == 200, "not confirmed"
    answer = guarded.post(f"{PATH}/{identity}/delete", data={"confirmed": "yes"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PATH}?note=token_revoked")
    assert guarded.get("/api/v1/jobs", headers=bearer(READ)).status_code == 401
    assert "reader" not in guarded.get(PATH).text
    assert guarded.get(f"{PATH}/{identity}/delete").status_code == 404


def test_the_token_of_the_login_is_marked(guarded: FlaskClient) -> None:
    page = guarded.get(PATH).text
    assert page.count("this login") == 1
    question = guarded.get(f"{PATH}/{digest_of(ADMIN)[7:19]}/delete")
    assert "You are logged in with this token" in question.text
    refused = guarded.post(f"{PATH}/{digest_of(ADMIN)[7:19]}/delete", data={"confirmed": "yes"})
    assert refused.status_code == 409
    assert "must remain" in refused.text


def test_only_the_scope_admin_sees_the_page(make_app: MakeApp) -> None:
    client = make_app(admin_tokens=CONFIGURED).test_client()
    for token in (READ, OPERATE):
        assert client.get(PATH, headers={"Accept": "text/html", **bearer(token)}).status_code == 403
        assert PATH not in client.get("/settings/profiles", headers={"Accept": "text/html", **bearer(token)}).text


def test_an_open_service_warns_and_demands_an_admin_token_first(client: FlaskClient) -> None:
    assert "everyone who reaches this page has full access" in client.get(PATH).text
    refused = client.post(PATH, data=NEW)
    assert refused.status_code == 400
    assert "must remain" in refused.text
    created = client.post(PATH, data=NEW | {"scopes": "admin"})
    (secret,) = secrets_in(created.text)
    assert client.get(PATH).status_code == 401
    assert client.get(PATH, headers=bearer(secret)).status_code == 200
