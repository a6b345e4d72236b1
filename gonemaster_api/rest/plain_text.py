"""Names and descriptions from users, with LF line ends and no characters that hide text or change its direction."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields

from gonemaster_engine.texts import Text

# Controls except tab and line feed; soft hyphen; zero-width and bidirectional controls; line and paragraph separators;
# invisible operators; interlinear marks; the byte order mark; lone surrogates; language tags.
HIDING = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_END = re.compile("\r\n?")


def with_line_feeds(text: str) -> str:
    """Return a text whose lines end with LF; browsers send CR LF."""
    return _LINE_END.sub("\n", text)


def refusal_of(text: str, *, is_name: bool) -> str:
    """Return why a text cannot be a name or a description, or an empty string."""
    if is_name and ("\n" in text or "\t" in text):
        return Text("must be one line without tabs")
    found = HIDING.search(text)
    if found:
        character = f"U+{ord(found[0]):04X}"
        return Text("must not contain the character {character}, which hides text", character=character)
    return ""


class PlainText(fields.String):
    """A description: lines that end with LF, without characters that hide text or change its direction."""

    is_name = False

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = with_line_feeds(super()._deserialize(value, attr, data, **kwargs))
        if reason := refusal_of(text, is_name=self.is_name):
            raise ValidationError(reason)
        return text


class PlainName(PlainText):
    """A name: one line of such text."""

    is_name = True
