"""Descriptions of requests, lists and event streams."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from urllib.parse import quote

T_co = TypeVar("T_co", covariant=True)

MAX_PAGE = 500
Query = Mapping[str, Any]


@dataclass(frozen=True)
class Call(Generic[T_co]):
    """A request; `T_co` is the type of the document in its response.

    Parts of the path are quoted. An idempotency key makes a submission repeatable: the server executes it once.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    key: str = ""
    content_type: str = "application/json"
    """Of the body."""
    is_repeatable: bool = True
    is_public: bool = False
    """Whether the path is below /pub/api/v1 instead of /api/v1."""
    least_timeout_s: float = 0.0
    """The time that the server may need for this request, even if the client has a shorter time limit."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers of this request."""

    def with_query(self, **changes: Any) -> "Call[T_co]":
        """Return the same request with changed parameters."""
        return replace(self, query={**self.query, **as_query(changes)})


@dataclass(frozen=True)
class Pages(Generic[T_co]):
    """A list that the server sends in pages; `T_co` is the type of its items.

    `is_after` lists continue after the last item (`next_after`), all others at a position (`next_cursor`).
    """

    first: Call[Any]
    is_after: bool = False

    def items(self, document: Any) -> list[T_co]:
        """Return the items of a page; some lists are bare arrays."""
        found: list[T_co] = document["items"] if isinstance(document, dict) else document
        return found

    def following(self, call: Call[Any], document: Any) -> Call[Any] | None:
        """Return the request for the next page, or None after the last page."""
        if not isinstance(document, dict):
            limit, offset = int(call.query.get("limit", "100")), int(call.query.get("offset", "0"))
            return call.with_query(limit=limit, offset=offset + limit) if len(document) == limit else None
        name, value = ("after", "next_after") if self.is_after else ("cursor", "next_cursor")
        return call.with_query(**{name: document[value]}) if document.get(value) else None

    def with_limit(self, limit: int | None) -> "Pages[T_co]":
        """Return the same list in pages that are no larger than needed for a number of items."""
        size = MAX_PAGE if limit is None else max(1, min(MAX_PAGE, limit))
        return replace(self, first=self.first.with_query(limit=size))


@dataclass(frozen=True)
class Stream:
    """A stream of events, which ends with the event `done`."""

    path: str


def path_of(template: str, *parts: object) -> str:
    """Return a path with quoted parts: `path_of("/jobs/{}", id)`."""
    return template.format(*(quote(str(part), safe="") for part in parts))


def as_query(values: Query) -> dict[str, str]:
    """Return parameters as text; parameters without a value are omitted."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in values.items()
        if value is not None and value != ""
    }


def get(template: str, *parts: object, query: Query | None = None, is_public: bool = False) -> Call[Any]:
    """Describe a request that reads."""
    return Call("GET", path_of(template, *parts), as_query(query or {}), is_public=is_public)


def change(method: str, template: str, *parts: object, body: Any = None, is_repeatable: bool = True) -> Call[Any]:
    """Describe a request that changes data. Nearly all have the same effect if they are repeated."""
    return Call(method, path_of(template, *parts), {}, as_body(body), is_repeatable=is_repeatable)


def submission(template: str, *parts: object, body: Any, key: str = "") -> Call[Any]:
    """Describe a submission. Its random idempotency key lets the client repeat it without a second job."""
    return Call("POST", path_of(template, *parts), {}, as_body(body), key=key or uuid.uuid4().hex)


def as_body(body: Any) -> bytes | None:
    """Return a body as JSON; bytes are JSON already."""
    return body if body is None or isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
