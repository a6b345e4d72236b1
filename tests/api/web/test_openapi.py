"""The API document is valid and complete; its page loads nothing from other hosts."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from gonemaster_api.rest.openapi import METHODS, operations
from gonemaster_db.core.settings import StoreSettings
from tests.api.conftest import MakeApp
from tests.support.stores import MakeSettings

OUTSIDE = {"/api/v1", "/api/v1/", "/api/v1/openapi.json", "/api/v1/docs", "/api/v1/docs/assets/<name>"}


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the queries do not differ here."""
    return make_store_settings("sqlite")


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return found


def test_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_route_of_the_api_is_in_the_document(make_app: MakeApp, document: dict[str, Any]) -> None:
    app: Flask = make_app()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") and rule.rule not in OUTSIDE:
            path = re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert method.lower() in METHODS
                assert method.lower() in document["paths"][path], f"{method} {path}"


def test_every_operation_says_what_it_does_and_answers(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation.get("summary"), f"{method} {path}"
        assert any(status.startswith("2") for status in operation["responses"]), f"{method} {path}"
        assert {"400", "500", "503"} <= set(operation["responses"]), f"{method} {path}"
        assert "default" not in operation["responses"], f"{method} {path}"


def test_every_operation_has_a_unique_name(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names) > 40


def test_refusals_have_the_error_document(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status >= "4" and (path, status) != ("/api/v1/readyz", "503"):
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Error"}, f"{method} {path} {status}"


def test_what_sends_a_body_says_how_it_may_be_refused_and_gives_an_example(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if "requestBody" in operation:
            for body in operation["requestBody"]["content"].values():  # JSON, or JSON lines
                root = {**body["schema"], "components": document["components"]}
                assert not list(OAS30Validator(root).iter_errors(body["example"])), f"{method} {path}"
            assert {"400", "403", "413", "415"} <= set(operation["responses"]), f"{method} {path}"


def test_numbers_in_queries_have_ranges(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            if schema.get("type") == "integer":
                assert "minimum" in schema, f"{method} {path} {parameter['name']}"


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/jobs/batch"])
def test_submissions_take_an_idempotency_key(document: dict[str, Any], path: str) -> None:
    operation = document["paths"][path]["post"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["Idempotency-Key"]
    (accepted,) = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    assert "Idempotency-Replayed" in accepted["headers"]


def untyped(schema: Any, where: str) -> Iterator[str]:
    """Yield the positions in a schema that allow any value."""
    if not isinstance(schema, dict) or not schema.keys() & {"type", "$ref", "enum", "allOf", "anyOf", "oneOf"}:
        yield where
        return
    for combined in ("allOf", "anyOf", "oneOf"):
        for number, part in enumerate(schema.get(combined, ())):
            yield from untyped(part, f"{where}/{combined}/{number}")
    for name, part in schema.get("properties", {}).items():
        yield from untyped(part, f"{where}/{name}")
    if schema.get("type") == "array":
        yield from untyped(schema.get("items"), f"{where}/items")
    more = schema.get("additionalProperties")
    if isinstance(more, dict) and more:
        yield from untyped(more, f"{where}/*")


def test_every_field_has_a_type(document: dict[str, Any]) -> None:
    """A client generator turns a field without a type into `any`."""
    parts = document["components"]
    found = [place for name, schema in parts["schemas"].items() for place in untyped(schema, name)]
    found += [place for name, header in parts["headers"].items() for place in untyped(header["schema"], name)]
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        for parameter in operation.get("parameters", ()):
            found += untyped(parameter["schema"], f"{where} {parameter['name']}")
        bodies = {"body": operation.get("requestBody", {}), **operation["responses"]}
        for name, body in bodies.items():
            for kind, media in body.get("content", {}).items():
                found += untyped(media.get("schema"), f"{where} {name} {kind}")
            for header, about in body.get("headers", {}).items():
                found += untyped(about if "$ref" in about else about.get("schema"), f"{where} {name} {header}")
    assert found == []


def properties(part: Any, where: str = "") -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield place, name and schema of each property in a part of the document."""
    if isinstance(part, list):
        for number, item in enumerate(part):
            yield from properties(item, f"{where}/{number}")
    if not isinstance(part, dict):
        return
    for key, item in part.items():
        if key == "properties" and all(isinstance(schema, dict) for schema in item.values()):
            yield from ((f"{where}/{name}", name, schema) for name, schema in item.items())
        if key not in ("example", "examples"):
            yield from properties(item, f"{where}/{key}")


def test_levels_and_statuses_list_their_values_and_null_belongs_to_them(document: dict[str, Any]) -> None:
    found = [
        (where, schema)
        for where, name, schema in properties(document)
        if schema.get("type") == "string" and re.fullmatch(r"(.*_)?(level|status|floor)", name)
    ]
    assert len(found) > 40
    assert [where for where, schema in found if not schema.get("enum")] == []


def test_a_list_of_values_has_null_if_the_field_may_be_null(document: dict[str, Any]) -> None:
    lists = [(where, schema) for where, _, schema in properties(document) if "enum" in schema]
    wrong = [where for where, schema in lists if bool(schema.get("nullable")) != (None in schema["enum"])]
    assert wrong == []


def test_headers_of_answers_are_documented(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            assert "X-Request-Id" in answer["headers"], f"{method} {path} {status}"
            assert ("Retry-After" in answer["headers"]) == (status in {"429", "503"}), f"{method} {path} {status}"


def test_page_takes_everything_from_this_server(client: FlaskClient) -> None:
    page = client.get("/api/v1/docs").get_data(as_text=True)
    addresses = re.findall(r'(?:src|href|data-document)="([^"]+)"', page)
    assert "/api/v1/openapi.json" in addresses
    for address in addresses:
        assert address.startswith(("/", "#")), address
        if address.startswith("/"):
            with client.get(address) as answer:
                assert answer.status_code == 200, address
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)


def test_only_files_of_the_page_are_served(client: FlaskClient) -> None:
    for name in ("index.html", "..%2f__init__.py", "swagger-ui.js.map", "x"):
        assert client.get(f"/api/v1/docs/assets/{name}").status_code == 404


def test_root_of_the_api_leads_to_the_page(client: FlaskClient) -> None:
    first = client.get("/api/v1")
    assert (first.status_code, first.headers["Location"]) == (301, "/api/v1/")
    assert client.get("/api/v1/", follow_redirects=True).request.path == "/api/v1/docs"
