"""Names that a domain tag may have: what an address can carry and a person can read."""

import unicodedata

from gonemaster_api.errors import BadRequest

LONGEST = 255
UNTAGGED = "__none__"  # in the list of domains it stands for those without tags
_DOT_SEGMENTS = (".", "..")  # clients remove them from addresses


def check_tag_name(name: str, *, code: str) -> str:
    """Give back a name that a tag may have.

    Raises:
        BadRequest: with the given code; the message says why it is none.
    """
    reason = _reason_against(name)
    if reason:
        raise BadRequest(code, f"a tag cannot have the name {name[:100]!r}: {reason}", details={"name": name[:LONGEST]})
    return name


def _reason_against(name: str) -> str:
    if not name or name != name.strip():
        return "it is empty, or has space at an end"
    if len(name) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if name == UNTAGGED or name in _DOT_SEGMENTS:
        return "it has another meaning"
    if "/" in name or any(unicodedata.category(letter) == "Cc" for letter in name):
        return "it holds a slash or a control character"
    return ""
