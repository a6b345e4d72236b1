"""The public pages at another path: all URLs change, and the old ones are not found."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from tests.api.conftest import MakeApp
from tests.ui.public_runs import public_run

HTML = {"Accept": "text/html"}
PATH = "/dns/check/"


@pytest.fixture
def moved(make_app: MakeApp) -> FlaskClient:
    return make_app(public_ui_path=PATH, public_url="https://dns.example").test_client()


def test_every_page_exists_and_links_to_the_others(moved: FlaskClient, store: Store) -> None:
    public_id = public_run(store).public_id
    pages = {
        path: moved.get(PATH + path, headers=HTML, base_url="https://dns.example")
        for path in ("", "about", f"result/{public_id}", f"result/{public_id}/findings.csv", "badge/a.example.svg")
    }
    assert {path: page.status_code for path, page in pages.items() if page.status_code != 200} == {}
    links: set[str] = set()
    for page in pages.values():
        assert "/public" not in page.text.replace("/static/public.", "")
        links |= set(re.findall(r'(?:href|action|src|content)="(?:https://dns\.example)?(/[^"#]*)', page.text))
    assert {f"{PATH}result/{public_id}", f"{PATH}about"} <= links
    for address in (f"result/{public_id}", "badge/a.example.svg"):
        assert f"https://dns.example{PATH}{address}" in pages[f"result/{public_id}"].text
    assert {
        link
        for link in links
        if not link.startswith((PATH, "/static/", "/api/v1/docs", "/pub/", "/preferences", "/analysis", "/help/"))
    } == set()


def test_a_test_is_submitted_there(moved: FlaskClient) -> None:
    sent = moved.post(PATH, data={"domain": "a.example"}, headers=HTML, base_url="https://dns.example")
    assert sent.location.startswith(f"{PATH}result/")
    assert moved.get(sent.location, headers=HTML, base_url="https://dns.example").status_code == 200


def test_the_default_path_is_not_found(moved: FlaskClient, store: Store) -> None:
    public_id = public_run(store).public_id
    for path in ("/public/", "/public/about", f"/public/result/{public_id}", "/public/badge/a.example.svg"):
        assert moved.get(path, headers=HTML, base_url="https://dns.example").status_code == 404
