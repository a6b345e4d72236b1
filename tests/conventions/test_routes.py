"""Each route has an access rule; each error code and each list filter is documented and exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gonemaster_api.rest.openapi import operations
from gonemaster_api.web.access import ACCESS, Access, access_of
from gonemaster_api.web.rate_limits import BUCKETS, bucket_of
from gonemaster_tasks.config.areas.server import TAKEN_PATHS

ROOT = Path(__file__).parent.parent.parent
PAGE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs/reference").glob("http-api*.md")))
DOCUMENTED = set(re.findall(r"`([a-z_]+)`", PAGE))
PAGING = {"limit", "offset", "cursor", "page", "page_size", "sort"}
# The position of the code among the arguments of functions that refuse.
CODE_POSITION = {"ApiError": 1, "BadRequest": 0, "Conflict": 0, "Unavailable": 0, "refusal": 0}
OPEN_WITHOUT_A_TOKEN = {
    "static", "docs.asset", "system.Health", "system.Readiness",
    "session.Whoami", "session.Session", "login.page", "login.enter", "login.leave", "shell.show", "shell.choose",
    "ui_help.show", "ui_help.tag", "ui_help.case", "ui_help.cause",
    "ui_public_crawlers.robots", "ui_public_shared.show", "ui_public_shared.as_json",
}  # fmt: skip


@pytest.fixture(scope="module")
def document(routed_app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = routed_app.test_client().get("/api/v1/openapi.json").get_json()
    return found


def endpoints(routed_app: Flask) -> set[str]:
    return {rule.endpoint for rule in routed_app.url_map.iter_rules()}


def test_every_route_has_an_access_rule(routed_app: Flask) -> None:
    lacking = [
        endpoint for endpoint in endpoints(routed_app) if not {endpoint, endpoint.rpartition(".")[0]} & ACCESS.keys()
    ]
    assert lacking == [], "add them to gonemaster_api/web/access.py"


def test_the_path_of_the_public_pages_cannot_be_that_of_others(routed_app: Flask) -> None:
    others = [rule.rule for rule in routed_app.url_map.iter_rules() if not rule.endpoint.startswith("ui_public")]
    assert {path.split("/")[1] for path in others} - {""} == TAKEN_PATHS


def test_every_access_rule_has_a_route(routed_app: Flask) -> None:
    known = endpoints(routed_app)
    assert ACCESS.keys() <= known | {endpoint.rpartition(".")[0] for endpoint in known}


def test_every_rate_limit_has_a_route_and_is_shown(routed_app: Flask, document: dict[str, Any]) -> None:
    assert BUCKETS.keys() <= endpoints(routed_app)
    shown = {
        f"{method} {path}"
        for path, method, operation in operations(document)
        if path.startswith("/pub/") and "429" in operation["responses"]
    }
    bound = {
        f"{method.lower()} {rule.rule.replace('<', '{').replace('>', '}')}"
        for rule in routed_app.url_map.iter_rules()
        for method in rule.methods or ()
        if method in ("GET", "POST")
        and rule.rule.startswith("/pub/")  # the document does not contain pages
        and "_short" not in rule.endpoint
        and bucket_of(rule.endpoint, method)
    }
    assert shown == bound


def test_every_method_of_a_route_has_a_scope(routed_app: Flask) -> None:
    """Protected or not, `scope` raises if a rule has no scope for a method."""
    for rule in routed_app.url_map.iter_rules():
        for method in rule.methods or ():
            needed = access_of(rule.endpoint).scope(method, protect_public=True)
            assert (needed is None) == (rule.endpoint in OPEN_WITHOUT_A_TOKEN), (rule.endpoint, method)


def test_the_document_shows_the_scope_of_each_operation(document: dict[str, Any]) -> None:
    shown = {f"{method} {path}": operation.get("x-scope") for path, method, operation in operations(document)}
    assert shown["get /api/v1/jobs"] == "read"
    assert shown["post /api/v1/jobs"] == "operate"
    assert shown["put /api/v1/settings"] == "admin"
    free = {name for name, scope in shown.items() if scope is None and "/pub/" not in name}
    assert free == {f"get /api/v1/{name}" for name in ("healthz", "readyz", "whoami")} | {
        f"{method} /api/v1/session" for method in ("post", "delete")
    }


def test_only_probes_logins_and_static_files_are_open_to_anyone(routed_app: Flask) -> None:
    assert {
        endpoint for endpoint in endpoints(routed_app) if access_of(endpoint) is Access.ANYONE
    } == OPEN_WITHOUT_A_TOKEN


def test_a_route_without_a_rule_is_an_error() -> None:
    with pytest.raises(KeyError):
        access_of("unheard_of.View")


def codes_in_source() -> Iterator[tuple[str, str]]:
    """Yield each code that the API's source has as a constant, with the file."""
    for path in sorted((ROOT / "gonemaster_api").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for code in codes_of(node):
                yield code, path.name


def codes_of(node: ast.AST) -> Iterator[str]:
    """Yield the codes of a call that refuses, or of a table that maps fields or statuses to codes."""
    if isinstance(node, ast.Call):
        position = CODE_POSITION.get(getattr(node.func, "id", ""))
        codes = node.args[position : position + 1] if position is not None else []
        codes += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        yield from (arg.value for arg in codes if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
    elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if getattr(target, "id", "") in {"error_codes", "missing_codes", "_HTTP_CODES", "_CODES"}:
            words = [leaf.value for leaf in ast.walk(node.value) if isinstance(leaf, ast.Constant)]
            yield from (word for word in words if isinstance(word, str) and re.fullmatch("[a-z]+(_[a-z]+)+", word))


def test_every_error_code_is_documented() -> None:
    found = list(codes_in_source())
    assert len({code for code, _ in found}) > 40  # otherwise the search above is broken
    fields = {
        "source_type",
        "snapshot_intent",
        "job_ids",
        "profile_id",
        "ds_info",
    }  # names of fields next to their codes
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
