"""The document of the API is valid, complete and served with a page that needs nobody else."""

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from gonemaster_db.settings import StoreSettings
from tests.api.conftest import MakeApp
from tests.support.stores import MakeSettings

METHODS = {"get", "post", "put", "patch", "delete"}
OUTSIDE = {"/api/v1", "/api/v1/", "/api/v1/openapi.json", "/api/v1/docs", "/api/v1/docs/assets/<name>"}


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database is enough: no query differs here."""
    return make_store_settings("sqlite")


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_route_of_the_api_is_in_the_document(make_app: MakeApp, document: dict[str, Any]) -> None:
    app: Flask = make_app()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") and rule.rule not in OUTSIDE:
            path = re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                assert method.lower() in document["paths"][path], f"{method} {path}"


def test_every_operation_says_what_it_does_and_answers(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation.get("summary"), f"{method} {path}"
        assert any(status.startswith("2") for status in operation["responses"]), f"{method} {path}"


def test_refusals_have_the_error_document(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status.startswith("4") and "content" in answer:
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Error"}, f"{method} {path} {status}"


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
