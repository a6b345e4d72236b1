"""Error pages: the errors of the API, rendered for browsers."""

from http import HTTPStatus

from flask import Response, g, request

from gonemaster_api.errors import ApiError
from gonemaster_api.ui.shell.pages import HEADER, page
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.web.headers import is_api

_TITLES = {
    400: mark("Invalid request"),
    401: mark("Authentication required"),
    403: mark("Your token does not allow this action"),
    404: mark("Page not found"),
    405: mark("This page does not support this method"),
    409: mark("Conflict with the current state"),
    413: mark("The request is too large"),
    429: mark("Too many requests"),
    500: mark("Internal server error"),
    503: mark("The service is temporarily unavailable"),
}
_OTHER_TITLE = mark("The request failed")
_LASTING = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}  # A retry has the same result.
_SAFE = {
    500: mark("No partial changes were saved. Running jobs continue. See the server log for details."),
    503: mark("No data was lost. Running jobs continue."),
}


def wants_html() -> bool:
    """Return whether a browser, not a program, sends this request."""
    kinds = ["application/json", "text/html"]  # The first one wins a tie, because programs send */*.
    return not is_api(request.path) and request.accept_mimetypes.best_match(kinds) == "text/html"


def error_page(error: ApiError) -> Response | None:
    """Return the error page, None if the caller is a program."""
    if not wants_html():
        return None
    status = HTTPStatus(error.status)
    request.environ.pop(f"HTTP_{HEADER.upper().replace('-', '_')}", None)  # An error is always a whole page.
    retry_after = error.headers.get("Retry-After", "")
    response = page(
        "shell/error.html",
        status=status,
        title=gettext(_TITLES.get(status, _OTHER_TITLE)),
        safe=gettext(_SAFE[status]) if status in _SAFE else "",
        message=in_language(error.message),
        code=error.code,
        request_id=g.get("request_id", ""),
        may_pass=status not in _LASTING,
        wait_s=int(retry_after) if retry_after.isdigit() else 0,
    )
    response.cache_control.no_store = True
    return response
