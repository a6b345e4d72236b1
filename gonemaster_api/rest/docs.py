"""The OpenAPI document and a page to browse it. The page loads nothing from other servers."""

import re

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, send_from_directory
from swagger_ui_bundle import swagger_ui_path

from gonemaster_api.rest.openapi import complete
from gonemaster_api.web.access import access_of

_ASSETS = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})
_VARIABLE = re.compile(r"<(?:[^<>]*:)?(\w+)>")

blueprint = Blueprint("docs", __name__, url_prefix="/api/v1")


def register_docs(app: Flask) -> None:
    """Serve the OpenAPI document and the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document, which the page and client generators read."""
    document = current_app.extensions["gonemaster-openapi"].to_dict()
    return jsonify(complete(document, scopes_of(current_app)))


def scopes_of(app: Flask) -> dict[tuple[str, str], str]:
    """Return the required scope by path and method, spelt as in the OpenAPI document.

    Routes without a scope are omitted.
    """
    found = {}
    for rule in app.url_map.iter_rules():
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        for method in rule.methods or ():
            if scope := access_of(rule.endpoint).scope(method):
                found[path, method.lower()] = str(scope)
    return found


@blueprint.get("/docs")
def page() -> str:
    """Return the page that displays the OpenAPI document."""
    return render_template("docs.html")


@blueprint.get("/docs/assets/<name>")
def asset(name: str) -> Response:
    """Return a file of Swagger UI from the installed package."""
    if name not in _ASSETS:
        name = ""  # results in 404
    return send_from_directory(swagger_ui_path, name, max_age=86400)
