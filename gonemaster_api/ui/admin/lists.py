"""What the lists of the admin pages have in common."""

from collections.abc import Callable, Mapping
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.tags import read_tag_names
from gonemaster_api.state import State
from gonemaster_api.ui.shell.forms.forms import PageQuery, problem_of

SIZES = ("50", "100", "250", "500")
_MOST_TAGS = 500  # that a filter or a field offers
_DOUBTFUL = ("cursor", "created_after", "created_before")  # what a query can refuse that the schema accepts


def read_list(query: PageQuery, read: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Read a page of a list; where the query refuses something, note it and read without it."""
    try:
        return read(query.values)
    except BadRequest as error:
        query.problems.append(problem_of(error))
        return read({name: value for name, value in query.values.items() if name not in _DOUBTFUL})


def tag_names(state: State) -> list[str]:
    """Return the names of tags, in their order, for a filter or a field."""
    return read_tag_names(state, limit=_MOST_TAGS)


def keep_nothing(_session: object, _document: object) -> None:
    """Keep no response: a form has no Idempotency-Key."""
