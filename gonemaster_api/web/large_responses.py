"""Which requests may have a large response: they are built by few threads, so that others are not kept waiting.

While a response of some megabytes is built, a thread holds the interpreter most of the time; with thirty of them, a
light request waited for seconds at each of its turns.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

_MANY_ITEMS = 100  # of a list; the default of most
_LIMITS = frozenset({"limit", "page_size"})
_MAX_DIGITS = 9
_MARK = "may_be_large"

View = TypeVar("View", bound=Callable[..., Any])


def may_be_large(view: View) -> View:
    """Mark a method of a view whose response may have megabytes; the outermost decorator."""
    setattr(view, _MARK, True)
    return view


def is_large(app: Flask, *, method: str, path: str, query: str) -> bool:
    """Return whether the response to a request may be large: its view is marked, or it asks for a long page.

    Streams are not: they are built in small pieces, and would occupy a thread for as long as their client reads.
    `path` and `query` are as in the request, with their percent-encoding.
    """
    parameters = parse_qsl(query, keep_blank_values=True)
    if next((value for name, value in parameters if name == "format"), "") == "csv":  # the first counts, as in Flask
        return False
    return any(name in _LIMITS and _is_many(value) for name, value in parameters) or _is_marked(app, method, path)


def _is_many(value: str) -> bool:
    return value.isdecimal() and (len(value) > _MAX_DIGITS or int(value) > _MANY_ITEMS)


def _is_marked(app: Flask, method: str, path: str) -> bool:
    try:
        endpoint, _ = app.url_map.bind("").match(unquote(path), method=method)
    except (HTTPException, RequestRedirect):
        return False
    view = getattr(app.view_functions[endpoint], "view_class", None)
    name = "get" if method == "HEAD" else method.lower()  # Flask answers HEAD with the view of GET
    return hasattr(getattr(view, name, None), _MARK)
