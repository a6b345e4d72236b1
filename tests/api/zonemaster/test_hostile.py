"""Hostile calls: the response is always one of JSON-RPC, quickly, and never an internal error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonemaster_api.zonemaster.methods import METHODS
from gonemaster_db.core.settings import StoreSettings
from tests.api.zonemaster.calls import DS, PATH, UNKNOWN_ID, call
from tests.support.examples import examples
from tests.support.stores import MakeSettings

FUZZ: dict[str, Any] = {
    "derandomize": False,
    "print_blob": True,
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
CODES = {-32700, -32600, -32601, -32602, -32603}
LOOKUPS = {"get_host_by_name", "lookup_address_records", "get_data_from_parent_zone", "lookup_delegation_data"}
OFFLINE = sorted(METHODS.keys() - LOOKUPS)  # the others send queries
HUGE = 10**30
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-HUGE, HUGE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(
        ["a.example", "default", "en", "all", UNKNOWN_ID, ".", "\x00", "\u202e", "1e999", "true", "9" * 40]
    ),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)
KNOWN = sorted({"ns", "ip", "keytag", *(name for method in METHODS.values() for name in method.params)})
PARAMS = st.dictionaries(st.sampled_from(KNOWN) | st.text(max_size=8), VALUES, max_size=6)
SERVER = {"ns": "ns.example", "ip": "9.9.9.9"}
BATCH = {"username": "u", "api_key": "k", "domains": ["a.example", "b.example"], "test_params": {"ipv4": True}}
GOOD: dict[str, Any] = {
    "start_domain_test": {"domain": "a.example", "nameservers": [SERVER], "ds_info": [DS]},
    "get_test_results": {"id": UNKNOWN_ID, "language": "en"},
    "get_test_history": {"frontend_params": {"domain": "a.example"}, "limit": 5, "offset": 0, "filter": "all"},
    "add_batch_job": BATCH,
    "batch_status": {"batch_id": 5, "list_waiting_tests": True},
}


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    return make_store_settings("sqlite")


def send(client: FlaskClient, body: bytes) -> dict[str, Any]:
    """Send a body; check that the response is one of JSON-RPC."""
    response = client.post(PATH, data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 200, response.get_data(as_text=True)[:500]
    found: dict[str, Any] = json.loads(response.get_data(), parse_constant=lambda word: pytest.fail(word))
    assert found.keys() in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"}, {"error"})
    if "error" in found:
        assert found["error"]["code"] in CODES
        assert found["error"]["message"]
        data = found["error"].get("data")
        assert not isinstance(data, dict) or data.get("code") not in {"internal_error", "store_error"}, (body, found)
    return found


@settings(max_examples=examples(30, 150), **FUZZ)
@given(VALUES)
def test_any_json_is_answered(client: FlaskClient, body: Any) -> None:
    assert send(client, json.dumps(body).encode())["error"]["code"] in {-32600, -32700}


@settings(max_examples=examples(25, 100), **FUZZ)
@given(st.binary(max_size=200))
def test_any_bytes_are_answered(client: FlaskClient, body: bytes) -> None:
    assert send(client, body)["error"]["code"] in {-32600, -32700}


@settings(max_examples=examples(80, 400), **FUZZ)
@given(st.sampled_from(OFFLINE), PARAMS | VALUES)
def test_any_parameters_are_answered(client: FlaskClient, method: str, params: Any) -> None:
    send(client, body_of(method, params))


@settings(max_examples=examples(60, 300), **FUZZ)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_one_wrong_value_in_a_good_call(client: FlaskClient, method: str, data: st.DataObject) -> None:
    params = json.loads(json.dumps(GOOD[method]))
    node, value = params, data.draw(VALUES)
    while True:
        keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if not node[key] or not isinstance(node[key], dict | list) or data.draw(st.booleans()):
            node[key] = value
            break
        node = node[key]
    send(client, body_of(method, params))


DEEP = 100_000
BEGIN = b'{"jsonrpc": "2.0", "id": 1, "method": "version_info", "params": '


def body_of(method: str, params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


GIANTS = {
    "deep list": BEGIN + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep object": BEGIN + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "long number": b'{"jsonrpc": "2.0", "id": ' + b"9" * 100_000 + b', "method": "version_info"}',
    "infinite id": b'{"jsonrpc": "2.0", "id": 1e999, "method": "version_info"}',
    "long method": b'{"jsonrpc": "2.0", "id": 1, "method": "' + b"a" * 900_000 + b'"}',
    "many parameters": body_of("version_info", {f"p{number}": number for number in range(50_000)}),
    "many servers": body_of("start_domain_test", {"domain": "a.b", "nameservers": [{}] * 90_000}),
    "many names without a user": body_of("add_batch_job", {**BATCH, "domains": [0] * 90_000}),
    "duplicate members": b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "version_info"}',
}


@pytest.mark.parametrize("name", GIANTS)
def test_giants_are_refused(client: FlaskClient, name: str) -> None:
    found = send(client, GIANTS[name])
    if name != "duplicate members":
        assert "error" in found
    assert len(json.dumps(found)) < 20_000


def test_a_batch_of_wrong_names_names_only_some(client: FlaskClient) -> None:
    call(client, "add_api_user", username="u", api_key="k")
    found = send(client, body_of("add_batch_job", {**BATCH, "domains": ["a..b"] * 60_000}))
    assert len(found["error"]["data"]) == 100


def test_texts_of_clients_come_back_as_data(client: FlaskClient) -> None:
    script = "<script>alert(1)</script>"
    found = send(
        client, json.dumps({"jsonrpc": "2.0", "id": script, "method": "profile_names", "params": {script: 1}}).encode()
    )
    assert found["id"] == script
    assert found["error"]["code"] == -32602
