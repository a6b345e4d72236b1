"""JSON and plain text that both databases accept."""

import json
import re
from json.encoder import encode_basestring
from typing import Any

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def dump_json(value: Any) -> str:
    """Write compact JSON; NUL and lone surrogates, which PostgreSQL refuses, become U+FFFD and `?`."""
    # A string by itself is what arguments are as a rule; the encoder would be set up anew for each.
    text = encode_basestring(value) if type(value) is str else _ENCODER.encode(value)
    if "\\u0000" in text:
        text = _NUL.sub(r"\1\\ufffd", text)
    return clean_text(text)


def clean_text(text: str) -> str:
    """Replace what a text column cannot hold: NUL by U+FFFD, lone surrogates by `?`."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
