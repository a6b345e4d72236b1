"""Renders a whole page, or one named partial of it."""

from pathlib import PurePosixPath
from typing import Any

from flask import Response, current_app, render_template, request

from gonemaster_api.errors import NotFound
from gonemaster_api.ui.shell.templates import parts_of

HEADER = "X-Partial"


def wanted_part() -> str:
    """Return the name of the requested partial, empty for the whole page."""
    return request.headers.get(HEADER, "")


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a template, or its partial `_<name>.html` that the header X-Partial names.

    A page has the partials that its template includes and that carry `data-partial`; the value `parts` restricts them
    to those of the present state. An expensive value may be a function without arguments, which the template calls if
    it needs the value.

    Raises:
        NotFound: the page has no such partial.
    """
    name, parts = wanted_part(), values.pop("parts", None)
    if name:
        if parts is not None and name not in parts:
            raise NotFound("part of this page", name)
        template = _part_of(template, name)
    response = Response(render_template(template, **values), status=status, mimetype="text/html")
    response.vary.update((HEADER, "Cookie", "Accept-Language"))
    response.cache_control.no_cache = True
    return response


def _part_of(template: str, name: str) -> str:
    part = str(PurePosixPath(template).parent / f"_{name}.html")
    if part not in parts_of(current_app.jinja_env, template):
        raise NotFound("part of this page", name)
    return part
