"""Valid names of domain tags: readable, and usable as a segment of a path."""

import unicodedata

from gonemaster_api.errors import BadRequest
from gonemaster_engine.texts import Text

LONGEST = 255
UNTAGGED = "__none__"  # in filters of domains: those without a tag
_DOT_SEGMENTS = (".", "..")  # clients normalise them away (RFC 3986 section 5.2.4)


def check_tag_name(name: str, *, code: str) -> str:
    """Return the name if a tag may have it.

    Raises:
        BadRequest: with the given code; the message has the reason.
    """
    reason = _reason_against(name)
    if reason:
        raise BadRequest(
            code,
            Text("invalid tag name {name}: {reason}", name=repr(name[:100]), reason=reason),
            details={"name": name[:LONGEST]},
        )
    return name


def _reason_against(name: str) -> str:
    if not name or name != name.strip():
        return Text("it is empty, or begins or ends with white space")
    if len(name) > LONGEST:
        return Text("it is longer than {longest} characters", longest=LONGEST)
    if name == UNTAGGED or name in _DOT_SEGMENTS:
        return Text("it is reserved")
    if "/" in name or any(unicodedata.category(letter) == "Cc" for letter in name):
        return Text("it contains a slash or a control character")
    return ""
