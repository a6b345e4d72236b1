"""The API's error document for requests that are refused before Flask sees them."""

import json
import uuid
from http import HTTPStatus
from typing import Any, NamedTuple

import structlog
from gunicorn.http.errors import ParseException

from gonemaster_api.errors import RETRY_AFTER_S, error_document
from gonemaster_api.server.http.requests import SpoolFull
from gonemaster_api.web.headers import API_HEADERS

log = structlog.get_logger(__name__)


class Refusal(NamedTuple):
    """What a refused request gets."""

    status: HTTPStatus
    code: str
    message: str


_NOT_HTTP = Refusal(HTTPStatus.BAD_REQUEST, "bad_request", "the request is not valid HTTP/1.1 (RFC 9112)")
_BROKEN = Refusal(
    HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "internal server error; see the log of the server"
)
OVERLOADED = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", "the server has more requests than it can answer in time"
)
# By class name: which of these exist depends on the version of gunicorn.
_REFUSALS = {
    "LimitRequestLine": Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "uri_too_long", "the URL is too long"),
    "LimitRequestHeaders": Refusal(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "the headers are too large"
    ),
    "UnsupportedTransferCoding": Refusal(
        HTTPStatus.NOT_IMPLEMENTED, "not_implemented", "the transfer coding is not supported"
    ),
    "ExpectationFailed": Refusal(
        HTTPStatus.EXPECTATION_FAILED, "expectation_failed", "the expectation is not supported"
    ),
    "SpoolFull": Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_bodies", "too many large bodies are being received"),
    "TimeoutError": Refusal(
        HTTPStatus.REQUEST_TIMEOUT, "request_timeout", "the request was not complete within the time limit"
    ),
}


def refuse(error: Exception, peer: Any) -> bytes:
    """Log a refused or failed request and return its response, after which the connection is closed."""
    refused = isinstance(error, ParseException | SpoolFull | TimeoutError)
    refusal = _REFUSALS.get(type(error).__name__, _NOT_HTTP) if refused else _BROKEN
    request_id = uuid.uuid4().hex
    facts = {"status": int(refusal.status), "remote": peer[0] if peer else "", "request_id": request_id}
    if refused:
        log.warning("malformed request", code=refusal.code, reason=str(error)[:200], **facts)
    else:
        log.error("request failed", code=refusal.code, exc_info=error, **facts)
    return _answer(refusal, request_id)


def refuse_overload(*, keeps_alive: bool) -> bytes:
    """Return the response to a complete request that no thread has time for."""
    return _answer(OVERLOADED, uuid.uuid4().hex, connection="keep-alive" if keeps_alive else "close")


def _answer(refusal: Refusal, request_id: str, *, connection: str = "close") -> bytes:
    content = json.dumps(error_document(refusal.code, refusal.message)).encode()
    headers = API_HEADERS | {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Connection": connection,
        "X-Request-Id": request_id,
    }
    if refusal.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers |= {"Retry-After": str(RETRY_AFTER_S)}
    status = refusal.status
    lines = [f"HTTP/1.1 {int(status)} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + content
