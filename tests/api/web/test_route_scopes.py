"""Each route without a token, with invalid tokens and with too small scopes: the right error code, and no effect."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from gonemaster_api.auth.tokens import new_token
from gonemaster_api.web.access import access_of
from gonemaster_api.web.headers import API_POLICY, PAGE_POLICY, is_api
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import AuditLine, Base
from gonemaster_tasks.config.credential_types import Scope
from gonemaster_tasks.control.parts import QueueParts
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.redis import raw
from tests.support.stores import MakeSettings
from tests.support.tokens import ADMIN, CONFIGURED, OPERATE, READ, bearer

TOKENS = {Scope.READ: READ, Scope.OPERATE: OPERATE, Scope.ADMIN: ADMIN}
BODY = {"domain": "example.com", "name": "mine", "token": "gm_wrong", "domains": ["example.com"], "job_ids": ["job_1"]}


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: nothing is written to it."""
    return make_store_settings("sqlite")


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    return make_app(admin_tokens=CONFIGURED, auth_protect_public=True)


def path_of(app: Flask, rule: Rule) -> str:
    """Fill in the variables of a path, each as its converter allows."""
    names = {name: type(converter).__name__ for name, converter in rule._converters.items()}
    values: Mapping[str, Any] = {
        name: 1 if kind == "IntegerConverter" else "app.css" if kind == "PathConverter" else "some"
        for name, kind in names.items()
    }
    with app.test_request_context():
        return str(app.url_map.bind("localhost").build(rule.endpoint, values, method=next(iter(rule.methods or ()))))


def gated_calls(app: Flask) -> Iterator[tuple[str, str, Scope]]:
    """Yield method, path and scope of each call that needs a token."""
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods or ()):
            needed = access_of(rule.endpoint).scope(method, protect_public=True)
            if needed is not None:
                yield method, path_of(app, rule), needed


def content(store: Store, queue: QueueParts) -> str:
    """Return all rows and all of Redis except the counts of failures."""
    with store.read_only() as session:
        rows = {
            table.name: [list(map(repr, row)) for row in session.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }
    client = raw(queue.broker)
    keys = sorted(key for key in client.keys("*") if not key.startswith("gm:attempts:"))
    return json.dumps([rows, {key: repr(client.dump(key)) for key in keys}])


def check_headers(response: TestResponse, path: str) -> None:
    """Check the headers of http-api.md section 1.3, which each response has, including refusals."""
    headers = response.headers
    assert headers["X-Request-Id"], path
    assert headers["X-Content-Type-Options"] == "nosniff", path
    assert headers["X-Frame-Options"] == "DENY", path
    assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin", path
    assert all(feature.endswith("=()") for feature in headers["Permissions-Policy"].split(", ")), path
    is_data = is_api(path) and response.mimetype != "text/html"
    assert headers["Content-Security-Policy"] == (API_POLICY if is_data else PAGE_POLICY), path


def test_no_route_does_anything_without_its_scope(app: Flask, store: Store, queue: QueueParts) -> None:
    client = app.test_client(use_cookies=False)
    calls = list(gated_calls(app))
    assert len(calls) > 250
    before = content(store, queue)
    codes: dict[int, set[str]] = {}
    for number, (method, path, needed) in enumerate(calls):
        presented: list[tuple[Mapping[str, str], int]] = [
            ({}, 401),
            (bearer(new_token()), 401),
            ({"Cookie": f"gm_admin={'x' * 43}"}, 401),
        ]
        presented += [(bearer(token), 403) for scope, token in TOKENS.items() if not scope.includes(needed)]
        for headers, status in presented:
            # otherwise the limit on failures refuses the request first
            address = {"REMOTE_ADDR": f"2001:db8:{number:x}::1"}
            body = None if method in ("GET", "HEAD", "OPTIONS") else BODY
            response = client.open(path, method=method, json=body, headers=dict(headers), environ_base=address)
            assert response.status_code == status, (method, path, headers, response.get_data(as_text=True))
            check_headers(response, path)
            if method != "HEAD":
                codes.setdefault(status, set()).add(error_of(response)["code"])
    assert codes == {401: {"unauthorized"}, 403: {"forbidden"}}
    assert content(store, queue) == before


def test_each_route_serves_its_scope(app: Flask, store: Store) -> None:
    """With the scope of its route, a request is not rejected for its scope, even if it is otherwise invalid."""
    client = app.test_client(use_cookies=False)
    for method, path, needed in gated_calls(app):
        if (
            path.endswith("/events") or "/lookup/" in path or method not in ("GET", "HEAD")
        ):  # DNS lookups send packets to other machines
            continue
        response = client.open(path, method=method, headers=dict(bearer(TOKENS[needed])))
        assert response.status_code not in (401, 403), (method, path)
        check_headers(response, path)
        response.close()
    with store.read_only() as session:
        assert session.scalars(select(AuditLine)).all() == []
