"""JSON encoding of responses with msgspec."""

from typing import Any

import msgspec
from flask.json.provider import DefaultJSONProvider


def _encode_other(value: object) -> object:
    """Return a value that msgspec can encode: a plain string for a `str` subclass like `Text`, or Flask's default."""
    return str(value) if isinstance(value, str) else DefaultJSONProvider.default(value)


_AS_RESPONSE = {"separators": (",", ":")}  # the arguments that Flask passes


class JsonProvider(DefaultJSONProvider):
    """Flask's JSON provider with the msgspec encoder. Members keep their order, and text is UTF-8.

    msgspec takes a quarter of the time of the standard library, during which no other thread runs.
    """

    sort_keys = False
    _encoder = msgspec.json.Encoder(enc_hook=_encode_other)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return an object as JSON. Options are those of `json.dumps` and require the standard encoder."""
        if kwargs not in ({}, _AS_RESPONSE):
            return super().dumps(obj, **kwargs)
        try:
            return self._encoder.encode(obj).decode()
        except UnicodeEncodeError:  # a lone surrogate, which JSON can only represent as an escape
            return super().dumps(obj)
