"""Calls of the JSON-RPC API in tests."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from gonemaster_db.core.ids import public_id_of_test
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.jobs import find_by_public_id

PATH = "/zonemaster/api"
DIGEST = "ab" * 32
DS = {"keytag": 12345, "algorithm": 13, "digtype": 2, "digest": DIGEST}
UNKNOWN_ID = "0123456789abcdef"


def answer(client: FlaskClient, method: str, params: Any = None, **more: Any) -> dict[str, Any]:
    """Return the whole response object of a call, whose status must be 200."""
    body = {"jsonrpc": "2.0", "id": 7, "method": method} | ({} if params is None else {"params": params}) | more
    response = client.post(PATH, json=body)
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.mimetype == "application/json"
    found: dict[str, Any] = response.get_json()
    return found


def call(client: FlaskClient, method: str, **params: Any) -> Any:
    """Return the result of a call that must succeed."""
    found = answer(client, method, params)
    assert found.keys() == {"jsonrpc", "id", "result"}, found
    assert (found["jsonrpc"], found["id"]) == ("2.0", 7)
    return found["result"]


def error(client: FlaskClient, method: str, params: Any = None) -> dict[str, Any]:
    """Return the error of a call."""
    found = answer(client, method, params)
    assert found.keys() == {"jsonrpc", "id", "error"}, found
    wrong: dict[str, Any] = found["error"]
    assert type(wrong["code"]) is int
    return wrong


def problems(client: FlaskClient, method: str, params: Any) -> dict[str, str]:
    """Return the messages about parameters by path."""
    wrong = error(client, method, params)
    assert (wrong["code"], wrong["message"]) == (-32602, "Invalid method parameter(s)."), wrong
    return {item["path"]: item["message"] for item in wrong["data"]}


def stored(store: Store, test_id: str) -> Job | Run:
    with store.read_only() as session:
        return find_by_public_id(session, public_id_of_test(test_id))
