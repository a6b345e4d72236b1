"""Parts of addresses that werkzeug does not know."""

import re
from typing import Any

from flask import Flask
from werkzeug.routing import Map, UnicodeConverter


class OtherThanConverter(UnicodeConverter):
    """Any part but some words, so that an address named by such a word refuses methods of the others with 405."""

    def __init__(self, url_map: Map, *words: str, **kwargs: Any) -> None:
        super().__init__(url_map, **kwargs)
        self.regex = f"(?!(?:{'|'.join(map(re.escape, words))})$){self.regex}"


def register_converters(app: Flask) -> None:
    """Make the converters known under their names in addresses."""
    app.url_map.converters["other_than"] = OtherThanConverter
