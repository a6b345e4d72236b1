"""All error responses have the same format, independent of the layer that rejects the request."""

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.wrappers import Response

from gonemaster_api.errors import ApiError
from gonemaster_api.web.access import ACCESS, Access
from gonemaster_db.core.settings import StoreSettings
from tests.api.conftest import MakeApp
from tests.support.stores import MakeSettings


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """One database kind is enough: the queries do not differ here."""
    return make_store_settings("sqlite")


def error_of(response: Response) -> dict[str, Any]:
    """Check the format of a response and return its error."""
    document: dict[str, dict[str, Any]] = response.get_json()
    if "jsonrpc" in document:  # Zonemaster's API: the same code, in the data of the error
        assert set(document) == {"jsonrpc", "id", "error"}
        return {"code": document["error"]["data"]["code"], "message": document["error"]["message"]}
    assert set(document) == {"error"}
    assert {"code", "message"} <= set(document["error"]) <= {"code", "message", "details"}
    assert document["error"]["message"]
    return document["error"]


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nowhere", "/pub/api/v1/nowhere", "/api/v1/jobs/no/such"])
def test_unknown_address(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"domain": 5}, "domain: must be a string"),
        ({"domain": None}, "domain: must not be null"),
        ({}, "domain is missing"),
        ({"domain": "a.example", "tags": 5}, "tags: must be a list"),
        ({"domain": "a.example", "tags": ["a", 5]}, "tags: 1: must be a string"),
        ({"domain": "a.example", "profile_overrides": 5}, "profile_overrides: must be an object"),
        ({"domain": "a.example", "ds_info": [{"keytag": 1}]}, "ds_info: 0: algorithm: is required"),
        ({"domain": "a.example", "ds_info": [5]}, "ds_info: 0: must be an object"),
    ],
)
def test_value_of_another_type_is_refused_with_the_expected_type(
    client: FlaskClient, body: dict[str, Any], message: str
) -> None:
    assert error_of(client.post("/api/v1/jobs", json=body))["message"] == message


@pytest.mark.parametrize("digits", ["3000000000", "9" * 30, "9" * 4000, "-" + "9" * 30])
def test_number_that_is_too_large_is_refused_with_its_range(client: FlaskClient, digits: str) -> None:
    message = error_of(client.get(f"/api/v1/jobs?offset={digits}"))["message"]
    assert message == "offset: must be from 0 to 2147483647"


def test_a_name_of_any_length_makes_no_long_message(client: FlaskClient) -> None:
    error = error_of(client.post("/api/v1/jobs", json={"domain": "a" * 100_000}))
    assert (error["code"], len(error["details"]["domain"])) == ("invalid_domain", 255)
    assert len(error["message"]) < 400


