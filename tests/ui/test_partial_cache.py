"""The partial cache: one rendering for many viewers, separate by scope; static files are cached by digest."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.shell import partial_cache
from tests.api.conftest import MakeApp
from tests.support.tokens import ADMIN, CONFIGURED, READ, bearer

PART = {"X-Partial": "waiting"}


def part(client: FlaskClient, path: str = "/", **headers: str) -> str:
    return client.get(path, headers={**PART, **headers}).get_data(as_text=True)


@pytest.fixture(autouse=True)
def _for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial_cache, "LIFE_S", 3600.0)


def test_a_partial_is_rendered_once_until_a_change(client: FlaskClient) -> None:
    assert "No jobs waiting" in part(client)
    job = client.post("/api/v1/jobs", json={"domain": "a.example"}).get_json()
    assert "No jobs waiting" in part(client)
    assert "a.example" in part(client, "/?tier=normal")
    assert "a.example" in client.get("/").get_data(as_text=True)
    client.post("/queue/jobs", data={"one": f"hold:{job['id']}"})
    assert "Release a.example" in part(client)


def test_a_partial_is_cached_separately_for_each_scope(make_app: MakeApp) -> None:
    client = make_app(admin_tokens=CONFIGURED).test_client()
    client.post("/api/v1/jobs", json={"domain": "a.example"}, headers=bearer(ADMIN))
    assert 'name="one"' in part(client, **bearer(ADMIN))
    assert 'name="one"' not in part(client, **bearer(READ))
    assert client.get("/", headers=PART).status_code == 401


def test_links_of_the_fetched_strip_open_whole_pages(client: FlaskClient) -> None:
    client.post("/queue/pause", data={"tier": ""})
    strip = client.get("/strip", headers={"X-Partial": "strip"}).get_data(as_text=True)
    assert 'name="next" value="/"' in strip


def test_browsers_cache_files_until_they_change(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    address = re.search(r'"(/static/app\.js\?v=[0-9a-f]{8})"', page)
    assert address
    assert max_age(client, address[1]) == 365 * 86400
    assert not max_age(client, "/static/app.js")
    assert client.get("/static/none.js?v=1").status_code == 404


def max_age(client: FlaskClient, path: str) -> int | None:
    with client.get(path) as answer:
        return answer.cache_control.max_age
