"""The benchmark of the store requests every list of the contract with every filter and sort, without errors."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from benchmarks.lists import Probe, pairs_of_filters, probes
from benchmarks.seed import Size, seed
from gonemaster_api.rest.openapi import operations
from gonemaster_db.core.session import Store

SIZE = Size(100)
PAGING = {"limit", "offset", "cursor", "page", "page_size", "after", "format"}
# Part of the URL, and which of two documents is exported.
FIXED = {("/batches/{id}", "batch_id"), ("/batches/{id}/export", "content")}
COMPARISON = "/batches/{id}/diff/{id}"  # not a list of rows; its time is in benchmarks/RESULTS.md
KINDS = {"jobs", "batches", "domains", "runs", "entries", "tags"}  # the queue has a separate benchmark
ALL_OF = {"sort", "status", "severity", "level", "min_level"}  # filters with few values: each value is requested


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return found


def asked() -> dict[str, dict[str, set[str]]]:
    """Return the values of the probes by group, then by parameter."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for probe in probes(SIZE):
        for name, value in probe.query.items():
            found[probe.group][name].add(value)
    return found


def lists(document: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Return paths below the version's path, and query parameters, of all endpoints that answer with a page."""
    for path, method, operation in operations(document):
        parameters = [one for one in operation.get("parameters", []) if one.get("in") == "query"]
        shown = re.sub(r"\{\w*?(id|name)\}", r"{\1}", path.removeprefix("/api/v1"))
        is_list = method == "get" and "limit" in {one["name"] for one in parameters}
        if is_list and shown.split("/")[1] in KINDS and shown != COMPARISON:
            yield shown, parameters


def test_every_list_is_measured_with_every_filter_and_sort(document: dict[str, Any]) -> None:
    measured = asked()
    seen = set()
    for path, parameters in lists(document):
        seen.add(path)
        for one in parameters:
            if one["name"] in PAGING or (path, one["name"]) in FIXED:
                continue
            values = measured[path][one["name"]]
            assert values, f"{path} is not measured by {one['name']}"
            if one["name"] in ALL_OF:
                assert set(one["schema"].get("enum", ())) <= values, f"{path} by {one['name']}"
    assert {"/jobs", "/batches", "/batches/{id}", "/runs", "/domains", "/entries", "/tags"} <= seen


def test_every_measured_list_answers(client: FlaskClient, store: Store) -> None:
    seed(store, SIZE)
    for probe in _sample([*probes(SIZE), *pairs_of_filters(SIZE)]):
        answer = client.get(probe.url)
        assert answer.status_code in (200, 409), (probe.url, answer.text)


def _sample(chosen: list[Probe]) -> list[Probe]:
    """Return about a hundred, of all lists; 37 shares no divisor with the number of sorts."""
    return chosen[::37]
