"""Validation of tag names: they are readable and usable as a path segment."""

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.plain_text import refusal_of
from gonemaster_engine.texts import Text

MAX_LENGTH = 255
UNTAGGED = "__none__"  # the filter value for domains without a tag
_DOT_SEGMENTS = (".", "..")  # clients remove these segments (RFC 3986 section 5.2.4)


def check_tag_name(name: str, *, code: str) -> str:
    """Return the name if it is a valid tag name.

    Raises:
        BadRequest: the name is invalid; the error has the given code, and its message states the reason.
    """
    reason = _reason_against(name)
    if reason:
        raise BadRequest(
            code,
            Text("invalid tag name {name}: {reason}", name=repr(name[:100]), reason=reason),
            details={"name": name[:MAX_LENGTH]},
        )
    return name


def _reason_against(name: str) -> str:
    if not name or name != name.strip():
        return Text("it is empty, or starts or ends with white space")
    if len(name) > MAX_LENGTH:
        return Text("it is longer than {max_length} characters", max_length=MAX_LENGTH)
    if name == UNTAGGED or name in _DOT_SEGMENTS:
        return Text("it is reserved")
    if "/" in name:
        return Text("it contains a slash")
    return refusal_of(name, is_name=True)