def test_method_that_an_address_does_not_take(client: FlaskClient) -> None:
    response = client.delete("/api/v1/healthz")
    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("path", ["/api/v1/jobs/batch", "/api/v1/jobs/purge"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_address_next_to_those_of_jobs_is_no_job(client: FlaskClient, path: str, method: str) -> None:
    response = client.open(path, method=method)
    assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
    assert "GET" not in response.headers["Allow"]
    assert "POST" in response.headers["Allow"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"domain=example.com", "not JSON"),
        (b'{"domain": "\xff"}', "not UTF-8"),
        (b'{"domain": NaN}', "NaN"),
        (b'["example.com"]', "JSON object"),
        (b'"example.com"', "JSON object"),
        (b"null", "JSON object"),
        (b"[" * 100_000, "nested"),
        (b'{"profile_overrides": ' + b'{"a":' * 150 + b"1" + b"}" * 150 + b', "domain": "a.example"}', "nested"),
        (b'{"domain": "a\\u0000.example"}', "NUL"),
        (b'{"domain": "a\\ud800.example"}', "surrogate"),
        (b'{"profile_id": ' + b"9" * 5000 + b', "domain": "a.example"}', "not JSON"),
    ],
)
def test_body_that_is_no_json_object(client: FlaskClient, body: bytes, reason: str) -> None:
    response = client.post("/api/v1/jobs", data=body, content_type="application/json")
    error = error_of(response)
    assert (response.status_code, error["code"]) == (400, "invalid_json")
    assert reason in error["message"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_body_of_another_type(client: FlaskClient, content_type: str) -> None:
    response = client.post("/api/v1/jobs", data=b'{"domain": "a.example"}', headers={"Content-Type": content_type})
    assert (response.status_code, error_of(response)["code"]) == (415, "unsupported_media_type")


def test_body_over_the_limit_is_refused_by_its_announced_length(make_app: MakeApp) -> None:
    client = make_app(max_body_size=1000).test_client()
    response = client.post("/api/v1/jobs", json={"domain": "a" * 1000})
    error = error_of(response)
    assert (response.status_code, error["code"]) == (413, "body_too_large")
    assert error["details"] == {"limit": 1000}


def test_body_over_the_limit_is_refused_without_a_length(make_app: MakeApp) -> None:
    client = make_app(max_body_size=1000).test_client()
    response = client.post(
        "/api/v1/jobs",
        input_stream=BytesIO(b"[" * 1001),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )
    assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large"), response.data


@pytest.mark.parametrize("path", ["reorder", "remove", "move"])
def test_order_of_a_long_queue_takes_a_larger_body_than_the_rest(make_app: MakeApp, path: str) -> None:
    client = make_app(max_body_size=100).test_client()
    response = client.post(f"/api/v1/queue/{path}", json={"job_ids": ["job_0123456789"] * 50})
    assert response.status_code != 413, response.data


def test_an_order_that_is_too_large_names_the_other_way(make_app: MakeApp) -> None:
    client = make_app(max_batch_body_size=100).test_client()
    error = error_of(client.post("/api/v1/queue/reorder", json={"job_ids": ["job_0123456789"] * 50}))
    assert error["code"] == "body_too_large"
    assert "/api/v1/queue/move" in error["message"]


def test_batch_takes_a_larger_body_than_the_rest(make_app: MakeApp) -> None:
    client = make_app(max_body_size=100).test_client()
    response = client.post("/api/v1/jobs/batch", json={"domains": [f"d{number}.example" for number in range(50)]})
    assert response.status_code == 202


def test_unknown_field_is_named_with_those_that_are_allowed(client: FlaskClient) -> None:
    error = error_of(client.post("/api/v1/jobs", json={"domain": "a.example", "domian": "b.example"}))
    assert error["code"] == "unknown_field"
    assert error["details"]["fields"] == ["domian"]
    assert "domain" in error["message"]


def test_nul_in_the_address(client: FlaskClient) -> None:
    for path in ("/api/v1/jobs/%00", "/api/v1/locales?x=%00"):
        response = client.get(path)
        assert (response.status_code, error_of(response)["code"]) == (400, "invalid_query")


@pytest.mark.expects_500
def test_internal_error_reveals_no_secrets(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(fresh=True)
    monkeypatch.setitem(ACCESS, "broken", Access.ANYONE)

    @app.get("/api/v1/broken")
    def broken() -> str:
        raise RuntimeError("the password is swordfish")

    response = app.test_client().get("/api/v1/broken")
    assert (response.status_code, error_of(response)["code"]) == (500, "internal_error")
    assert b"swordfish" not in response.data


def test_details_and_headers_of_a_refusal_reach_the_caller(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(fresh=True)
    monkeypatch.setitem(ACCESS, "refused", Access.ANYONE)

    @app.get("/api/v1/refused")
    def refused() -> str:
        raise ApiError(409, "no", "not now", details={"why": 1}, headers={"Retry-After": "7"})

    response = app.test_client().get("/api/v1/refused")
    assert error_of(response) == {"code": "no", "message": "not now", "details": {"why": 1}}
    assert response.headers["Retry-After"] == "7"
