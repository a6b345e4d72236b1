"""Renders a whole page, or one named partial of it."""

import re
from pathlib import PurePosixPath
from typing import Any

from flask import Response, current_app, render_template, request
from jinja2 import TemplateNotFound

from gonemaster_api.errors import NotFound

HEADER = "X-Partial"
_NAME = re.compile("[a-z][a-z-]*")


def wanted_part() -> str:
    """Return the name of the requested partial, empty for the whole page."""
    return request.headers.get(HEADER, "")


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a template, or the partial `_<name>.html` in its folder that the header X-Partial names.

    Pages include their partials, so that both render the same. An expensive value may be a function without arguments,
    which the template calls if it needs the value.

    Raises:
        NotFound: the page has no such partial.
    """
    name = wanted_part()
    if name:
        template = _part_of(template, name)
    response = Response(render_template(template, **values), status=status, mimetype="text/html")
    response.vary.update((HEADER, "Cookie", "Accept-Language"))
    response.cache_control.no_cache = True
    return response


def _part_of(template: str, name: str) -> str:
    part = str(PurePosixPath(template).parent / f"_{name}.html")
    try:
        if _NAME.fullmatch(name):
            current_app.jinja_env.get_template(part)
            return part
    except TemplateNotFound:
        pass
    raise NotFound("part of this page", name)
