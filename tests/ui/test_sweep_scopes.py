"""Batch, tag, cohort and watch pages hide the buttons that the token's scope does not allow."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gonemaster_db.core.session import Store
from tests.api.conftest import MakeApp
from tests.support.rows import make_run
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, READ, bearer

PAGES = ("/batches", "{batch}", "/tags", "/tags/mine", "/cohorts", "{cohort}")
LINKS = re.compile(r'<a [^>]*href="(/(?!static|api/|pub/)[^"?#]*)')
SHAPE = re.compile(r"(?:job|batch|run|cohort|snapshot)_\w+")
POSTS = re.compile(r'<form[^>]*method="post"[^>]*action="(/(?:batches|tags|cohorts|watches)[^"]*)"')


@pytest.fixture
def guarded(make_app: MakeApp) -> FlaskClient:
    return make_app(admin_tokens=CONFIGURED).test_client()


def get(client: FlaskClient, path: str, token: str) -> TestResponse:
    return client.get(path, headers={"Accept": "text/html", **bearer(token)})


def test_each_scope_sees_its_buttons(guarded: FlaskClient, store: Store) -> None:
    boss = bearer(ADMIN)
    batch = guarded.post(
        "/api/v1/jobs/batch", json={"domains": ["a.example", "b.example"], "tags": ["mine"]}, headers=boss
    ).get_json()
    guarded.post("/api/v1/tags/mine/domains", json={"domains": ["a.example"]}, headers=boss)
    cohort = guarded.post(
        "/api/v1/analysis/cohorts", json={"source_tag": "mine", "analysis_enabled": True}, headers=boss
    ).get_json()
    paths = [path.format(batch=f"/batches/{batch['batch_id']}", cohort=f"/cohorts/{cohort['id']}") for path in PAGES]
    shown = {}
    for name, token in (("read", READ), ("operate", OPERATE), ("admin", ADMIN)):
        texts = [get(guarded, path, token) for path in paths]
        assert [answer.status_code for answer in texts] == [200] * len(paths), name
        shown[name] = "".join(answer.text for answer in texts)
    assert POSTS.findall(shown["read"]) == []
    assert not re.search(r'href="[^"]*/(delete|purge|new|run|clear|rebuild|edit)"', shown["read"])
    assert "/delete" not in shown["operate"]
    assert "/batches/new" in shown["operate"]
    assert "/schedule" in shown["operate"]
    assert "/delete" in shown["admin"]
    assert get(guarded, "/watches", READ).status_code == 403
    assert get(guarded, "/watches", OPERATE).status_code == 200
    assert guarded.post("/tags", data={"name": "x"}, headers=bearer(READ)).status_code == 403
    assert guarded.post("/tags/mine/delete", headers=bearer(OPERATE)).status_code == 403


def test_the_queue_links_only_to_what_the_token_may_read(guarded: FlaskClient) -> None:
    for token, is_linked in ((READ, False), (OPERATE, True)):
        links = set(re.findall(r'href="(/[a-z]+)"', get(guarded, "/", token).text))
        assert ("/audit" in links) is is_linked
        refused = {link for link in links if get(guarded, link, token).status_code == 403}
        assert refused == set()


def test_no_page_links_to_what_the_token_may_not_read(guarded: FlaskClient, store: Store) -> None:
    boss = bearer(ADMIN)
    guarded.post("/api/v1/jobs/batch", json={"domains": ["a.example"], "tags": ["mine"]}, headers=boss)
    guarded.post("/api/v1/tags/mine/domains", json={"domains": ["a.example"]}, headers=boss)
    guarded.post("/api/v1/analysis/cohorts", json={"source_tag": "mine", "analysis_enabled": True}, headers=boss)
    watch = {"tag": "mine", "events": ["domain.regressed"], "url": "https://hook.example/x"}
    guarded.post("/api/v1/watches", json=watch, headers=boss)
    make_run(store, "a.example")
    make_run(store, "a.example")
    for token, least in ((READ, 20), (OPERATE, 30)):
        seen, refused, waiting = {"/"}, set(), ["/"]
        while waiting:
            path = waiting.pop()
            answer = get(guarded, path, token)
            if answer.status_code == 403:
                refused.add(path)
            for link in LINKS.findall(answer.text) if answer.mimetype == "text/html" else ():
                if not any(SHAPE.sub("*", link) == SHAPE.sub("*", known) for known in seen):
                    seen.add(link)
                    waiting.append(link)
        assert refused == set(), token
        assert len(seen) >= least
