"""Escapes characters that hide text or change its direction, in text from outside.

Jinja escapes HTML; this module handles other characters. A right-to-left override in a TXT record, for example, would
show `gpj.exe` as `exe.jpg` (Unicode TR 36, "Bidirectional Text Spoofing").
"""

import re

# Controls except tab and line feed; soft hyphen; zero-width and bidirectional controls; line and paragraph separators;
# invisible operators; interlinear marks; the byte order mark; lone surrogates; language tags.
_HIDING = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(text: str) -> str:
    """Return a text with each hiding or direction-changing character written as `⟨U+202E⟩`."""
    return _HIDING.sub(_written, text) if not text.isascii() or not text.isprintable() else text


def _written(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found[0]):04X}⟩"


def finalize(value: object) -> object:
    """Return the value that a template prints, cleaned if it does not come from a template."""
    return clean(value) if type(value) is str else value
