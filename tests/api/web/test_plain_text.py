"""Names and descriptions of users: characters that hide text are refused, and line ends are stored as LF."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from tests.api.web.test_errors import error_of
from tests.support.analysis_world import Chance, make_cohort, make_snapshot
from tests.support.stores import MakeSettings

HIDING = ("\x1b[2J", "\x07", "\x7f", "\u202e", "\u2066", "\u200f", "\u061c", "\u200b", "\ufeff", "\u2028", "\U000e0041")
LINES = ("a\nb", "a\rb", "a\r\nb", "a\tb")
# Method, path, body, and the field.
NAMES: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", "/profiles", {"config": {}}, "name"),
    ("PUT", "/profiles/1", {"config": {}}, "name"),
    ("POST", "/tags", {}, "name"),
    ("POST", "/analysis/cohorts", {}, "source_tag"),
    ("PATCH", "/analysis/cohorts/1", {}, "label"),
    ("POST", "/analysis/cohorts/1/snapshots/{slug}", {}, "label"),
]
DESCRIPTIONS: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", "/profiles", {"name": "p", "config": {}}, "description"),
    ("POST", "/tags", {"name": "t"}, "description"),
    ("PUT", "/tags/mine", {}, "description"),
    ("PATCH", "/analysis/cohorts/1", {}, "description"),
    ("POST", "/analysis/cohorts/1/snapshots/{slug}", {}, "description"),
    ("POST", "/jobs/batch", {"domains": ["a.example"]}, "description"),
    ("POST", "/queue/pause", {}, "reason"),
]


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the texts are refused before they are stored."""
    return make_store_settings("sqlite")


@pytest.fixture
def slug(store: Store, client: FlaskClient) -> str:
    """The slug of a snapshot of cohort 1; a tag and a profile exist too."""
    facts = Chance(1).snapshot(3)
    assert make_cohort(store) == 1
    make_snapshot(store, 1, facts)
    assert client.post("/api/v1/tags", json={"name": "mine"}).status_code == 201
    assert client.post("/api/v1/profiles", json={"name": "first", "config": {}}).get_json()["id"] == 1
    return facts.slug


@pytest.mark.parametrize(("method", "path", "body", "field"), [*NAMES, *DESCRIPTIONS])
def test_characters_that_hide_text_are_refused(
    client: FlaskClient, slug: str, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    for hiding in (*HIDING, *(LINES if (method, path, body, field) in NAMES else ())):
        sent = body | {field: f"a{hiding}b"}
        response = client.open(f"/api/v1{path.format(slug=slug)}", method=method, json=sent)
        assert (response.status_code, error_of(response)["code"].startswith("invalid_")) == (400, True), repr(hiding)


@pytest.mark.parametrize(("method", "path", "body", "field"), DESCRIPTIONS)
def test_line_ends_of_descriptions_are_stored_as_line_feeds(
    client: FlaskClient, slug: str, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    response = client.open(
        f"/api/v1{path.format(slug=slug)}", method=method, json=body | {field: "r\u00e4ks\r\nm\u00f6r\rg\u00e5s\tx"}
    )
    assert response.status_code < 300, response.get_json()
    found = response.get_json().get("description", "r\u00e4ks\nm\u00f6r\ng\u00e5s\tx")
    assert found == "r\u00e4ks\nm\u00f6r\ng\u00e5s\tx"


def test_tags_of_jobs_are_names_too(client: FlaskClient) -> None:
    response = client.post("/api/v1/jobs", json={"domain": "a.example", "tags": ["a\u202eb"]})
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_tags")
