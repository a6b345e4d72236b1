"""For any text in a field, a parameter or a path, the response is a result or a clear refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gonemaster_db.core.settings import StoreSettings
from tests.api.conftest import MakeApp
from tests.api.web.test_errors import error_of
from tests.hostile import LONG
from tests.support.examples import examples
from tests.support.stores import MakeSettings

# Python's Punycode decoder raises OverflowError for this A-label.
OVERFLOW = "\uff58n--33-09l94qju69p9u3d8c5j9fxuzk096799599099995ea9r899q4c91f.example"
FUZZ = settings(
    derandomize=False,
    print_blob=True,
    max_examples=10_000 if LONG else examples(40, 400),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PIECES = (
    "xn--",
    "\uff58n--",
    ".",
    "\u3002",
    "\\",
    "\0",
    "\ud800",
    "\u200d",
    "\u00ad",
    "__none__",
    "%",
    "job_",
    ":",
    "/",
)
anything = st.lists(
    st.one_of(st.text(st.characters(exclude_categories=()), max_size=20), st.sampled_from(PIECES)), max_size=8
).map("".join)
BODIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "jobs", {"domain": ...}),
    ("POST", "jobs", {"domain": "a.example", "tests": [...]}),
    ("POST", "jobs", {"domain": "a.example", "tags": [...]}),
    ("POST", "jobs", {"domain": "a.example", "min_level": ...}),
    ("POST", "jobs", {"domain": "a.example", "profile": ...}),
    ("POST", "jobs", {"domain": "a.example", "nameservers": [{"ns": ...}]}),
    ("POST", "jobs", {"domain": "a.example", "nameservers": [{"ns": "ns.example", "ip": ...}]}),
    ("POST", "jobs", {"domain": "a.example", "ds_info": [{"keytag": 1, "algorithm": 8, "digtype": 2, "digest": ...}]}),
    ("POST", "jobs", {"domain": "a.example", "profile_overrides": {"test_cases": [...]}}),
    ("POST", "jobs", {"domain": "a.example", "profile_overrides": {"badkeys": ...}}),
    ("POST", "jobs", {"domain": "a.example", "profile_overrides": {"asn_db": {"sources": {"RIPE": [...]}}}}),
    ("POST", "jobs/batch", {"domains": [..., "a.example"]}),
    ("POST", "jobs/batch", {"domains": [..., "a.example"], "skip_invalid": True}),
    ("POST", "jobs/batch", {"from_tag": ...}),
    ("POST", "jobs/batch", {"domains": ["a.example"], "description": ...}),
    ("POST", "tags", {"name": ...}),
    ("POST", "tags", {"name": "mine", "description": ...}),
    ("POST", "tags/mine/domains", {"domains": [...]}),
    ("DELETE", "tags/mine/domains", {"domains": [...]}),
    ("POST", "profiles", {"name": ...}),
    ("POST", "profiles/diff", {"config": {"test_levels": {"ZONE": {"Z": ...}}}}),
    ("PATCH", "profiles/1", {"op": ...}),
    ("PUT", "settings", {"public_url": ...}),
    ("PUT", "settings", {"min_level": ...}),
    ("POST", "queue/pause", {"tier": ...}),
    ("POST", "queue/pause", {"until": ...}),
    ("POST", "queue/move", {"job_ids": [...], "to": "front"}),
    ("POST", "queue/move", {"job_ids": ["job_1"], "before": ...}),
    ("POST", "queue/reorder", {"job_ids": [...]}),
    ("POST", "queue/remove", {"job_ids": [...]}),
)


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind; the generated texts of tests/api/web/test_schemathesis.py are sent to both."""
    return make_store_settings("sqlite")


def filled(document: Any, text: str) -> Any:
    """Replace each ellipsis with the text."""
    if isinstance(document, dict):
        return {key: filled(value, text) for key, value in document.items()}
    if isinstance(document, list):
        return [filled(value, text) for value in document]
    return text if document is ... else document


def is_answered(client: FlaskClient, method: str, path: str, body: Any = None) -> int:
    """Send a request; return the status of a response that is a result or a regular error document."""
    data = None if body is None else json.dumps(body)
    response = client.open(f"/api/v1/{path}", method=method, data=data, content_type="application/json")
    about = (method, path[:200], ascii(body)[:300], response.data[:300])
    assert response.status_code < 500, about
    if response.status_code >= 400:
        assert error_of(response)["code"], about
        assert len(response.data) < 5000, about
    return response.status_code


