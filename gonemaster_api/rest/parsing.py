"""Parsing of requests: strict JSON, and the error code of the first error."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, ClassVar, NoReturn

import flask
import marshmallow as ma
from marshmallow import validate
from webargs.flaskparser import FlaskParser, is_json_request

from gonemaster_api.errors import ApiError, BadRequest
from gonemaster_api.rest.json_pieces import InvalidJson, JsonLimits, JsonPieces, children
from gonemaster_api.rest.messages import NULL, SCHEMA_MESSAGES
from gonemaster_api.state import state
from gonemaster_api.web.body_limits import read_blocks
from gonemaster_engine.texts import Text, joined, text_of

# No database column can store NUL or lone surrogates. In JSON both need an escape, so a search for escapes in each
# block makes a walk through the document unnecessary for nearly all requests.
_SUSPECT_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_MAX_ESCAPE_LENGTH = 6
_MAX_VALUES = 100_000  # in a body; the limit is higher if a batch may have more names
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class RequestSchema(ma.Schema):
    """The body of a request. Unknown fields are refused, so that a misspelt field is never silently ignored.

    - `error_codes`: codes of fields whose code is not `missing_<field>` or `invalid_<field>`.
    - `missing_codes`: codes of fields that are absent.
    - `optional_body`: an empty body counts as an empty object.
    - `unread`: the member that becomes a ValueList if it is long; its text may have characters that cannot be stored.
    - `example`: the example in the OpenAPI document.
    """

    error_codes: ClassVar[Mapping[str, str]] = {}
    missing_codes: ClassVar[Mapping[str, str]] = {}
    optional_body: ClassVar[bool] = False
    unread: ClassVar[str] = ""
    example: ClassVar[Mapping[str, Any] | None] = None

    error_messages = SCHEMA_MESSAGES

    class Meta:
        """Unknown fields are an error, and messages list the fields in their order."""

        unknown = ma.RAISE


class QuerySchema(ma.Schema):
    """The query of a URL. Unknown parameters are ignored."""

    error_codes: ClassVar[Mapping[str, str]] = {}

    class Meta:
        """URLs may contain parameters for other software, for example for campaigns."""

        unknown = ma.EXCLUDE


class LocaleQuerySchema(QuerySchema):
    """The requested language; English if the text is not translated."""

    locale = ma.fields.String(load_default="en", validate=validate.Length(max=35))


class StrictParser(FlaskParser):
    """The webargs parser with the error codes of this API."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: flask.Request, schema: ma.Schema) -> Any:
        """Return the body. An empty body is accepted only if the schema allows it."""
        blocks = read_blocks(req)
        first = next(blocks, b"")
        if not first:
            if getattr(schema, "optional_body", False):
                return {}
            raise BadRequest("invalid_json", Text("the body is empty; a JSON object is expected"))
        if not is_json_request(req):
            raise ApiError(415, "unsupported_media_type", Text("the body must be sent as application/json"))
        refuse_compressed(req)
        maximum = max(_MAX_VALUES, 2 * state().settings.max_batch_size)
        return parse_json(chain((first,), blocks), max_values=maximum, unread=getattr(schema, "unread", ""))

    def handle_error(self, error: ma.ValidationError, req: flask.Request, schema: ma.Schema, **_: Any) -> NoReturn:
        """Convert the errors of a schema into one error response. Its code is that of the first invalid field."""
        by_location = error.messages_dict
        location, messages = next(iter(by_location.items()))
        raise _refusal(messages, error.data, schema, location=location)


def register_text_checks(app: flask.Flask) -> None:
    """Refuse NUL in path and query. No name contains NUL, and PostgreSQL does not accept it in text."""

    def refuse_nul() -> None:
        query = flask.request.args.items(multi=True)
        if "\0" in flask.request.path or any("\0" in text for pair in query for text in pair):
            raise BadRequest("invalid_query", Text("path or query contains the character NUL"))

    app.before_request(refuse_nul)


def refuse_compressed(req: flask.Request) -> None:
    """Raise ApiError 415 for a body with a content encoding: its size before decoding says nothing."""
    if req.content_encoding not in (None, "", "identity"):
        raise ApiError(415, "unsupported_media_type", Text("the body must not be compressed"))


