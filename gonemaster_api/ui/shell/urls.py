"""URLs of pages: the current page with other parameters, and paths to return to."""

from typing import Any
from urllib.parse import urlencode

from flask import request, url_for
from werkzeug.datastructures import ImmutableMultiDict

from gonemaster_api.state import state
from gonemaster_engine.help.links import HELP_PATH, case_url, cause_url, tag_url

_HELP = {"tag": tag_url, "cause": cause_url, "case": case_url}
_PLACES = ("cursor", "offset", "page", "note", "n", "of")  # Positions in a list, and one-time notes.


def here(**changes: Any) -> str:
    """Return the URL of this page with changed query parameters; None removes a parameter, a list repeats it.

    A change returns to the first page of a list, unless `cursor` is among the changes.
    """
    parameters = [(name, text) for name, text in request.args.items(multi=True) if name not in changes]
    parameters = [pair for pair in parameters if pair[0] not in _PLACES]
    for name, value in changes.items():
        values = value if isinstance(value, list | tuple) else [value]
        parameters += [(name, str(value)) for value in values if value is not None]
    return f"{request.path}?{urlencode(parameters)}" if parameters else request.path


def reduce_query(**known: str) -> None:
    """Reduce the query of this request to known parameters with a value, so that the page contains no others.

    Without this, a cached page would show the parameters of one visitor to others, or be cached once for each.
    """
    parameters = {name: text for name, text in known.items() if text}
    request.args = ImmutableMultiDict(parameters)
    request.query_string = urlencode(parameters).encode()


def local_path(text: str | None) -> str:
    """Return a path on this server; replace other paths with the start page.

    Browsers treat a backslash as a slash and drop tabs and line breaks, so these characters are refused.
    """
    text = text or "/"
    is_path = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_path else "/"


def this_path() -> str:
    """Return path and query of this request, for a form that returns to it; for a POST, the page that sent it.

    The strip is part of other pages: the script adds the path of its page when the form is submitted.
    """
    if request.endpoint == "shell.strip":
        return "/"
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    return local_path(request.form.get("next"))


def absolute(endpoint: str, **values: Any) -> str:
    """Return the URL of a page with scheme and host, from `public_url` or the request."""
    return _base() + url_for(endpoint, **values)


def full_url() -> str:
    """Return the full URL of this page, as printed at its foot."""
    return _base() + this_path()


def help_of(kind: str, name: str) -> str:
    """Return the URL of the page about a tag, a cause or a test case, on the documentation site or in the service."""
    return _HELP[kind](state().settings.documentation_url or HELP_PATH, name)


def _base() -> str:
    return str(state().settings.public_url or request.host_url).rstrip("/")
