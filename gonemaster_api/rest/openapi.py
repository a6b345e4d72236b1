"""Parts of the OpenAPI document that all operations share."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
_UNSAFE = frozenset(METHODS) - {"get"}
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_HEADERS = {
    "X-Request-Id": {
        "description": "identifies the request in the logs",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "Retry-After": {
        "description": "seconds after which the request may succeed",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Idempotency-Replayed": {
        "description": "present if this is the stored first response to the same key",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
_SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "an admin token; x-scope is the required scope"},
    "session": {"type": "apiKey", "in": "cookie", "name": "gm_admin", "description": "set by POST /api/v1/session"},
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "requests with the same key are executed once within 24 hours; repetitions get the first response",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "example": "9f2c1f6e-1b1e-4d3c-8c0e-5f3a4d2b1c00",
}
LAST_EVENT_ID = {
    "in": "header",
    "name": "Last-Event-ID",
    "description": "id of the last event received; only later events are sent",
    "required": False,
    "schema": {"type": "string", "maxLength": 64},
}
BY_ROWS = "x-done-without-broker"
"""The extension that marks operations that also succeed without Redis."""
_BROKER_NOTE = {
    "type": "object",
    "properties": {
        "broker": {
            "type": "string",
            "enum": ["unavailable"],
            "description": "present if Redis did not answer: the change is stored and effective, its messages follow",
        }
    },
}


def complete(document: dict[str, Any], scopes: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """Add to each operation its id, its scope, the common errors and the response headers.

    `scopes` contains the scope of each path and method that needs a token.
    """
    document["components"]["headers"] = _HEADERS
    document["components"]["securitySchemes"] = _SECURITY
    document["components"].pop("responses", None)
    for path, method, operation in operations(document):
        operation["operationId"] = _name(path, method)
        answers = operation["responses"]
        if operation.get(BY_ROWS):
            _record_absent_broker(answers)
        for status, codes in _common_refusals(path, method, operation).items():
            if "$ref" in answers.get(status, {"$ref": ""}):
                answers[status] = _refusal(codes)
        if scope := scopes.get((path, method)):
            operation |= {"security": [{"token": []}, {"session": []}], "x-scope": scope}
            others = answers.get("403", {}).get("description")
            answers["403"] = _refusal(f"{others}, forbidden" if others else "forbidden")
            answers |= {"401": _refusal("unauthorized"), "429": _refusal("rate_limited")}
        for status, answer in answers.items():
            answer["headers"] = _headers(status, idempotent=_is_idempotent(operation)) | answer.get("headers", {})
        operation["responses"] = dict(sorted(answers.items()))
    return document


def _record_absent_broker(answers: dict[str, Any]) -> None:
    """Document in successful responses that Redis may be unavailable; a 204 then becomes a 200 with a body."""
    for status, answer in list(answers.items()):
        if status == "204":
            note = {"application/json": {"schema": _BROKER_NOTE}}
            answers["200"] = {"description": "done; Redis is unavailable", "content": note}
        elif status.startswith("2"):
            body = answer["content"]["application/json"]
            body["schema"] = {"allOf": [body["schema"], _BROKER_NOTE]}


def _refusal(codes: str) -> dict[str, Any]:
    return {"description": codes, "content": _ERROR}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and operation of each operation in the document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _name(path: str, method: str) -> str:
    public = path.startswith("/pub/")
    words = re.findall(r"\w+", path.removeprefix("/pub").removeprefix("/api/v1/"))
    return "_".join([method, *(["public"] if public else []), *words])


def _common_refusals(path: str, method: str, operation: dict[str, Any]) -> dict[str, str]:
    found = {"400": "invalid_query", "421": "unknown_host"}
    found |= {"500": "internal_error, store_error", "503": "store_unavailable"}
    kinds = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "query" in kinds or "{" in path:
        found["414"] = "uri_too_long"
    if "header" in kinds:
        found["431"] = "headers_too_large"
    if method in _UNSAFE:
        found |= {"403": "csrf_origin_mismatch", "413": "body_too_large"}
    if "requestBody" in operation:
        found |= {"400": "invalid_json, unknown_field", "415": "unsupported_media_type"}
    return found


def _is_idempotent(operation: dict[str, Any]) -> bool:
    return IDEMPOTENCY_KEY["name"] in [parameter.get("name") for parameter in operation.get("parameters", ())]


def _headers(status: str, *, idempotent: bool) -> dict[str, Any]:
    names = ["X-Request-Id"]
    if status in {"429", "503"}:
        names.append("Retry-After")
    if idempotent and status.startswith("2"):
        names.append("Idempotency-Replayed")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
