"""Schema fields that accept only the correct JSON type: not "5" for 5, and not 1 for true."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate

from gonemaster_db.core.levels import LEVELS
from gonemaster_engine.texts import Text

MAX_ID = 2**63 - 1
_DIGITS = re.compile(
    r"-?[0-9]{1,4000}"
)  # `int` refuses more than 4300; larger values fail the range check, whose message is better


_NOT_A_LIST = [{"type": kind, "nullable": True} for kind in ("string", "number", "boolean", "object")]
# Any JSON value in the OpenAPI document: version 3.0 has no list of types, and a field without a type says nothing.
ANY_VALUE = {"anyOf": [*_NOT_A_LIST, {"type": "array", "items": {"anyOf": _NOT_A_LIST}}]}


class JsonInteger(fields.Integer):
    """A JSON number without a fraction."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValidationError(self._not_an_integer())
        return super()._deserialize(value, attr, data, **kwargs)

    def _not_an_integer(self) -> Text:
        for limit in self.validators:
            if isinstance(limit, validate.Range) and limit.min is not None and limit.max is not None:
                return Text("must be an integer from {min} to {max}", min=limit.min, max=limit.max)
        return Text("must be an integer")


class QueryInteger(fields.Integer):
    """An integer in a query, in ASCII digits. `int` would also accept 1_0, spaces and digits of other scripts."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise ValidationError(Text("must be an integer"))
        return super()._deserialize(value, attr, data, **kwargs)


class QueryBoolean(fields.Boolean):
    """`true` or `false` in a query."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if value not in ("true", "false"):
            raise ValidationError(Text("must be true or false"))
        return bool(value == "true")


class JsonBoolean(fields.Boolean):
    """A JSON `true` or `false`."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, bool):
            raise ValidationError(Text("must be true or false"))
        return value


class TextList(fields.List[Any]):
    """A list of up to a million strings, checked in one pass instead of by one field object per item."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(fields.String(validate=validate.Length(min=1)), **kwargs)  # shown in the OpenAPI document

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list) or not value or not all(type(item) is str and item for item in value):
            raise ValidationError(Text("must be a non-empty list of non-empty strings"))
        return value


class LevelName(fields.String):
    """The name of a level in any case, converted to upper case."""

    def __init__(self, *, levels: tuple[str, ...] = LEVELS, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(levels), **kwargs)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Read a level. The enumeration in the OpenAPI document lists the upper case names."""
        return super().deserialize(value.upper() if isinstance(value, str) else value, *args, **kwargs)


def level_of(*, allow_none: bool = False, **options: Any) -> fields.String:
    """Return the field of a level in a response."""
    return named(LEVELS, allow_none=allow_none, **options)


def named(names: Iterable[str], *, allow_none: bool = False, **options: Any) -> fields.String:
    """Return a required field of a response that has one of these names; null belongs to them if it is allowed."""
    metadata = {**options.pop("metadata", {}), "enum": [*names, *([None] if allow_none else [])]}
    return fields.String(required=True, allow_none=allow_none, metadata=metadata, **options)


class Instant(fields.DateTime):
    """An RFC 3339 time with an offset, converted to UTC and written with `Z`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return rfc3339(value) if isinstance(value, datetime) else value

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        try:
            instant = datetime.fromisoformat(value)
            if instant.tzinfo is None or "T" not in value.upper():
                raise ValidationError(Text("must be an RFC 3339 time with an offset, such as 2026-01-31T12:00:00Z"))
            return instant.astimezone(UTC)
        except (TypeError, ValueError, OverflowError) as error:
            raise ValidationError(Text("must be an RFC 3339 time, such as 2026-01-31T12:00:00Z")) from error


def rfc3339(instant: datetime) -> str:
    """Return a time as RFC 3339 in UTC, with microseconds only if they are not zero."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def positive_id(**kwargs: Any) -> JsonInteger:
    """Return a field for the id of a stored object."""
    return JsonInteger(validate=validate.Range(min=1, max=MAX_ID), **kwargs)