def parse_json(blocks: Iterable[bytes], *, max_values: int = _MAX_VALUES, unread: str = "") -> Any:
    """Parse a body that arrives in blocks; `unread` is as in JsonPieces.

    Raises:
        BadRequest: the body is not UTF-8 or not JSON (RFC 8259), exceeds a limit, or has text that cannot be stored.
    """
    suspect, end = False, b""

    def check(document: Any) -> None:
        if suspect:
            _check_text(document)

    pieces = JsonPieces(JsonLimits(values=max_values), check=check, unread=unread)
    try:
        for block in blocks:
            suspect = suspect or _SUSPECT_ESCAPE.search(end + block) is not None
            end = (end + block)[1 - _MAX_ESCAPE_LENGTH :]
            pieces.feed(block)
        return pieces.finish()
    except UnicodeDecodeError as error:
        raise BadRequest("invalid_json", Text("the body is not UTF-8: {reason}", reason=error.reason)) from error
    except InvalidJson as error:
        raise BadRequest("invalid_json", text_of(error)) from error


def storable(text: str) -> str:
    """Replace characters that no database column can store (NUL and lone surrogates) with U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def time_range(query: Mapping[str, Any], after: str, before: str) -> dict[str, datetime | None]:
    """Return the bounds of a time range; both are exclusive.

    Raises:
        BadRequest: invalid_time_range, because the range is empty.
    """
    begin, end = query.get(after), query.get(before)
    if begin is not None and end is not None and begin >= end:
        raise BadRequest("invalid_time_range", Text("{after} is not before {before}", after=after, before=before))
    return {after: begin, before: end}


def _check_text(document: Any) -> None:
    waiting = [document]
    while waiting:
        node = waiting.pop()
        waiting += children(node)
        texts = node if isinstance(node, dict) else [node] if isinstance(node, str) else ()
        if any(_UNSTORABLE.search(text) for text in texts):
            raise BadRequest("invalid_json", Text("the body contains NUL or a lone surrogate, which cannot be stored"))


def refusal_of_schema(error: ma.ValidationError, schema: ma.Schema) -> BadRequest:
    """Return the error response for a document that a view validates itself, such as a line of a body."""
    return _refusal(error.messages, error.data, schema, location="json")


def _refusal(messages: Any, data: Any, schema: ma.Schema, *, location: str) -> BadRequest:
    if not isinstance(messages, dict) or "_schema" in messages:
        return BadRequest("invalid_json", Text("the body must be a JSON object"))
    known = [field.data_key or name for name, field in schema.fields.items() if not field.dump_only]
    unknown = [name for name in messages if name not in known]
    if unknown:
        return BadRequest(
            "unknown_field",
            Text(
                "unknown field {unknown}; known fields: {allowed}",
                unknown=repr(str(unknown[0])[:100]),
                allowed=", ".join(sorted(known)),
            ),
            details={"fields": [str(name)[:100] for name in unknown[:20]], "allowed": sorted(known)},
        )
    name = next(key for key in known if key in messages)
    reason = _first(messages[name])
    missing = _is_missing(data, name, schema)
    codes = dict(getattr(schema, "error_codes", {}))
    if missing:
        codes |= getattr(schema, "missing_codes", {})
    code = codes.get(name, f"missing_{name}" if missing else f"invalid_{name}")
    message = Text("{name} is missing", name=name) if missing and reason != NULL else joined(": ", (name, reason))
    return BadRequest(code, message, details={"field": name, "in": location, "messages": _plain(messages[name])})


def _is_missing(data: Any, name: str, schema: ma.Schema) -> bool:
    """Return whether a field is absent. An empty string for a required field counts as absent."""
    given = data.get(name) if hasattr(data, "get") else None
    is_required = any(field.required for key, field in schema.fields.items() if (field.data_key or key) == name)
    return given in (None, ma.missing) or (given == "" and is_required)


def _first(messages: Any, path: str = "") -> str:
    """Return the first message of a tree, preceded by its path."""
    if isinstance(messages, dict):
        key, inner = next(iter(messages.items()))
        return _first(inner, path if key == "_schema" else f"{path}{key}: ")
    message = messages[0] if isinstance(messages, list) else messages
    return joined("", (path, message)) if path else message


def _plain(messages: Any) -> Any:
    """Return a tree of messages in JSON form, with at most 20 items per node."""
    if isinstance(messages, dict):
        return {str(key)[:100]: _plain(value) for key, value in list(messages.items())[:20]}
    return messages[:20] if isinstance(messages, list) else messages
