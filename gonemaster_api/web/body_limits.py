"""Limits of the size of bodies, by path."""

from flask import Flask, Request, request

from gonemaster_api.errors import ApiError
from gonemaster_tasks.config.settings import Settings

# Bodies that may name every waiting job.
_LARGE = frozenset(f"/api/v1/{path}" for path in ("jobs/batch", "queue/reorder", "queue/move", "queue/remove"))
_ALTERNATIVES = {"/api/v1/queue/reorder": "POST /api/v1/queue/move takes only the jobs to move"}


def body_limit(settings: Settings, path: str) -> int:
    """Return the size in octets that the body of a request may have."""
    return settings.max_batch_body_size if path in _LARGE else settings.max_body_size


def register_body_limits(app: Flask, settings: Settings) -> None:
    """Refuse larger bodies with 413; with a Content-Length before they are read."""

    def limit_body() -> None:
        longest = body_limit(settings, request.path)
        # One octet above the limit: werkzeug silently truncates a chunked body at max_content_length, so that a body of
        # exactly the limit and a truncated one could not be told apart.
        request.max_content_length = longest + 1
        if request.content_length is not None and request.content_length > longest:
            raise _too_large(longest)

    app.before_request(limit_body)


def read_body(req: Request) -> bytes:
    """Read the whole body.

    Raises:
        ApiError: 413 body_too_large.
    """
    body = req.get_data(cache=True)
    if req.max_content_length is not None and len(body) >= req.max_content_length:
        raise _too_large(req.max_content_length - 1)
    return body


def _too_large(longest: int) -> ApiError:
    hint = _ALTERNATIVES.get(request.path, "")
    message = f"the body is larger than {longest} bytes"
    return ApiError(413, "body_too_large", f"{message}; {hint}" if hint else message, details={"limit": longest})
