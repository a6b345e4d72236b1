"""Documents as schemas describe them, without marshmallow's four calls for each of their fields.

A page of 20 runs has 600 fields, most of them strings and numbers that are written as they are. What is the same for
each document of a schema is looked at once, and values that need nothing are taken over. All else is left to the
field, so a document is the one that `Schema.dump` gives.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import marshmallow as ma
from marshmallow.decorators import POST_DUMP, PRE_DUMP

from gonemaster_api.rest.fields import Instant

_NONE = type(None)
# By the method that writes a field, which subclasses share: values of which types it returns as they are.
_AS_THEY_ARE: dict[Any, frozenset[type]] = {
    ma.fields.String._serialize: frozenset({_NONE, str}),  # noqa: SLF001 - what a subclass overrides
    ma.fields.Field._serialize: frozenset({_NONE, bool, str, int, float, dict, list}),  # noqa: SLF001 - returns all
    Instant._serialize: frozenset({_NONE}),  # noqa: SLF001
    ma.fields.Nested._serialize: frozenset({_NONE}),  # noqa: SLF001
    ma.fields.List._serialize: frozenset({_NONE}),  # noqa: SLF001
}
_OF_NUMBER = {int: frozenset({_NONE, int}), float: frozenset({_NONE, float})}


class _Part(NamedTuple):
    """One field of a schema."""

    key: str  # in the document
    name: str  # in what it is made from
    as_they_are: frozenset[type]
    write: Callable[[Any, Any], Any]  # from the value, and what it belongs to
    field: ma.fields.Field[Any]


class Dumper:
    """Writes documents of one schema: call it as `Schema.dump`."""

    def __init__(self, schema: ma.Schema) -> None:
        self._schema = schema
        self._is_plain = _is_plain(schema)
        self._parts = [_part(name, field) for name, field in schema.dump_fields.items()] if self._is_plain else []

    def __call__(self, obj: Any, *, many: bool | None = None) -> Any:
        """Return the document of an object, or of each object if there are many."""
        if not self._is_plain:
            return type(self._schema).dump(self._schema, obj, many=many)
        if (self._schema.many if many is None else many) and obj is not None:
            return [self.one(each) for each in obj]
        return self.one(obj)

    def one(self, obj: Any) -> dict[str, Any]:
        """Return the document of one object."""
        missing, document, is_dict = ma.missing, {}, type(obj) is dict
        for key, name, as_they_are, write, field in self._parts:
            value = obj.get(name, missing) if is_dict else missing
            if value is missing:
                value = self._schema.get_attribute(obj, name, missing)
                if value is missing:
                    value = field.dump_default() if callable(field.dump_default) else field.dump_default
                    if value is missing:
                        continue
            document[key] = value if type(value) in as_they_are else write(value, obj)
        return document


def quick(schema: ma.Schema) -> ma.Schema:
    """Let a schema write documents by a Dumper."""
    schema.dump = Dumper(schema)  # type: ignore[method-assign]  # of this object alone
    return schema


def _is_plain(schema: ma.Schema) -> bool:
    """Say whether the schema is written field by field, in the usual way."""
    hooks = schema._hooks  # noqa: SLF001 - there is no other way to see them
    if type(schema)._serialize is not ma.Schema._serialize or hooks[PRE_DUMP] or hooks[POST_DUMP]:  # noqa: SLF001
        return False
    kinds: list[Any] = [type(field) for field in schema.dump_fields.values()]
    return all(kind.serialize is ma.fields.Field.serialize and kind._CHECK_ATTRIBUTE for kind in kinds)  # noqa: SLF001


def _part(name: str, field: ma.fields.Field[Any]) -> _Part:
    key = name if field.data_key is None else field.data_key
    source = name if field.attribute is None else field.attribute
    return _Part(key, source, _as_they_are(field), _writer(name, field), field)


def _as_they_are(field: ma.fields.Field[Any]) -> frozenset[type]:
    if isinstance(field, ma.fields.Number) and _method(field) is ma.fields.Number._serialize:  # noqa: SLF001
        return frozenset() if field.as_string else _OF_NUMBER.get(field.num_type, frozenset())
    return _AS_THEY_ARE.get(_method(field), frozenset())


def _writer(name: str, field: ma.fields.Field[Any]) -> Callable[[Any, Any], Any]:
    if isinstance(field, ma.fields.Nested) and _method(field) is ma.fields.Nested._serialize:  # noqa: SLF001
        return _nested_writer(field)
    if isinstance(field, ma.fields.List) and _method(field) is ma.fields.List._serialize:  # noqa: SLF001
        same, write = _as_they_are(field.inner), _writer(name, field.inner)
        return lambda values, obj: [each if type(each) in same else write(each, obj) for each in values]
    return lambda value, obj: field._serialize(value, name, obj)  # noqa: SLF001


def _method(field: ma.fields.Field[Any]) -> Any:
    return type(field)._serialize  # noqa: SLF001


def _nested_writer(field: ma.fields.Nested) -> Callable[[Any, Any], Any]:
    """Return what writes a nested object; its schema is looked at with the first one, as it may nest itself."""
    made: list[Dumper] = []

    def write(value: Any, _obj: Any) -> Any:
        if not made:
            made.append(Dumper(field.schema))
        return made[0](value, many=field.schema.many or field.many)

    return write
