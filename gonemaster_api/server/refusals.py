"""Error responses for requests that are refused before Flask handles them."""

import json
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from typing import NamedTuple

import structlog

from gonemaster_api.errors import RETRY_AFTER_S, error_document
from gonemaster_api.web.headers import API_HEADERS

log = structlog.get_logger(__name__)


class Refusal(NamedTuple):
    """Status, code and message of an error response."""

    status: HTTPStatus
    code: str
    message: str


class Refused(Exception):
    """The request must be answered with the refusal in `refusal`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


BAD_REQUEST = Refusal(HTTPStatus.BAD_REQUEST, "bad_request", "the request is not valid HTTP/1.1 (RFC 9112)")
BROKEN = Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "internal server error; see the log of the server")
HEADERS_TOO_LARGE = Refusal(
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "the headers are too large"
)
NOT_IMPLEMENTED = Refusal(HTTPStatus.NOT_IMPLEMENTED, "not_implemented", "the transfer coding is not supported")
OVERLOADED = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", "the server has more requests than it can answer in time"
)
REQUEST_TIMEOUT = Refusal(
    HTTPStatus.REQUEST_TIMEOUT, "request_timeout", "the request was not complete within the time limit"
)
TOO_MANY_BODIES = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too_many_bodies", "too many large bodies are being received")
URI_TOO_LONG = Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "uri_too_long", "the URL is too long")


def document_of(refusal: Refusal, *, remote: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Log a refusal and return the headers and body of its response."""
    request_id = uuid.uuid4().hex
    if refusal is not OVERLOADED:  # overloads are counted, and one log line covers many
        log.warning(
            "request refused", status=int(refusal.status), code=refusal.code, remote=remote, request_id=request_id
        )
    content = json.dumps(error_document(refusal.code, refusal.message)).encode()
    headers = API_HEADERS | {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "X-Request-Id": request_id,
    }
    if refusal.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers |= {"Retry-After": str(RETRY_AFTER_S)}
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()], content


def response_of(refusal: Refusal, *, remote: str) -> Iterator[bytes]:
    """Yield the bytes of a response, after which the connection is closed."""
    headers, content = document_of(refusal, remote=remote)
    yield f"HTTP/1.1 {int(refusal.status)} {refusal.status.phrase}\r\nconnection: close\r\n".encode()
    for name, value in headers:
        yield b"%s: %s\r\n" % (name, value)
    yield b"\r\n" + content
