"""Converters for path segments."""

import re
from typing import Any

from flask import Flask
from werkzeug.routing import Map, UnicodeConverter


class ExcludingConverter(UnicodeConverter):
    """A path segment other than some reserved words.

    The path of a reserved word then responds to other methods with 405 instead of 404.
    """

    def __init__(self, url_map: Map, *words: str, **kwargs: Any) -> None:
        super().__init__(url_map, **kwargs)
        self.regex = f"(?!(?:{'|'.join(map(re.escape, words))})$){self.regex}"


def register_converters(app: Flask) -> None:
    """Register the converters under the names used in URL rules."""
    app.url_map.converters["other_than"] = ExcludingConverter
