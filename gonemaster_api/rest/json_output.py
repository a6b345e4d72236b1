"""JSON of responses, written by msgspec."""

from typing import Any

import msgspec
from flask.json.provider import DefaultJSONProvider


def _encode_other(value: object) -> object:
    """Return what msgspec can write: a plain string for a subclass of `str`, such as `Text`; else what Flask writes."""
    return str(value) if isinstance(value, str) else DefaultJSONProvider.default(value)


_AS_RESPONSE = {"separators": (",", ":")}  # what Flask asks for


class JsonProvider(DefaultJSONProvider):
    """Flask's provider, but for its encoder: members keep their order, and text is UTF-8.

    msgspec takes a quarter of the time of the standard library, in which no other thread runs: 30 us in place of 130
    for a page of 25 entries, 13 ms in place of 49 for 5 MB.
    """

    sort_keys = False
    _encoder = msgspec.json.Encoder(enc_hook=_encode_other)

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return an object as JSON; options are those of `json.dumps`, and need its encoder."""
        if kwargs not in ({}, _AS_RESPONSE):
            return super().dumps(obj, **kwargs)
        try:
            return self._encoder.encode(obj).decode()
        except UnicodeEncodeError:  # a lone surrogate, which JSON can only escape
            return super().dumps(obj)
