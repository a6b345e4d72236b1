"""Links that share one result: who may create them, what they show, and their end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from gonemaster_api.use_cases import shares as use_cases
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run, ShareLink
from tests.api.conftest import MakeApp
from tests.support.rows import make_run, queue_job, record
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, READ, bearer
from tests.ui.public_runs import ENTRIES

HTML = {"Accept": "text/html"}


@pytest.fixture
def run(store: Store) -> Run:
    return make_run(store, "a.example", record(entries=ENTRIES))


@pytest.fixture
def guarded(make_app: MakeApp) -> FlaskClient:
    return make_app(admin_tokens=CONFIGURED, auth_protect_public=True).test_client()


def make(client: FlaskClient, run_id: str, token: str = OPERATE, **body: Any) -> Any:
    return client.post(f"/api/v1/runs/{run_id}/shares", json=body, headers=bearer(token))


def path_of(created: Any) -> str:
    assert created.status_code == 201, created.text
    return "/" + str(created.get_json()["url"]).split("/", 3)[3]


def test_link_shows_one_result_without_a_token(guarded: FlaskClient, store: Store, run: Run) -> None:
    created = make(guarded, run.id, days=7)
    assert created.headers["Cache-Control"] == "no-store"
    path = path_of(created)
    page = guarded.get(path, headers=HTML)
    assert page.status_code == 200
    assert "a.example" in page.text
    assert run.id not in page.text
    assert "/public/result/" not in page.text
    headers = {name: page.headers[name] for name in ("Cache-Control", "X-Robots-Tag", "Referrer-Policy")}
    assert headers == {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
    document = guarded.get(f"{path}/result.json").get_json()
    assert document["summary"]
    assert "job_id" not in document
    assert guarded.get(f"/jobs/{run.id}", headers=HTML).status_code in (302, 303, 401)


def test_secret_is_stored_as_a_digest_and_is_in_no_log(guarded: FlaskClient, store: Store, run: Run) -> None:
    path = path_of(make(guarded, run.id))
    secret = path.rpartition("/")[2]
    with capture_logs() as lines:
        guarded.get(path, headers=HTML).close()
    assert secret not in repr(lines)
    with store.read_only() as session:
        assert secret not in session.query(ShareLink).one().digest
    listed = guarded.get(f"/api/v1/runs/{run.id}/shares", headers=bearer(OPERATE))
    assert secret not in listed.text
    assert [(item["state"], item["created_by"]) for item in listed.get_json()["items"]] == [("valid", "operator")]
    audit = guarded.get("/api/v1/audit?action=share.add", headers=bearer(ADMIN))
    assert secret not in audit.text
    assert audit.get_json()["items"][0]["target"] == run.id


def test_only_operators_share(guarded: FlaskClient, run: Run) -> None:
    assert make(guarded, run.id, READ).status_code == 403
    assert guarded.get(f"/api/v1/runs/{run.id}/shares", headers=bearer(READ)).status_code == 403
    assert guarded.get(f"/jobs/{run.id}/shares", headers={**bearer(READ), **HTML}).status_code == 403


def test_revoked_link_is_gone(guarded: FlaskClient, run: Run) -> None:
    created = make(guarded, run.id)
    path, share = path_of(created), created.get_json()["id"]
    for _ in range(2):
        answer = guarded.delete(f"/api/v1/runs/{run.id}/shares/{share}", headers=bearer(OPERATE))
        assert answer.status_code == 204
    page = guarded.get(path, headers=HTML)
    assert (page.status_code, "This link was revoked" in page.text) == (410, True)
    assert guarded.get(f"{path}/result.json").get_json()["error"]["code"] == "share_revoked"
    assert guarded.delete(f"/api/v1/runs/{run.id}/shares/000000000000", headers=bearer(OPERATE)).status_code == 404
    lines = guarded.get("/api/v1/audit?action=share.revoke", headers=bearer(ADMIN)).get_json()["items"]
    assert len(lines) == 1, "revoked once"


def test_expired_link_is_gone(guarded: FlaskClient, store: Store, run: Run) -> None:
    path = path_of(make(guarded, run.id))
    with store.transaction() as session:
        session.query(ShareLink).one().expires_at = utcnow() - timedelta(seconds=1)
    page = guarded.get(path, headers=HTML)
    assert (page.status_code, "This link has expired" in page.text) == (410, True)
    with store.transaction() as session:
        session.query(ShareLink).one().expires_at = utcnow() - timedelta(days=31)
    make(guarded, run.id)
    assert guarded.get(path, headers=HTML).status_code == 404, "links that expired long ago are deleted"


@pytest.mark.parametrize("secret", ["x", "A" * 43, "A" * 5000, "%00", "..%2f"])
def test_guessed_link_is_not_found(guarded: FlaskClient, secret: str) -> None:
    assert guarded.get(f"/public/shared/{secret}", headers=HTML).status_code in (404, 400, 414)


def test_life_and_number_of_links_are_limited(make_app: MakeApp, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    client = make_app(share_link_max_days=10).test_client()
    assert make(client, run.id, days=11).get_json()["error"]["code"] == "invalid_days"
    assert make(client, run.id, days=0).get_json()["error"]["code"] == "invalid_days"
    monkeypatch.setattr(use_cases, "MAX_SHARES", 1)
    assert make(client, run.id).status_code == 201, "the default is not longer than the limit"
    assert make(client, run.id).get_json()["error"]["code"] == "too_many_shares"
    off = make_app(share_link_max_days=0).test_client()
    assert make(off, run.id).get_json()["error"]["code"] == "sharing_disabled"
    assert "The settings disable links" in off.get(f"/jobs/{run.id}/shares", headers=HTML).text


def test_only_results_are_shared(client: FlaskClient, store: Store) -> None:
    job = queue_job(store, "a.example")
    assert make(client, job.id).status_code == 404
    assert make(client, "job_unknown").status_code == 404


def test_link_ends_with_its_run(client: FlaskClient, store: Store, run: Run) -> None:
    path = path_of(make(client, run.id))
    with store.transaction() as session:
        session.delete(session.get(Run, run.key))
    assert client.get(path, headers=HTML).status_code == 404
