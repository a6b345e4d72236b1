"""Validation messages of marshmallow, in this project's wording and as texts that pages can translate."""

from string import Formatter
from typing import Any

from marshmallow import fields, validate

from gonemaster_engine.texts import Text, mark

NULL = mark("must not be null")
SCHEMA_MESSAGES: dict[str, str] = {"type": Text("must be an object"), "unknown": Text("unknown field")}


class Message(str):
    """The template of a message. marshmallow fills it with `format` and gets a `Text`."""

    def format(self, *_args: object, **values: Any) -> str:
        """Return the text, or the template if a value is missing, because `Range` fills its templates in two steps."""
        template = str(self)
        names = {name for _, name, _, _ in Formatter().parse(template) if name}
        return Text(template, **{name: values[name] for name in names}) if names <= values.keys() else self


def _register() -> None:
    """Replace the default messages of marshmallow. This must run before the first schema is declared."""
    defaults: dict[type[fields.Field[Any]], dict[str, str]] = {
        fields.Field: {"required": mark("is required"), "null": NULL},
        fields.String: {"invalid": mark("must be a string")},
        fields.Integer: {"invalid": mark("must be an integer")},
        fields.Number: {"invalid": mark("must be a number")},
        fields.Boolean: {"invalid": mark("must be true or false")},
        fields.List: {"invalid": mark("must be a list")},
        fields.Mapping: {"invalid": mark("must be an object")},
    }
    for field, messages in defaults.items():
        field.default_error_messages = field.default_error_messages | {
            key: Message(text) for key, text in messages.items()
        }
    validate.OneOf.default_message = Message(mark("must be one of: {choices}"))
    validate.Regexp.default_message = Message(mark("does not match the expected pattern"))
    validate.Length.message_min = Message(mark("must have a length of at least {min}"))
    validate.Length.message_max = Message(mark("must have a length of at most {max}"))
    validate.Length.message_all = Message(mark("must have a length from {min} to {max}"))
    validate.Length.message_equal = Message(mark("must have the length {equal}"))
    validate.Range.message_min = Message(mark("must be at least {min}"))
    validate.Range.message_max = Message(mark("must be at most {max}"))
    validate.Range.message_all = Message(mark("must be from {min} to {max}"))


_register()
