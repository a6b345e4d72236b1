"""Adds a content digest to the URLs of static files, so that browsers can cache them until they change."""

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

_DIGITS = 8
_YEAR_S = 365 * 86400


def register_assets(app: Flask) -> None:
    """Add the digest to each URL, and let browsers cache responses to URLs with a digest."""
    folder = Path(app.root_path) / "static"

    def add_digest(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and values.get("filename"):
            values["v"] = _digest(folder / values["filename"])

    app.url_defaults(add_digest)
    app.after_request(_cache_forever)


def _cache_forever(response: Response) -> Response:
    if request.endpoint == "static" and request.args.get("v") and response.status_code == HTTPStatus.OK:
        response.cache_control.no_cache = None
        response.cache_control.public = True
        response.cache_control.max_age = _YEAR_S
    return response


@cache
def _digest(path: Path) -> str:
    """Return the digest of a file, empty if the file does not exist."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGITS]
    except OSError:
        return ""
