"""Addresses of pages: the current one with other parameters, and paths to go back to."""

from typing import Any
from urllib.parse import urlencode

from flask import request, url_for

from gonemaster_api.state import state

_PLACES = ("cursor", "offset", "page", "note", "n", "of")  # of a page within a list, and what is said once


def here(**changes: Any) -> str:
    """Return the address of this page with other parameters of its query; None takes one away.

    Where something changes, the list begins again at its first page, unless `cursor` is among the changes. A list
    gives a parameter several values.
    """
    kept = [(name, text) for name, text in request.args.items(multi=True) if name not in changes]
    kept = [pair for pair in kept if pair[0] not in _PLACES]
    for name, value in changes.items():
        values = value if isinstance(value, list | tuple) else [value]
        kept += [(name, str(one)) for one in values if one is not None]
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


def own_path(text: str | None) -> str:
    """Return a path of this server; what could lead elsewhere becomes the start page.

    Browsers take a backslash for a slash, and drop tabs and line breaks, so that none of them may be there.
    """
    text = text or "/"
    is_path = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_path else "/"


def this_path() -> str:
    """Return path and query of this request, for a form that leads back to it; of a POST, the page it came from.

    The strip, fetched alone, is no page: the script puts the address of its page into the form when that is sent.
    """
    if request.endpoint == "shell.strip":
        return "/"
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    return own_path(request.form.get("next"))


def absolute(endpoint: str, **values: Any) -> str:
    """Return the address of a page with scheme and host: those of `public_url`, else those of the request."""
    return _base() + url_for(endpoint, **values)


def this_address() -> str:
    """Return the address of this page as a print of it tells, with its query, scheme and host."""
    return _base() + this_path()


def _base() -> str:
    return str(state().settings.public_url or request.host_url).rstrip("/")