@FUZZ
@given(st.sampled_from(BODIES), anything)
@example(BODIES[0], OVERFLOW)
@example(BODIES[11], OVERFLOW)
@example(BODIES[12], OVERFLOW)
@example(BODIES[5], OVERFLOW)
@example(BODIES[17], OVERFLOW)
@example(BODIES[22], "http://\ud800")
@example(BODIES[22], "http://a\u2100b/")
def test_any_text_in_a_body(client: FlaskClient, place: tuple[str, str, dict[str, Any]], text: str) -> None:
    method, path, body = place
    is_answered(client, method, path, filled(body, text))


def test_one_bad_name_is_left_out_of_a_batch(client: FlaskClient) -> None:
    body = {"domains": [OVERFLOW, "good.example"], "skip_invalid": True}
    answer = client.post("/api/v1/jobs/batch", json=body).get_json()
    assert (answer["job_count"], answer["invalid_count"], answer["invalid"][0]["index"]) == (1, 1, 0)
    refused = client.post("/api/v1/jobs", json={"domain": OVERFLOW})
    assert (refused.status_code, error_of(refused)["code"]) == (400, "invalid_domain")


def parameters(client: FlaskClient) -> Iterator[tuple[str, str]]:
    """Yield path and name of each query parameter of the OpenAPI document, and of each path segment."""
    document = client.get("/api/v1/openapi.json").get_json()
    for path, item in document["paths"].items():
        shared = item.get("parameters", [])
        for parameter in [*shared, *item.get("get", {}).get("parameters", [])]:
            if "get" in item and "name" in parameter and not path.endswith("/events"):
                yield path.removeprefix("/api/v1/"), parameter["name"] if parameter["in"] == "query" else ""


def test_any_text_in_a_query_or_a_path(make_app: MakeApp) -> None:
    client = make_app().test_client()
    found = sorted(set(parameters(client)))
    assert len(found) > 50

    @FUZZ
    @given(st.sampled_from(found), anything)
    @example(("domains", "name"), OVERFLOW)
    @example(("tags/{name}/domains", ""), OVERFLOW)
    @example(("jobs", "cursor"), "\u0661")
    def ask(place: tuple[str, str], text: str) -> None:
        path, name = place
        written = quote(text.encode("utf-8", "surrogatepass"), safe="")
        segments = [written if part.startswith("{") else part for part in path.split("/")]
        is_answered(client, "GET", "/".join(segments) + (f"?{name}={written}" if name else ""))

    ask()


NAMES = (
    ("POST", "tags", {"name": ...}),
    ("POST", "profiles", {"name": ..., "config": {}}),
    ("POST", "jobs", {"domain": "a.example", "tags": [...]}),
    ("POST", "jobs/batch", {"domains": ["a.example"], "tags": [...]}),
    ("POST", "analysis/cohorts", {"source_tag": "mine", "label": ...}),
)
DESCRIPTIONS = (
    ("POST", "tags", {"name": "mine", "description": ...}),
    ("POST", "profiles", {"name": "mine", "description": ..., "config": {}}),
    ("POST", "jobs/batch", {"domains": ["a.example"], "description": ...}),
    ("POST", "queue/pause", {"reason": ...}),
)
HIDING = ("\0", "\x1b", "\x7f", "\x85", "\u200b", "\u202e", "\u2066", "\u2028", "\ufeff", "\U000e0041")


@pytest.mark.parametrize("place", [*NAMES, *DESCRIPTIONS], ids=lambda place: f"{place[1]} {[*place[2]][-1]}")
def test_no_stored_text_hides_characters(client: FlaskClient, place: tuple[str, str, dict[str, Any]]) -> None:
    method, path, body = place
    for character in HIDING:
        assert is_answered(client, method, path, filled(body, f"a{character}b")) in {400, 422}, ascii(character)


@pytest.mark.parametrize("place", DESCRIPTIONS[:3], ids=lambda place: place[1])
def test_text_areas_accept_the_line_ends_of_browsers(
    client: FlaskClient, place: tuple[str, str, dict[str, Any]]
) -> None:
    method, path, body = place
    assert is_answered(client, method, path, filled(body, "one\r\ntwo\rthree\n")) < 300
