"""The badge of a domain: the test it shows, its caching, and hostile names."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gonemaster_api.ui.public.badge import views
from gonemaster_api.web.rate_limits import Bucket, bucket_of
from gonemaster_db.core.session import Store
from gonemaster_db.models import RunStatus
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.support.rows import NOON, make_run, record
from tests.ui.public_runs import public_run

DAY = timedelta(days=1)


def badge(client: FlaskClient, domain: str = "a.example", **headers: str) -> TestResponse:
    return client.get(f"/public/badge/{domain}.svg", headers=headers)


def texts(response: TestResponse) -> list[str]:
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.mimetype == "image/svg+xml"
    return [text.strip() for text in ET.fromstring(response.get_data(as_text=True)).itertext() if text.strip()]


def test_grade_and_day_of_the_newest_public_test(client: FlaskClient, store: Store) -> None:
    public_run(store, at=NOON)
    make_run(store, "a.example", record("CRITICAL", at=NOON + DAY))
    assert texts(badge(client)) == ["DNS B, 2026-11-25, a.example", "DNS", "B", "2026-11-25"]
    public_run(store, entries=[], at=NOON + 2 * DAY)
    assert texts(badge(client, "A.Example"))[-1] == "2026-11-27"


PARTIAL: list[dict[str, Any]] = [
    {"tests": ["basic"]},
    {"nameservers": [{"ns": "ns1.a.example", "ip": "192.0.2.1"}]},
    {"ds": [{"keytag": 1, "algorithm": 13, "digtype": 2, "digest": "ab" * 32}]},
    {"ipv6_disabled": True},
]


def test_tests_of_a_part_or_with_supplied_data_do_not_count(client: FlaskClient, store: Store) -> None:
    for config in PARTIAL:
        public_run(store, config=config, at=NOON + DAY)
    public_run(store, status=RunStatus.FAILED, entries=[], at=NOON + DAY)
    assert badge(client).status_code == 404
    public_run(store, at=NOON)
    assert texts(badge(client))[-1] == "2026-11-25"


def test_no_badge_without_a_public_test(client: FlaskClient, store: Store) -> None:
    make_run(store, "a.example", record("INFO"))
    for domain in ("a.example", "unknown.example"):
        response = badge(client, domain)
        assert (response.status_code, error_of(response)["code"]) == (404, "not_found")
        assert response.headers["Cache-Control"] == "public, max-age=60"


def test_no_badge_if_grades_are_hidden(make_app: MakeApp, store: Store) -> None:
    public_run(store)
    assert badge(make_app(show_score_public=False).test_client()).status_code == 404


def test_the_badge_is_cached_and_revalidated(client: FlaskClient, store: Store) -> None:
    public_run(store)
    first = badge(client)
    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert first.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    again = badge(client, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["Cache-Control"] == "public, max-age=300"
    public_run(store, at=NOON + DAY)
    assert badge(client, **{"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_the_badge_of_a_result_is_rendered_once(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    public_run(store)
    first = badge(client)
    monkeypatch.delattr(views, "read_badge")  # a second call would fail
    again = [client.get(f"/public/badge/a.example.svg?x={number}") for number in range(3)]
    assert {response.get_data() for response in again} == {first.get_data()}
    assert {response.mimetype for response in again} == {"image/svg+xml"}


@pytest.mark.parametrize(
    "name", ["%3Cscript%3E", "a%22%3E%3Cb%3E.example", "%00", "%E2%80%AEexample", "a..b", "x" * 300, "%FF%FE", "."]
)
def test_hostile_names(client: FlaskClient, name: str) -> None:
    response = badge(client, name)
    assert response.status_code in {400, 404}
    assert error_of(response)["code"] in {"invalid_domain", "invalid_query", "not_found"}
    assert response.mimetype == "application/json"


def test_it_counts_as_a_read() -> None:
    assert bucket_of("ui_public_badge.show", "GET") is Bucket.READ
