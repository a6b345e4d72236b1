"""Converters for parts of paths."""

import re
from typing import Any

from flask import Flask
from werkzeug.routing import Map, UnicodeConverter


class OtherThanConverter(UnicodeConverter):
    """Any segment except some words, so that the path of such a word answers other methods with 405, not 404."""

    def __init__(self, url_map: Map, *words: str, **kwargs: Any) -> None:
        super().__init__(url_map, **kwargs)
        self.regex = f"(?!(?:{'|'.join(map(re.escape, words))})$){self.regex}"


def register_converters(app: Flask) -> None:
    """Register the converters under their names in rules."""
    app.url_map.converters["other_than"] = OtherThanConverter
