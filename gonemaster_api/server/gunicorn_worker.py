"""Gunicorn's worker, with the API's error document for requests that are refused before Flask sees them."""

import json
import uuid
from http import HTTPStatus
from typing import Any

import structlog
from gunicorn.http.errors import ParseException
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from gonemaster_api.errors import error_document
from gonemaster_api.web.headers import API_HEADERS

log = structlog.get_logger(__name__)

_URI_TOO_LONG = (HTTPStatus.REQUEST_URI_TOO_LONG, "uri_too_long", "the URL is too long")
_HEADERS_TOO_LARGE = (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", "the headers are too large")
_UNKNOWN_CODING = (HTTPStatus.NOT_IMPLEMENTED, "not_implemented", "the transfer coding is not supported")
_NOT_HTTP = (HTTPStatus.BAD_REQUEST, "bad_request", "the request is not valid HTTP/1.1 (RFC 9112)")
_BROKEN = (HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", "internal server error; see the log of the server")
# By class name: which of these exist depends on the version of gunicorn.
_REFUSALS = {
    "LimitRequestLine": _URI_TOO_LONG,
    "LimitRequestHeaders": _HEADERS_TOO_LARGE,
    "UnsupportedTransferCoding": _UNKNOWN_CODING,
}


class ApiWorker(ThreadWorker):
    """Gunicorn's threaded worker; only its error responses differ."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer with the error document; the connection is closed afterwards."""
        refused = isinstance(exc, ParseException)
        status, code, message = _REFUSALS.get(type(exc).__name__, _NOT_HTTP) if refused else _BROKEN
        request_id = uuid.uuid4().hex
        facts = {"status": int(status), "remote": addr[0] if addr else "", "request_id": request_id, "code": code}
        if refused:
            log.warning("malformed request", reason=str(exc)[:200], **facts)
        else:
            log.error("request failed", exc_info=exc, **facts)
        try:
            write_nonblock(client, _answer(status, code, message, request_id))
        except OSError as error:
            log.debug("client disconnected", error=str(error))


def _answer(status: HTTPStatus, code: str, message: str, request_id: str) -> bytes:
    content = json.dumps(error_document(code, message)).encode()
    headers = API_HEADERS | {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Connection": "close",
        "X-Request-Id": request_id,
    }
    lines = [f"HTTP/1.1 {int(status)} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + content
