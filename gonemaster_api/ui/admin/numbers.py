"""Numbers that people type."""

import re

_WHOLE = re.compile("-?[0-9]{1,18}")  # what fits into 64 bits


def whole(text: str) -> int | str:
    """Return a typed number; text that is none stays, so that the check of its field says what is allowed."""
    return int(text) if _WHOLE.fullmatch(text) else text
