"""JSON of responses, written so that a large document does not keep other threads waiting."""

import json
from collections.abc import Iterator
from typing import Any

from flask.json.provider import DefaultJSONProvider

_ITEMS_AT_ONCE = 10
_MAX_DEPTH = 4  # of the lists that are written in parts


class JsonProvider(DefaultJSONProvider):
    """Flask's provider with members in their order, and long lists written a few items at a time.

    The encoder of the standard library lets no other thread run: a page of 8 MB took 20 ms at a time.
    """

    sort_keys = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return what Flask's provider would."""
        defaults = {"default": self.default, "ensure_ascii": self.ensure_ascii, "sort_keys": self.sort_keys}
        options: dict[str, Any] = defaults | kwargs
        encoder = json.JSONEncoder(**options)
        if options["sort_keys"] or options.get("indent") is not None:
            return encoder.encode(obj)
        return "".join(_parts(encoder, obj, _MAX_DEPTH))


def _parts(encoder: json.JSONEncoder, value: Any, depth: int) -> Iterator[str]:
    if depth and type(value) is list and len(value) > _ITEMS_AT_ONCE:
        yield from _list_parts(encoder, value, depth)
    elif depth and type(value) is dict and any(type(item) in (list, dict) for item in value.values()):
        yield from _object_parts(encoder, value, depth)
    else:
        yield encoder.encode(value)


def _list_parts(encoder: json.JSONEncoder, items: list[Any], depth: int) -> Iterator[str]:
    separator = "["
    for start in range(0, len(items), _ITEMS_AT_ONCE):
        yield separator
        yield encoder.encode(items[start : start + _ITEMS_AT_ONCE])[1:-1]
        separator = encoder.item_separator
    yield "]"


def _object_parts(encoder: json.JSONEncoder, members: dict[Any, Any], depth: int) -> Iterator[str]:
    separator = "{"
    for name, value in members.items():
        if type(value) in (list, dict):
            yield separator + encoder.encode({name: None}).removesuffix("null}").removeprefix("{")
            yield from _parts(encoder, value, depth - 1)
        else:
            yield separator + encoder.encode({name: value})[1:-1]
        separator = encoder.item_separator
    yield "}"
