"""Helpers shared by the lists of the admin pages."""

from collections.abc import Callable, Mapping
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.policies.documents import policy_names
from gonemaster_api.queries.tags import read_tag_names
from gonemaster_api.state import State
from gonemaster_api.ui.shell.forms.forms import PageQuery, problem_of
from gonemaster_api.ui.shell.texts.languages import gettext
from gonemaster_db.core.states import Keep

SIZES = ("25", "50", "100", "250", "500")
_MAX_TAGS = 500  # The maximum number of tags in a filter or field.
_DOUBTFUL = ("cursor", "created_after", "created_before")  # The schema accepts their values; the query may not.


def read_list(query: PageQuery, read: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Read a page of a list; if a value of the query is invalid, record the problem and read without the value."""
    try:
        return read(query.values)
    except BadRequest as error:
        query.problems.append(problem_of(error))
        return read({name: value for name, value in query.values.items() if name not in _DOUBTFUL})


def tag_names(state: State) -> list[str]:
    """Return the sorted names of tags for a filter or a field."""
    return read_tag_names(state, limit=_MAX_TAGS)


def policy_options(state: State, chosen: str) -> list[tuple[str, str]]:
    """Return values and labels for the policy field of a form; the chosen policy is included if it was deleted."""
    known = policy_names(state)
    return [("", gettext("No policy")), *((name, name) for name in known + [chosen] * (chosen not in ("", *known)))]


def keep_options(unset: str) -> list[tuple[str, str]]:
    """Return values and labels for the field that says what is kept of runs; `unset` labels the empty value."""
    labels = {
        Keep.FULL: gettext("everything"),
        Keep.FINDINGS: gettext("findings of level WARNING and worse"),
        Keep.FACTS: gettext("only the facts"),
    }
    return [("", unset), *((keep.value, labels[keep]) for keep in Keep)]


def store_no_response(_session: object, _document: object) -> None:
    """Store no response: a form has no Idempotency-Key."""
