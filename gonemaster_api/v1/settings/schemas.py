"""Schemas of settings: one field per key."""

from collections.abc import Mapping
from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.fields import ANY_VALUE, JsonBoolean, JsonInteger
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.settings import OPTIONS

SOURCES = ("default", "config_file", "database", "cli_flag")
_MAX_LENGTH = 2048
_TYPES = ("string", "integer", "boolean", "array")


class SettingSchema(ma.Schema):
    """One setting: value, source and allowed values."""

    value = ma.fields.Raw(
        required=True, allow_none=True, metadata={**ANY_VALUE, "description": "passwords and digests are masked"}
    )
    source = ma.fields.String(
        required=True,
        metadata={"enum": list(SOURCES), "description": "an environment variable counts as config_file"},
    )
    readonly = ma.fields.Boolean(required=True, metadata={"description": "cannot be changed at run time"})
    type = ma.fields.String(required=True, metadata={"enum": list(_TYPES)})
    allowed = ma.fields.String(required=True, metadata={"description": "allowed values, in words"})
    minimum = ma.fields.Integer()
    maximum = ma.fields.Integer()
    choices = ma.fields.List(ma.fields.String())
    default = ma.fields.Raw(required=True, allow_none=True, metadata=ANY_VALUE)
    description = ma.fields.String(required=True)


def _value_field(option: Option) -> ma.fields.Field[Any]:
    value_type = option.type
    about: dict[str, Any] = {
        "data_key": option.key,
        "allow_none": True,
        "metadata": {"description": f"{option.description}; {value_type.allowed}"},
    }
    if value_type.json_type == "boolean":
        return JsonBoolean(**about)
    if value_type.json_type == "integer":
        return JsonInteger(validate=validate.Range(min=value_type.minimum, max=value_type.maximum), **about)
    check = validate.OneOf(value_type.choices) if value_type.choices else validate.Length(max=_MAX_LENGTH)
    return ma.fields.String(validate=check, **about)


class _ChangeSchema(RequestSchema):
    """Values by key; either all are saved or none. null deletes the saved value, so that file and default apply."""

    example: ClassVar[Mapping[str, Any] | None] = {"worker_count": 8, "database.retention_days": 400}

    def load(self, data: Any, **_: Any) -> Any:
        """Return the object unchanged: gonemaster_tasks.config.overrides checks it and reports all errors together."""
        if not isinstance(data, dict):
            raise BadRequest("invalid_body", Text("the body must be a JSON object of settings and their values"))
        return data


class SavedSchema(ma.Schema):
    """Confirmation."""

    status = ma.fields.String(required=True, metadata={"enum": ["ok"]})
    pinned = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.List(ma.fields.String()),
        metadata={"description": "by key, names of the workers whose value is set by a flag; otherwise absent"},
    )


SettingsSchema = ma.Schema.from_dict(
    {option.name: ma.fields.Nested(SettingSchema, data_key=option.key, required=True) for option in OPTIONS},
    name="SettingsSchema",
)
SettingsChangeSchema = _ChangeSchema.from_dict(
    {option.name: _value_field(option) for option in OPTIONS if option.runtime}, name="SettingsChangeSchema"
)
