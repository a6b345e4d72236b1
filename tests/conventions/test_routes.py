"""Each route has an access rule; each error code and each filter of a list is documented, and exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gonemaster_api.app import create_app
from gonemaster_api.rest.openapi import operations
from gonemaster_api.web.access import ACCESS, Access, access_of
from gonemaster_tasks.config.loader import load_settings

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/reference/http-api.md").read_text(encoding="utf-8")
DOCUMENTED = set(re.findall(r"`([a-z_]+)`", PAGE))
PAGING = {"limit", "offset", "cursor", "page", "page_size", "sort"}
# Where a code stands among the arguments of what refuses.
CODE_POSITION = {"ApiError": 1, "BadRequest": 0, "Conflict": 0, "Unavailable": 0, "refusal": 0}
OPEN_WITHOUT_A_TOKEN = {"static", "docs.asset", "system.Health", "system.Readiness"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application whose routes are read; neither database nor broker answers."""
    data_dir = tmp_path_factory.mktemp("data")
    made = create_app(load_settings({"broker_url": "redis://127.0.0.1:1/0", "data_dir": str(data_dir)}, {}))
    yield made
    parts = made.extensions["gonemaster"].queue
    parts.broker.close()
    parts.celery.close()
    parts.store.close()


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/api/v1/openapi.json").get_json()
    return found


def endpoints(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules()}


def test_every_route_has_an_access_rule(app: Flask) -> None:
    lacking = [endpoint for endpoint in endpoints(app) if not {endpoint, endpoint.rpartition(".")[0]} & ACCESS.keys()]
    assert lacking == [], "add them to gonemaster_api/web/access.py"


def test_every_access_rule_has_a_route(app: Flask) -> None:
    known = endpoints(app)
    assert ACCESS.keys() <= known | {endpoint.rpartition(".")[0] for endpoint in known}


def test_only_probes_and_static_files_are_open_to_anyone(app: Flask) -> None:
    assert {endpoint for endpoint in endpoints(app) if access_of(endpoint) is Access.ANYONE} == OPEN_WITHOUT_A_TOKEN


def test_a_route_without_a_rule_is_an_error() -> None:
    with pytest.raises(KeyError):
        access_of("unheard_of.View")


def codes_in_source() -> Iterator[tuple[str, str]]:
    """Yield each code that the API's source gives as a constant, with the file."""
    for path in sorted((ROOT / "gonemaster_api").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for code in codes_of(node):
                yield code, path.name


def codes_of(node: ast.AST) -> Iterator[str]:
    """Yield the codes of a call that refuses, or of a table that gives codes to fields or statuses."""
    if isinstance(node, ast.Call):
        position = CODE_POSITION.get(getattr(node.func, "id", ""))
        given = node.args[position : position + 1] if position is not None else []
        given += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        yield from (arg.value for arg in given if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if getattr(target, "id", "") in {"error_codes", "missing_codes", "_HTTP_CODES", "_CODES"}:
            words = [leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant)]
            yield from (word for word in words if isinstance(word, str) and re.fullmatch("[a-z]+(_[a-z]+)+", word))


def test_every_error_code_is_documented() -> None:
    found = list(codes_in_source())
    assert len({code for code, _ in found}) > 40  # else the search above is broken
    fields = {
        "source_type",
        "snapshot_intent",
        "job_ids",
        "profile_id",
        "ds_info",
    }  # names of fields beside their codes
    assert sorted({pair for pair in found if pair[0] not in DOCUMENTED | fields}) == []


def test_every_code_that_an_operation_names_is_documented_or_that_of_a_field(document: dict[str, Any]) -> None:
    named: set[tuple[str, str]] = set()
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "4":
                codes = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", answer["description"]))
                named |= {(code, f"{method} {path}") for code in codes}
    assert len(named) > 100
    generic = re.compile("(missing|invalid)_[a-z_]+")
    assert sorted(pair for pair in named if pair[0] not in DOCUMENTED and not generic.fullmatch(pair[0])) == []


def documented_lists() -> dict[str, set[str]]:
    """Read the table of lists: the filters of each path."""
    section = PAGE.partition("## Lists\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `GET (/\S+)` \|(.*)\|", section, re.MULTILINE)
    return {path: set(re.findall(r"`(\w+)`", re.sub(r"\(.*?\)", "", filters))) for path, filters in rows}


def test_lists_have_the_documented_filters_and_no_others(document: dict[str, Any]) -> None:
    having = {}
    for path, method, operation in operations(document):
        query = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "query"}
        if method == "get" and "limit" in query:
            having[path.removeprefix("/api/v1")] = query - PAGING
    assert documented_lists() == having
