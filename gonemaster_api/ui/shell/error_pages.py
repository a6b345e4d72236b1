"""What went wrong, for people: the same refusals as the API's, as pages."""

from http import HTTPStatus

from flask import Response, g, request

from gonemaster_api.errors import ApiError
from gonemaster_api.ui.shell.pages import HEADER, page
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.web.headers import is_api

_TITLES = {
    400: mark("This request is not valid"),
    401: mark("A token is needed"),
    403: mark("This token may not do that"),
    404: mark("Nothing is here"),
    405: mark("This address does not support that"),
    409: mark("This conflicts with the current state"),
    413: mark("This is too large"),
    429: mark("Too many requests"),
    500: mark("The server made an error"),
    503: mark("A part of the service does not answer"),
}
_LASTING = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}  # the same again ends the same
_SAFE = {
    500: mark("Nothing is half done; jobs that run go on. The log of the server says more."),
    503: mark("Nothing was lost; jobs that run go on."),
}


def wants_html() -> bool:
    """Return whether a browser sends this request, and not a program."""
    kinds = ["application/json", "text/html"]  # the first if both are as welcome: programs send */*
    return not is_api(request.path) and request.accept_mimetypes.best_match(kinds) == "text/html"


def error_page(error: ApiError) -> Response | None:
    """Return the page for a refusal, None if the caller is a program."""
    if not wants_html():
        return None
    status = HTTPStatus(error.status)
    request.environ.pop(f"HTTP_{HEADER.upper().replace('-', '_')}", None)  # an error is a whole page
    retry_after = error.headers.get("Retry-After", "")
    response = page(
        "shell/error.html",
        status=status,
        title=gettext(_TITLES.get(status, mark("This did not work"))),
        safe=gettext(_SAFE[status]) if status in _SAFE else "",
        message=in_language(error.message),
        code=error.code,
        request_id=g.get("request_id", ""),
        may_pass=status not in _LASTING,
        wait_s=int(retry_after) if retry_after.isdigit() else 0,
    )
    response.cache_control.no_store = True
    return response
