"""Validation messages of marshmallow, in this project's wording and as texts that pages can translate."""

from string import Formatter
from typing import Any

from marshmallow import fields, validate

from gonemaster_engine.texts import Text, mark

NULL = mark("must not be null")
SCHEMA_MESSAGES: dict[str, str] = {"type": Text("must be an object"), "unknown": Text("Unknown field.")}


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
        fields.Integer: {"invalid": mark("Not a valid integer.")},
        fields.Number: {"invalid": mark("Not a valid number.")},
        fields.Boolean: {"invalid": mark("must be true or false")},
        fields.List: {"invalid": mark("must be a list")},
        fields.Mapping: {"invalid": mark("must be an object")},
    }
    for field, messages in defaults.items():
        field.default_error_messages = field.default_error_messages | {
            key: Message(text) for key, text in messages.items()
        }
    validate.OneOf.default_message = Message(mark("Must be one of: {choices}."))
    validate.Regexp.default_message = Message(mark("String does not match expected pattern."))
    validate.Length.message_min = Message(mark("Shorter than minimum length {min}."))
    validate.Length.message_max = Message(mark("Longer than maximum length {max}."))
    validate.Length.message_all = Message(mark("Length must be between {min} and {max}."))
    validate.Length.message_equal = Message(mark("Length must be {equal}."))
    validate.Range.message_min = Message(mark("Must be greater than or equal to {min}."))
    validate.Range.message_max = Message(mark("Must be less than or equal to {max}."))
    validate.Range.message_all = Message(
        mark("Must be greater than or equal to {min} and less than or equal to {max}.")
    )


_register()
