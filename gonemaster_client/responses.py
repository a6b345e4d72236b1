"""Responses of the API: the document, or the error that the status and the body describe."""

import json
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, NamedTuple

from gonemaster_client.errors import ApiError, UnexpectedResponse, class_of

_SHOWN_BODY = 200


class Answer(NamedTuple):
    """An HTTP response that was received completely; names of headers are in lower case."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes


def document_of(answer: Answer) -> Any:
    """Return the document of a response, or None without a body.

    Raises:
        ApiError: the status is an error.
        UnexpectedResponse: the response is not JSON, or is a redirect.
    """
    if answer.status >= 400:
        raise error_of(answer)
    if answer.status >= 300:
        target = answer.headers.get("location", "another URL")
        raise UnexpectedResponse(f"{answer.url} redirects to {target}: use the URL of the API")
    if not answer.content:
        return None
    try:
        return json.loads(answer.content)
    except ValueError:
        raise UnexpectedResponse(_not_json(answer)) from None


def error_of(answer: Answer) -> ApiError | UnexpectedResponse:
    """Return the error that a response describes; a proxy may send one that is not JSON."""
    document: Any = None
    with suppress(ValueError):
        document = json.loads(answer.content)
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        if answer.status < 500 and answer.status not in (401, 413, 429):
            return UnexpectedResponse(_not_json(answer))
        error = {"message": f"{answer.url} responds with HTTP status {answer.status}"}
    details = error.get("details")
    return class_of(answer.status)(
        str(error.get("message", "")),
        status=answer.status,
        code=str(error.get("code", "")),
        details=details if isinstance(details, dict) else None,
        retry_after_s=_retry_after_s(answer.headers.get("retry-after", "")),
        request_id=answer.headers.get("x-request-id", ""),
    )


def _not_json(answer: Answer) -> str:
    kind = answer.headers.get("content-type", "no content type").partition(";")[0]
    begin = answer.content[:_SHOWN_BODY].decode("utf-8", "replace").split("\n")[0].strip()
    return (
        f"{answer.url} does not respond as the API of gonemaster: HTTP status {answer.status} with {kind}"
        f"{f', beginning with {begin!r}' if begin else ''}"
    )


def _retry_after_s(text: str) -> float | None:
    """Return the seconds to wait (RFC 9110 section 10.2.3: a number, or a date as some proxies send)."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except ValueError:
        return None
