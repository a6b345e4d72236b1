"""Errors of JSON-RPC 2.0: code, message and data.

Zonemaster sends some codes as strings. Here all codes are numbers, as JSON-RPC requires; known clients accept them.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import Response

from gonemaster_engine.texts import Text

INVALID_JSON = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
MESSAGES = {
    INVALID_JSON: "Invalid JSON was received by the server.",
    INVALID_REQUEST: "The JSON sent is not a valid request object.",
}
_MAX_PROBLEMS = 100


class WrongParameter(NamedTuple):
    """What is wrong with a parameter; `path` is a JSON pointer into the parameters."""

    path: str
    message: str


class RpcError(Exception):
    """A call that cannot be answered."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data

    def as_dict(self) -> dict[str, Any]:
        """Return the error as a document."""
        document = {"code": self.code, "message": self.message}
        return document if self.data is None else document | {"data": self.data}


class InvalidParams(RpcError):
    """Parameters with the wrong type or value; clients show each message next to the field of its path."""

    def __init__(self, problems: Iterable[WrongParameter]) -> None:
        self.problems = list(problems)
        data = [{"path": path or "/", "message": message} for path, message in self.problems[:_MAX_PROBLEMS]]
        super().__init__(INVALID_PARAMS, Text("Invalid method parameter(s)."), data)


def refused(message: str, **data: Any) -> RpcError:
    """Return the error of a call with valid parameters."""
    return RpcError(INTERNAL, message, data or None)


def error_of_response(response: Response) -> RpcError:
    """Convert an error response of the REST API; its code becomes data."""
    error = (response.get_json(silent=True) or {}).get("error") or {}
    message = error.get("message") or response.status
    if error.get("code") == "invalid_json":
        return RpcError(INVALID_JSON, MESSAGES[INVALID_JSON], message)
    wait_s = response.headers.get("Retry-After")
    data = {"code": error.get("code", "http_error")} | ({"retry_after": int(wait_s)} if wait_s else {})
    return RpcError(INTERNAL, message, data)
