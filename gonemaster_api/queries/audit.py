"""Operator actions as documents."""

from collections.abc import Mapping
from typing import Any

from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.rest.parsing import time_range
from gonemaster_api.state import State
from gonemaster_db.service.audit import list_actions


def read_actions(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of operator actions, newest first.

    Raises:
        BadRequest: invalid_time_range.
    """
    part = slice_of(query)
    criteria = {name: query[name] for name in ("action", "who", "target")} | time_range(query, "after", "before")
    with state.store.read_only() as session:
        page = list_actions(session, **criteria, limit=part.limit, offset=part.offset)
    return page_document(list(page.items), page.total, part)
