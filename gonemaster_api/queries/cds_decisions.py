"""Decisions about DS records as documents and as CSV."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from gonemaster_api.queries.searching import stored_form
from gonemaster_api.state import State
from gonemaster_db.service.cds_decisions import DecisionFilter, decisions_after, decisions_before, get_decision
from gonemaster_engine.findings.messages.formatting import escape_formula
from gonemaster_tasks.maintenance.watches.decisions import decision_document

_ROWS_AT_A_TIME = 1000
_COLUMNS = ("id", "decided_at", "domain", "action", "reason", "ds", "current_ds", "watch_id")


def read_decisions(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the decisions after a cursor, and the cursor that continues."""
    rows = _rows(state, query, query["cursor"], limit=query["limit"])
    return {
        "items": [decision_document(row) for row in rows],
        "next_cursor": rows[-1].key if rows else query["cursor"],
    }


def read_newest_decisions(state: State, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return decisions, newest first, and the id before which older ones follow; None if there are no more."""
    limit = query["limit"]
    with state.store.read_only() as session:
        rows = decisions_before(session, query.get("before"), limit=limit + 1, chosen=_filter(query))
    items = [decision_document(row) for row in rows[:limit]]
    return {"items": items, "next_before": items[-1]["id"] if len(rows) > limit else None}


def read_decision(state: State, key: int) -> dict[str, Any]:
    """Return a decision with its evidence. Raises DecisionNotFound."""
    with state.store.read_only() as session:
        decision = get_decision(session, key)
        return decision_document(decision) | {"evidence": json.loads(decision.evidence)}


def stream_decisions(state: State, query: Mapping[str, Any]) -> Iterator[str]:
    """Yield the decisions after a cursor as CSV; records of a set are separated by semicolons."""
    yield _csv([_COLUMNS])
    cursor = query["cursor"]
    while rows := _rows(state, query, cursor, limit=_ROWS_AT_A_TIME):
        yield _csv([_cells(row) for row in rows])
        cursor = rows[-1].key


def _rows(state: State, query: Mapping[str, Any], after: int, *, limit: int) -> Any:
    with state.store.read_only() as session:
        return decisions_after(session, after, limit=limit, chosen=_filter(query))


def _filter(query: Mapping[str, Any]) -> DecisionFilter:
    chosen = {name: query.get(name) for name in ("action", "reason", "tag", "watch_id")}
    return DecisionFilter(domain=stored_form(query.get("domain")), **chosen)


def _cells(row: Any) -> list[str]:
    document = decision_document(row) | {"ds": "; ".join(row.ds), "current_ds": "; ".join(row.current_ds)}
    return [escape_formula("" if document[name] is None else str(document[name])) for name in _COLUMNS]


def _csv(rows: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
