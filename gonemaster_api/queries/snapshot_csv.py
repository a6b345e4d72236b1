"""All domains of a snapshot as one CSV file."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from gonemaster_api.errors import NotFound
from gonemaster_api.queries.causes import worst_first
from gonemaster_api.rest.fields import rfc3339
from gonemaster_api.state import State
from gonemaster_db.analysis.snapshots import get_snapshot
from gonemaster_db.analysis.views.rows import DOMAIN_FIELDS, domains_after
from gonemaster_db.runs.causes import read_cause_sets
from gonemaster_engine.findings.messages.formatting import escape_formula

_ROWS_AT_A_TIME = 1000
_TITLES = {"name": "domain", "cause_set_id": "causes"}
_SCORES = frozenset(("score", "grade"))


def stream_snapshot(state: State, cohort_id: int, slug: str) -> Iterator[str]:
    """Return the CSV of a snapshot in pieces, in order of domain. Scores are omitted unless the admin API shows them.

    Raises:
        SnapshotNotFound: no such snapshot.
        NotFound: the snapshot was never captured.
    """
    with state.store.read_only() as session:
        view_id = get_snapshot(session, cohort_id, slug).view_id
    if view_id is None:
        raise NotFound("snapshot", slug)
    names = [name for name in DOMAIN_FIELDS if state.settings.show_score_admin or name not in _SCORES]
    return _pieces(state, view_id, names)


def _pieces(state: State, view_id: int, names: list[str]) -> Iterator[str]:
    yield _csv([[_TITLES.get(name, name) for name in names]])
    last = -1
    while True:
        with state.store.read_only() as session:
            rows = domains_after(session, view_id, last, limit=_ROWS_AT_A_TIME)
            causes = read_cause_sets(session, {row.cause_set_id for row in rows})
        if not rows:
            return
        yield _csv([[_cell(_value(row, name, causes)) for name in names] for row in rows])
        last = rows[-1].position


def _value(row: Any, name: str, causes: Mapping[int, Sequence[str]]) -> object:
    return " ".join(worst_first(causes.get(row.cause_set_id, ()))) if name == "cause_set_id" else getattr(row, name)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return escape_formula(rfc3339(value) if isinstance(value, datetime) else str(value))


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
