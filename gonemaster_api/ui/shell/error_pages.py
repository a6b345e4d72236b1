"""Error pages: the errors of the API, rendered for browsers."""

import json
import uuid
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from flask import Response, g, request
from markupsafe import escape
from werkzeug.datastructures import LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header

from gonemaster_api.errors import ApiError, error_document
from gonemaster_api.queries.health import overloaded_readiness
from gonemaster_api.ui.shell.pages import HEADER, page
from gonemaster_api.ui.shell.texts.formats import sentence
from gonemaster_api.ui.shell.texts.languages import gettext, language_of, languages, mark, preferred, translations_of
from gonemaster_api.ui.shell.texts.refusals import in_language
from gonemaster_api.web.headers import API_HEADERS, PAGE_POLICY, is_api

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
_PASSING = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_READINESS = "/api/v1/readyz"
_RETRY = mark("Reload the page in a few seconds.")
_LASTING = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED}  # A retry has the same result.
_SAFE = {
    500: mark("No partial changes were saved. Running jobs continue. See the server log for details."),
    503: mark("No data was lost. Running jobs continue."),
}


def wants_html() -> bool:
    """Return whether a browser, not a program, sends this request."""
    return _is_browser(request.path, request.accept_mimetypes)


def _is_browser(path: str, accepted: MIMEAccept) -> bool:
    kinds = ["application/json", "text/html"]  # The first one wins a tie, because programs send */*.
    return not is_api(path) and accepted.best_match(kinds) == "text/html"


def refusal(error: ApiError, environ: Mapping[str, Any]) -> Response:
    """Return the response to a request that the server refuses without the application.

    It needs no application, no database and no template, because the server may be overloaded. A probe of readiness
    then gets the document that it expects.
    """
    path = environ["PATH_INFO"]
    headers = API_HEADERS | error.headers | {"X-Request-Id": uuid.uuid4().hex}
    if _is_browser(path, parse_accept_header(environ.get("HTTP_ACCEPT"), MIMEAccept)):
        accepted = parse_accept_header(environ.get("HTTP_ACCEPT_LANGUAGE"), LanguageAccept)
        language = preferred(accepted, languages())
        headers["Content-Security-Policy"] = PAGE_POLICY
        return Response(_refusal_page(language, int(error.status), error.code), error.status, headers)
    is_probe = error.code == "overloaded" and path.rstrip("/") == _READINESS
    document = overloaded_readiness() if is_probe else error_document(error.code, error.message)
    return Response(json.dumps(document), error.status, headers, mimetype="application/json")


@lru_cache(200)
def _refusal_page(code: str, status: int, error: str) -> bytes:
    translated = translations_of(code).gettext
    title = escape(translated(_TITLES.get(status, _OTHER_TITLE)))
    texts = [translated(_SAFE[status])] if status in _SAFE else []
    texts = [*texts, translated(_RETRY)] if status in _PASSING else texts
    return (
        f'<!DOCTYPE html><html lang="{code}"><head><meta charset="utf-8"><title>{title} · gonemaster</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="/static/tokens.css"><link rel="stylesheet" href="/static/components.css"></head>'
        f'<body class="column narrow"><main class="page"><section class="panel"><div class="empty"><h1>{title}</h1>'
        f"{''.join(f'<span>{escape(text)}</span>' for text in texts)}<code>{escape(error)}</code>"
        "</div></section></main></body></html>"
    ).encode()


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
        message=sentence(in_language(error.message)),
        message_language=language_of(error.message),
        code=error.code,
        request_id=g.get("request_id", ""),
        may_pass=status not in _LASTING,
        wait_s=int(retry_after) if retry_after.isdigit() else 0,
    )
    response.cache_control.no_store = True
    return response
