"""How requests are read: strict JSON, and one code for the first thing that is wrong."""

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, NoReturn

import flask
import marshmallow as ma
from webargs.flaskparser import FlaskParser, is_json_request

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.web.body_limits import read_body

# What no text column can hold: NUL, and halves of surrogate pairs. JSON can carry both only as escapes.
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
MAX_DEPTH = 100
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_NULL = "must not be null"
# Messages of the library in the words of our own fields, and saying what is allowed.
_WORDS = {
    "Not a valid string.": "must be a text",
    "Not a valid list.": "must be a list",
    "Not a valid mapping type.": "must be an object",
    "Not a valid boolean.": "must be true or false",
    "Invalid input type.": "must be an object",
    "Missing data for required field.": "must be given",
    "Field may not be null.": _NULL,
}


class RequestSchema(ma.Schema):
    """A request. What it does not know is refused, so that a typing error is never passed over.

    `error_codes` names the code of a field where `missing_<field>` and `invalid_<field>` are not it, `missing_codes`
    that of a field that was not given; with `optional_body` a request without a body is read as an empty object;
    `example` is shown in the document.
    """

    error_codes: ClassVar[Mapping[str, str]] = {}
    missing_codes: ClassVar[Mapping[str, str]] = {}
    optional_body: ClassVar[bool] = False
    example: ClassVar[Mapping[str, Any] | None] = None

    class Meta:
        """Unknown fields are an error, and fields keep their order in messages."""

        unknown = ma.RAISE


class QuerySchema(ma.Schema):
    """The query of an address. Parameters that it does not know are passed over."""

    error_codes: ClassVar[Mapping[str, str]] = {}

    class Meta:
        """Links may carry parameters that are meant for others."""

        unknown = ma.EXCLUDE


class StrictParser(FlaskParser):
    """The webargs parser with the error codes of the contract."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: flask.Request, schema: ma.Schema) -> Any:
        """Return the body; an empty one is let pass only where the schema says so."""
        if not read_body(req):
            if getattr(schema, "optional_body", False):
                return {}
            raise BadRequest("invalid_json", "the body is empty; a JSON object is expected")
        return super().load_json(req, schema)

    def _raw_load_json(self, req: flask.Request) -> Any:
        if not is_json_request(req):
            raise ApiError(415, "unsupported_media_type", "the body must be sent as application/json")
        if req.content_encoding not in (None, "", "identity"):
            raise ApiError(415, "unsupported_media_type", "the body must not be packed")
        return parse_json(read_body(req))

    def handle_error(self, error: ma.ValidationError, req: flask.Request, schema: ma.Schema, **_: Any) -> NoReturn:
        """Turn the errors of a schema into one refusal; the code is that of the first field in order."""
        by_location = error.messages_dict
        location, messages = next(iter(by_location.items()))
        raise _refusal(messages, error.data, schema, location=location)


def register_text_checks(app: flask.Flask) -> None:
    """Refuse NUL in path and query at once: no name has one, and PostgreSQL takes none in any text."""

    def refuse_nul() -> None:
        query = flask.request.args.items(multi=True)
        if "\0" in flask.request.path or any("\0" in text for pair in query for text in pair):
            raise BadRequest("invalid_query", "the address holds the character NUL")

    app.before_request(refuse_nul)


def parse_json(raw: bytes) -> Any:
    """Parse a body.

    Raises:
        BadRequest: it is not UTF-8, not JSON as RFC 8259 has it, too deep, or holds text that cannot be stored.
    """
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise BadRequest("invalid_json", f"the body is not UTF-8: {error.reason} at byte {error.start}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise BadRequest("invalid_json", f"the body is not JSON: {error.msg} at {where}") from error
    except RecursionError as error:
        raise BadRequest("invalid_json", "the body is nested too deeply") from error
    except ValueError as error:
        raise BadRequest("invalid_json", f"the body is not JSON: {error}") from error
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        _check_depth(document)
    if _SUSPECT_ESCAPE.search(raw):
        _check_text(document)
    return document


def time_range(query: Mapping[str, Any], after: str, before: str) -> dict[str, datetime | None]:
    """Read two bounds, both outside of the range.

    Raises:
        BadRequest: invalid_time_range, nothing can lie between them.
    """
    begin, end = query.get(after), query.get(before)
    if begin is not None and end is not None and begin >= end:
        raise BadRequest("invalid_time_range", f"{after} is not before {before}")
    return {after: begin, before: end}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:30]} is too large")
    return number


def _check_depth(document: Any) -> None:
    """Refuse what would exhaust the stack of whoever walks through it."""
    level, depth = [document], 0
    while level := [child for node in level for child in _children(node)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise BadRequest("invalid_json", f"the body is nested more than {MAX_DEPTH} levels deep")


def _check_text(document: Any) -> None:
    waiting = [document]
    while waiting:
        node = waiting.pop()
        waiting += _children(node)
        texts = node if isinstance(node, dict) else [node] if isinstance(node, str) else ()
        if any(_UNSTORABLE.search(text) for text in texts):
            raise BadRequest("invalid_json", "the body holds NUL or half of a surrogate pair; neither can be stored")


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _refusal(messages: Any, data: Any, schema: ma.Schema, *, location: str) -> BadRequest:
    if not isinstance(messages, dict) or "_schema" in messages:
        return BadRequest("invalid_json", "the body must be a JSON object")
    known = [field.data_key or name for name, field in schema.fields.items() if not field.dump_only]
    unknown = [name for name in messages if name not in known]
    if unknown:
        return BadRequest(
            "unknown_field",
            f"unknown field {str(unknown[0])[:100]!r}; allowed are {', '.join(sorted(known))}",
            details={"fields": [str(name)[:100] for name in unknown[:20]], "allowed": sorted(known)},
        )
    name = next(key for key in known if key in messages)
    reason = _first(messages[name])
    missing = _is_missing(data, name, schema)
    codes = dict(getattr(schema, "error_codes", {}))
    if missing:
        codes |= getattr(schema, "missing_codes", {})
    code = codes.get(name, f"missing_{name}" if missing else f"invalid_{name}")
    message = f"{name} is missing" if missing and reason != _NULL else f"{name}: {reason}"
    return BadRequest(code, message, details={"field": name, "in": location, "messages": _plain(messages[name])})


def _is_missing(data: Any, name: str, schema: ma.Schema) -> bool:
    """Say whether a field was not given; an empty text for a field that has to be given counts as nothing."""
    given = data.get(name) if hasattr(data, "get") else None
    is_required = any(field.required for key, field in schema.fields.items() if (field.data_key or key) == name)
    return given in (None, ma.missing) or (given == "" and is_required)


def _first(messages: Any, path: str = "") -> str:
    """Give the first message of a tree, with the path that leads to it."""
    if isinstance(messages, dict):
        key, inner = next(iter(messages.items()))
        return _first(inner, path if key == "_schema" else f"{path}{key}: ")
    return path + _worded(messages[0] if isinstance(messages, list) else messages)


def _plain(messages: Any) -> Any:
    """Give a tree of messages in JSON form, at most 20 items a node."""
    if isinstance(messages, dict):
        return {str(key)[:100]: _plain(value) for key, value in list(messages.items())[:20]}
    return [_worded(message) for message in messages[:20]] if isinstance(messages, list) else messages


def _worded(message: Any) -> str:
    return _WORDS.get(str(message), str(message))
