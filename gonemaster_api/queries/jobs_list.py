"""The list of jobs: filters of a query and the page they give."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries import jobs as job_view
from gonemaster_api.rest.paging import page_document, slice_of
from gonemaster_api.state import State
from gonemaster_db.filters import JobFilter
from gonemaster_db.repositories.job_list import list_jobs


def read(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Give a page of jobs.

    Raises:
        BadRequest: invalid_cursor, invalid_time_range.
    """
    part = slice_of(query)
    wanted = JobFilter(
        status=query.get("status"),
        batch_id=query.get("batch_id"),
        domain=query.get("domain"),
        severity=query.get("severity"),
        **time_range(query, "created_after", "created_before"),
    )
    with state.store.read_only() as session:
        page = list_jobs(session, wanted, sort=query["sort"], limit=part.limit, offset=part.offset)
    return page_document(job_view.show_all(state, page.items), page.total, part) | {"sort": query["sort"]}


def time_range(query: Mapping[str, Any], after: str, before: str) -> dict[str, datetime | None]:
    """Read two bounds, both outside of the range.

    Raises:
        BadRequest: invalid_time_range, nothing can lie between them.
    """
    begin, end = query.get(after), query.get(before)
    if begin is not None and end is not None and begin >= end:
        raise BadRequest("invalid_time_range", f"{after} is not before {before}")
    return {after: begin, before: end}
