"""Calls and errors of the JSON-RPC API: envelope, names of methods, types of parameters, limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.zonemaster.methods import METHODS
from tests.api.conftest import MakeApp
from tests.api.web.test_rate_limits import from_elsewhere
from tests.api.zonemaster.calls import DS, PATH, UNKNOWN_ID, answer, call, error, problems
from tests.support.tokens import CONFIGURED, OPERATE, bearer

NAMES = {
    "version_info", "profile_names", "get_language_tags", "get_host_by_name", "get_data_from_parent_zone",
    "start_domain_test", "test_progress", "get_test_params", "get_test_results", "get_test_history", "add_api_user",
    "add_batch_job", "batch_status", "system_versions", "conf_profiles", "conf_languages", "lookup_address_records",
    "lookup_delegation_data", "job_create", "job_status", "job_params", "job_results", "domain_history", "user_create",
    "batch_create",
}  # fmt: skip
SHORT = "Keytag must be a positive integer"
BAD_IP = "Invalid IP address"
OTHER = "Properties not allowed"
DOES_NOT_MATCH = "String does not match"
GOOD = {"domain": "a.b"}
LIMIT = 2**63 - 1
WRONG: list[tuple[str, Any, dict[str, str]]] = [
    ("start_domain_test", {}, {"/domain": "Missing property"}),
    ("start_domain_test", [], {"/": "Expected object - got array."}),
    ("start_domain_test", {"domain": "", "x": 1}, {"/": f"{OTHER}: x.", "/domain": "Domain name required"}),
    ("start_domain_test", {"domain": None}, {"/domain": "Expected string - got null."}),
    ("start_domain_test", GOOD | {"ipv4": "maybe"}, {"/ipv4": "Expected boolean - got string."}),
    ("start_domain_test", GOOD | {"queue": "x"}, {"/queue": "Expected integer - got string."}),
    ("start_domain_test", GOOD | {"priority": 1.5}, {"/priority": "Expected integer - got number."}),
    ("start_domain_test", GOOD | {"language": "EN"}, {"/language": "Invalid language tag format"}),
    ("start_domain_test", GOOD | {"language": "xx"}, {"/language": "Unkown language string"}),
    ("start_domain_test", GOOD | {"client_id": ""}, {"/client_id": f"{DOES_NOT_MATCH} [a-zA-Z0-9+~_.: -]{{1,50}}."}),
    ("start_domain_test", GOOD | {"nameservers": {}}, {"/nameservers": "Expected array - got object."}),
    ("job_create", GOOD | {"nameservers": [{"ns": "a.b", "ip": "1.2.3"}]}, {"/nameservers/0/ip": BAD_IP}),
    ("job_create", GOOD | {"nameservers": [{"ns": "a.b", "ip": "::1%lo"}]}, {"/nameservers/0/ip": BAD_IP}),
    ("job_create", GOOD | {"nameservers": [{"ip": "9.9.9.9"}]}, {"/nameservers/0/ns": "Missing property"}),
    ("start_domain_test", GOOD | {"nameservers": [{"ns": "a.b"}] * 33}, {"/nameservers": "Too many items: 33/32."}),
    ("start_domain_test", GOOD | {"ds_info": [{**DS, "keytag": -1}]}, {"/ds_info/0/keytag": SHORT}),
    ("start_domain_test", GOOD | {"ds_info": [{**DS, "keytag": "x"}]}, {"/ds_info/0/keytag": SHORT}),
    ("start_domain_test", GOOD | {"ds_info": [{**DS, "digest": "ab"}]}, {"/ds_info/0/digest": "Invalid digest format"}),
    ("test_progress", UNKNOWN_ID, {"/": "Expected object - got string."}),
    ("test_progress", {"test_id": "zz"}, {"/test_id": "String does not match [0-9a-f]{16}."}),
    ("job_status", {"test_id": UNKNOWN_ID}, {"/": f"{OTHER}: test_id.", "/job_id": "Missing property"}),
    ("get_test_results", {"id": UNKNOWN_ID}, {"/language": "Missing property"}),
    ("get_test_history", {"frontend_params": {}}, {"/frontend_params/domain": "Missing property"}),
    ("domain_history", {"frontend_params": GOOD}, {"/": f"{OTHER}: frontend_params.", "/params": "Missing property"}),
    ("get_test_history", {"frontend_params": GOOD, "limit": -1}, {"/limit": f"-1 is not between 0 and {LIMIT}."}),
    ("batch_status", {"batch_id": 0}, {"/batch_id": f"0 is not between 1 and {LIMIT}."}),
    ("add_batch_job", {"username": "u", "api_key": "k", "domains": []}, {"/domains": "Not enough items: 0/1."}),
    ("add_batch_job", {"domains": ["a.b"]}, {"/username": "Missing property", "/api_key": "Missing property"}),
]  # fmt: skip


def send(client: FlaskClient, body: Any, **headers: str) -> Any:
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(PATH, data=data, headers={"Content-Type": "application/json", **headers})


def test_every_method_has_both_of_its_names() -> None:
    assert METHODS.keys() == NAMES


def test_the_api_is_off_until_it_is_switched_on(make_app: MakeApp) -> None:
    client = make_app().test_client()
    response = send(client, {"jsonrpc": "2.0", "id": 1, "method": "version_info"})
    assert (response.status_code, response.get_json()["error"]["code"]) == (404, "not_found")


def test_settings_and_versions(client: FlaskClient) -> None:
    versions = call(client, "version_info")
    assert versions.keys() == {"zonemaster_backend", "zonemaster_engine", "zonemaster_ldns"}
    assert all(isinstance(value, str) and value for value in versions.values())
    assert call(client, "system_versions") == versions
    assert call(client, "conf_profiles") == {"profiles": call(client, "profile_names")} == {"profiles": ["default"]}
    languages = call(client, "get_language_tags")
    assert call(client, "conf_languages") == {"languages": languages}
    assert languages == sorted(languages)
    assert {"en", "sv"} <= set(languages)


@pytest.mark.parametrize("number", [1, 0, -1, 1.5, "", "abc", None, 1764547200000])
def test_the_id_comes_back(client: FlaskClient, number: Any) -> None:
    assert answer(client, "version_info", id=number)["id"] == number
    assert answer(client, "version_info", {"x": 1}, id=number)["id"] == number


def test_other_members_are_ignored(client: FlaskClient) -> None:
    assert "result" in answer(client, "version_info", more={"a": []}, jsonrpc="1.0")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b'{"id": 1}x', b"\xff", b'{"id": 1, "method": "\\udc00"}', b"[" * 100_000]
)
def test_what_is_not_json_is_said_to_be_so(client: FlaskClient, body: bytes) -> None:
    response = send(client, body)
    found = response.get_json()
    assert response.status_code == 200
    assert (found["jsonrpc"], found["id"]) == ("2.0", None)
    assert found["error"]["code"] == -32700
    assert found["error"]["message"] == "Invalid JSON was received by the server."
    assert found["error"]["data"]


@pytest.mark.parametrize(
    "body",
    [
        [], [{"jsonrpc": "2.0", "id": 1, "method": "version_info"}], 1, None, {},
        {"jsonrpc": "2.0", "method": "version_info"}, {"id": 1, "method": "version_info"}, {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": 2, "id": 1, "method": "version_info"}, {"jsonrpc": "2.0", "id": [], "method": "version_info"},
        {"jsonrpc": "2.0", "id": True, "method": "version_info"}, {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": "a b"}, {"jsonrpc": "2.0", "id": "x" * 1001, "method": "version_info"},
    ],
    ids=lambda body: repr(body)[:40],
)  # fmt: skip
def test_what_is_not_a_request_is_refused(client: FlaskClient, body: Any) -> None:
    found = send(client, body).get_json()
    assert found["id"] is None
    assert found["error"]["code"] == -32600
    assert found["error"]["message"] == "The JSON sent is not a valid request object."
    assert found["error"]["data"]


@pytest.mark.parametrize("name", ["non_existing_method", "VERSION_INFO", "validate_syntax", ""])
def test_an_unknown_method_is_answered_as_by_zonemaster(client: FlaskClient, name: str) -> None:
    expected = {"error": {"code": -32601, "message": f"Procedure '{name}' not found"}}
    assert answer(client, name) == expected


def test_missing_parameters(client: FlaskClient) -> None:
    assert error(client, "test_progress") == {"code": -32602, "message": "Missing 'params' object"}


@pytest.mark.parametrize(("method", "params", "expected"), WRONG, ids=map(str, range(len(WRONG))))
def test_wrong_parameters_are_named(client: FlaskClient, method: str, params: Any, expected: dict[str, str]) -> None:
    assert problems(client, method, params) == expected


def test_the_message_about_a_name_is_that_of_the_engine(client: FlaskClient) -> None:
    found = problems(client, "start_domain_test", {"domain": "a..b"})
    assert "empty label" in found["/domain"]


def test_only_post_is_allowed(client: FlaskClient) -> None:
    assert client.get(PATH).status_code == 405


def test_calls_are_counted_with_those_of_the_public_api(make_app: MakeApp) -> None:
    client = from_elsewhere(
        make_app(zonemaster_api=True, public_api_rate_limit_max=2, public_api_rate_limit_get_max=3).test_client()
    )
    assert client.post("/pub/api/v1/jobs", json={"domain": "a.example"}).status_code == 201
    assert call(client, "start_domain_test", domain="b.example")
    wrong = error(client, "job_create", {"domain": "c.example"})
    assert (wrong["code"], wrong["data"]["code"]) == (-32603, "rate_limited")
    assert 1 <= wrong["data"]["retry_after"] <= 601
    assert client.post("/pub/api/v1/jobs", json={"domain": "a.example"}).status_code == 429
    for _ in range(3):
        error(client, "test_progress", {"test_id": UNKNOWN_ID})
    assert error(client, "profile_names", {})["data"]["code"] == "rate_limited"
    assert client.get("/pub/api/v1/jobs/AAAAAAAAAAAA").status_code == 429


def test_protected_public_pages_protect_the_api(make_app: MakeApp) -> None:
    client = make_app(zonemaster_api=True, admin_tokens=CONFIGURED, auth_protect_public=True).test_client()
    body = {"jsonrpc": "2.0", "id": 1, "method": "version_info"}
    refused = send(client, body)
    assert refused.status_code == 401
    assert refused.get_json()["error"]["data"]["code"] == "unauthorized"
    assert send(client, body, **bearer(OPERATE)).get_json()["result"]


def test_pages_of_other_origins_are_refused(client: FlaskClient) -> None:
    response = send(client, {"jsonrpc": "2.0", "id": 1, "method": "version_info"}, Origin="https://elsewhere.example")
    assert response.status_code == 403
    assert response.get_json()["error"]["data"]["code"] == "csrf_origin_mismatch"


def test_a_large_body_is_refused(make_app: MakeApp) -> None:
    client = make_app(zonemaster_api=True, max_body_size=1000).test_client()
    response = send(client, {"jsonrpc": "2.0", "id": 1, "method": "version_info", "more": "x" * 1000})
    assert response.status_code == 413
    assert response.get_json()["error"]["data"]["code"] == "body_too_large"
