"""Escapes characters that hide text or change its direction, in text from outside.

Jinja escapes HTML; this module handles other characters. A right-to-left override in a TXT record, for example, would
show `gpj.exe` as `exe.jpg` (Unicode TR 36, "Bidirectional Text Spoofing").
"""

import re

from gonemaster_api.rest.plain_text import HIDING


def clean(text: str) -> str:
    """Return a text with each hiding or direction-changing character written as `⟨U+202E⟩`."""
    return HIDING.sub(_written, text) if not text.isascii() or not text.isprintable() else text


def _written(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found[0]):04X}⟩"


def finalize(value: object) -> object:
    """Return the value that a template prints, cleaned if it does not come from a template."""
    return clean(value) if type(value) is str else value
