"""How large a body may be, by address."""

from flask import Flask, Request, request

from gonemaster_api.errors import ApiError
from gonemaster_tasks.config.settings import Settings

# What names as many jobs as may wait.
_LARGE = frozenset(f"/api/v1/{path}" for path in ("jobs/batch", "queue/reorder", "queue/move", "queue/remove"))
_OTHER_WAYS = {"/api/v1/queue/reorder": "POST /api/v1/queue/move needs only the jobs that move"}


def register_body_limits(app: Flask, settings: Settings) -> None:
    """Refuse larger bodies with 413, before they are read where their length is announced."""

    def limit_body() -> None:
        longest = settings.max_batch_body_size if request.path in _LARGE else settings.max_body_size
        # One more than is allowed: werkzeug cuts a body without announced length off and does not tell.
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
    hint = _OTHER_WAYS.get(request.path, "")
    message = f"the body is larger than {longest} bytes"
    return ApiError(413, "body_too_large", f"{message}; {hint}" if hint else message, details={"limit": longest})
