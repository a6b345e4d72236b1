"""Pages of lists: the query parameters and the document around the items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.fields import QueryInteger
from gonemaster_api.rest.parsing import QuerySchema
from gonemaster_engine.texts import Text

MAX_LIMIT = 500
_MAX_OFFSET = 2**31 - 1


def cursor_field() -> ma.fields.String:
    """Return the field for `next_cursor` and `prev_cursor`."""
    return ma.fields.String(
        validate=validate.Length(max=10), metadata={"description": "next_cursor or prev_cursor of another page"}
    )


class PagingSchema(QuerySchema):
    """A slice of a list by length and offset, or by a cursor, which overrides the offset."""

    limit = QueryInteger(load_default=100, validate=validate.Range(1, MAX_LIMIT))
    offset = QueryInteger(load_default=0, validate=validate.Range(0, _MAX_OFFSET))
    cursor = cursor_field()


class CursorPagingSchema(PagingSchema):
    """A slice of a list that can also be selected by page number.

    A cursor overrides the page, a page overrides the offset.
    """

    page = QueryInteger(validate=validate.Range(1, _MAX_OFFSET))
    page_size = QueryInteger(validate=validate.Range(1, MAX_LIMIT))


@dataclass(frozen=True)
class Slice:
    """The requested part of a list."""

    limit: int
    offset: int


def slice_of(query: Mapping[str, Any]) -> Slice:
    """Return the slice that the paging parameters select.

    Raises:
        BadRequest: invalid_cursor.
    """
    limit = query.get("page_size") or query["limit"]
    if query.get("cursor") is not None:
        return Slice(limit, _offset_of(query["cursor"]))
    if query.get("page") is not None:
        return Slice(limit, min(_MAX_OFFSET, (query["page"] - 1) * limit))
    return Slice(limit, query["offset"])


def _offset_of(cursor: str) -> int:
    # The cursor is the offset as a string. This is not part of the contract, so clients must not rely on it.
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > 10 or int(cursor) > _MAX_OFFSET:
        raise BadRequest("invalid_cursor", Text("cursor must be a value from another page"))
    return int(cursor)


def page_document(items: list[Any], total: int, part: Slice, *, is_cut: bool = False) -> dict[str, Any]:
    """Return the document of a page; the first and last pages omit a cursor.

    A page that is cut ends before its limit.
    """
    document: dict[str, Any] = {"items": items, "total": total, "limit": part.limit, "offset": part.offset}
    next_offset = part.offset + (len(items) if is_cut else part.limit)
    if next_offset < total:
        document["next_cursor"] = str(next_offset)
    if part.offset > 0:
        document["prev_cursor"] = str(max(0, part.offset - part.limit))
    return document


def page_schema(item: type[ma.Schema], name: str, **more: ma.fields.Field[Any]) -> type[ma.Schema]:
    """Return the schema of a page of one kind of item."""
    return ma.Schema.from_dict(
        {
            "items": ma.fields.List(ma.fields.Nested(item), required=True),
            "total": ma.fields.Integer(required=True),
            "limit": ma.fields.Integer(required=True),
            "offset": ma.fields.Integer(required=True),
            "next_cursor": ma.fields.String(),
            "prev_cursor": ma.fields.String(),
            **more,
        },
        name=f"{name}PageSchema",
    )
