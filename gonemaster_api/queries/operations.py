"""Operations as documents."""

from collections.abc import Mapping
from typing import Any

from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import State
from gonemaster_db.models import Operation
from gonemaster_db.service.operations import get_operation, list_operations, unfinished_operations

_MAX_UNFINISHED = 100


def read_operation(state: State, operation_id: str) -> Operation:
    """Return an operation. Raises OperationNotFound."""
    with state.store.read_only() as session:
        return get_operation(session, operation_id)


def read_unfinished_operations(state: State) -> list[Operation]:
    """Return the waiting and running operations, oldest first, at most a hundred."""
    with state.store.read_only() as session:
        return list(unfinished_operations(session, limit=_MAX_UNFINISHED))


def read_operations(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of operations, newest first."""
    part = slice_of(query)
    with state.store.read_only() as session:
        page = list_operations(
            session, status=query.get("status"), kind=query.get("kind"), limit=part.limit, offset=part.offset
        )
    return page_document(list(page.items), page.total, part)
