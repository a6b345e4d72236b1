"""Errors of the client: one class for each way in which a request can fail."""

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """A request that did not succeed; the base of all errors of this package."""


class Unreachable(ClientError):
    """No connection to the server: it is not running, or the URL is wrong."""


class Interrupted(ClientError):
    """A connection that ended, or a time limit that passed, before the response was complete."""


class UnexpectedResponse(ClientError):
    """A response that is not from the API of gonemaster, such as the page of a proxy."""


class ApiError(ClientError):
    """An error document of the API. `code` is for programs, the message for people."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        details: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.details = status, code, details or {}
        self.retry_after_s, self.request_id = retry_after_s, request_id


class BadRequest(ApiError):
    """The request is invalid (400, 405, 414, 415, 422); `details` says which field and what is allowed."""


class Unauthorized(ApiError):
    """The server needs a valid token (401)."""


class Forbidden(ApiError):
    """The scope of the token is insufficient, or a rule of the server rejects the client (403, 421)."""


class NotFound(ApiError):
    """No such object, or a result of an unfinished job (404); a link that is no longer valid (410)."""


class Conflict(ApiError):
    """The state of the object does not allow the request (409)."""


class TooLarge(ApiError):
    """The body of the request is larger than the server accepts (413)."""


class RateLimited(ApiError):
    """Too many requests (429); `retry_after_s` is the time to wait."""


class Unavailable(ApiError):
    """The service, its database or its queue is unavailable or overloaded (502, 503, 504)."""


class ServerError(ApiError):
    """An internal error of the server (500)."""


CLASS_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    413: TooLarge,
    421: Forbidden,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


def class_of(status: int) -> type[ApiError]:
    """Return the class of the errors with an HTTP status."""
    return CLASS_BY_STATUS.get(status, ServerError if status >= 500 else BadRequest)
