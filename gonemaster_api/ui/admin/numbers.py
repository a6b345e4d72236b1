"""Numbers in form fields."""

import re

_WHOLE = re.compile("-?[0-9]{1,18}")  # The digits of a 64-bit integer.


def whole(text: str) -> int | str:
    """Convert a typed number; return other text unchanged, so that the field's validation reports what is allowed."""
    return int(text) if _WHOLE.fullmatch(text) else text
