"""The library agrees with the OpenAPI document of the service: its types, and each of its requests."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from gonemaster_client.calls.description import Call, Pages, Stream
from tests.deploy.files import module
from tests.support.sources import ROOT

RESOURCES = ("batches", "cohorts", "domains", "jobs", "runs", "service", "tags")
EXAMPLES: dict[str, Any] = {"domain": "a", "body": b"{}", "domains": ["a"], "cohort_id": 1, "domain_id": 1}


@pytest.fixture(scope="module")
def openapi(routed_app: Flask) -> Any:
    return routed_app.test_client().get("/api/v1/openapi.json").get_json()


def test_the_types_are_current(openapi: Any) -> None:
    for name, text in module(".ci/client_types.py").modules(openapi).items():
        assert (ROOT / "gonemaster_client" / name).read_text(encoding="utf-8") == text, "run make docs"


def described() -> list[tuple[str, Call[Any]]]:
    """Return an example of each request of the library."""
    found = []
    for name in RESOURCES:
        calls = import_module(f"gonemaster_client.calls.{name}")
        for function in vars(calls).values():
            if not inspect.isfunction(function) or function.__module__ != calls.__name__:
                continue
            needed = [
                each
                for each in inspect.signature(function).parameters.values()
                if each.default is each.empty and each.kind is not each.VAR_KEYWORD
            ]
            values = {each.name: EXAMPLES.get(each.name, each.name) for each in needed}
            call = function(**values)
            if isinstance(call, Pages):
                call = call.first
            elif isinstance(call, Stream):
                call = Call("GET", call.path)
            found.append((f"{name}.{function.__name__}", call))
    return found


@pytest.mark.parametrize(("name", "call"), described(), ids=lambda value: value if isinstance(value, str) else "")
def test_each_request_is_an_operation_of_the_service(name: str, call: Call[Any], openapi: Any) -> None:
    path = f"{'/pub' if call.is_public else ''}/api/v1{call.path}"
    patterns = {re.sub(r"\{[^}]+\}", "[^/]+", template): item for template, item in openapi["paths"].items()}
    matching = [
        item for pattern, item in patterns.items() if re.fullmatch(pattern, path) and call.method.lower() in item
    ]
    assert matching, f"{name}: no {call.method} {path}"
    operation = matching[0][call.method.lower()]
    known = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    assert set(call.query) <= known
    assert (call.body is not None) <= ("requestBody" in operation)


def test_the_package_has_its_types() -> None:
    assert Path(ROOT, "gonemaster_client/py.typed").exists()
