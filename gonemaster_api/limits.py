"""How large a body may be, by address."""

from flask import Flask, request

from gonemaster_api.errors import ApiError
from gonemaster_tasks.settings import Settings

_LARGE = frozenset({"/api/v1/jobs/batch"})


def register_body_limits(app: Flask, settings: Settings) -> None:
    """Refuse larger bodies with 413 before they are read."""

    def limit_body() -> None:
        longest = settings.max_batch_body_size if request.path in _LARGE else settings.max_body_size
        request.max_content_length = longest
        if request.content_length is not None and request.content_length > longest:
            raise ApiError(
                413, "body_too_large", f"the body is larger than {longest} bytes", details={"limit": longest}
            )

    app.before_request(limit_body)
