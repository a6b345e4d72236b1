"""Values that the store alone decides: ids of domains and entries, and its own times. They must never change."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from tests.support.histories.differences import difference
from tests.support.histories.lists import entry_document
from tests.support.histories.reference import Reference
from tests.support.histories.rows import RunRow
from tests.support.histories.steps import History

_WALK = 500


def learn_domains(history: History) -> None:
    """Read all domains and tags; record new values, and check that known values are unchanged."""
    reference = history.reference
    _learn_domains(reference, history.call("GET", f"/domains?limit={_WALK}")["items"])
    for row in history.call("GET", f"/tags?limit={_WALK}"):
        tag = reference.tags[row["name"]]
        tag.created_at = tag.created_at or datetime.fromisoformat(row["created_at"])


def _learn_domains(reference: Reference, rows: Sequence[dict[str, Any]]) -> None:
    assert [row["name"] for row in rows] == sorted(reference.domains)
    for row in rows:
        known = reference.domains[row["name"]]
        assert known.id in (0, row["id"]), f"{known.name} has another id than before"
        known.id = row["id"]
        known.created_at = known.created_at or datetime.fromisoformat(row["created_at"])
    assert len({row["id"] for row in rows}) == len(rows)


def _walk_entries(history: History) -> Iterator[dict[str, Any]]:
    query = {"limit": str(_WALK)}
    while True:
        page = history.call("GET", f"/entries?{urlencode(query)}")
        yield from page["items"]
        if "next_after" not in page:
            return
        query["after"] = page["next_after"]


def learn_entries(history: History) -> None:
    """Read all entries; record their ids, and check that known values are unchanged."""
    reference = history.reference
    by_run: dict[str, list[dict[str, Any]]] = {}
    for item in _walk_entries(history):
        by_run.setdefault(item["run_id"], []).append(item)
    assert list(by_run) == sorted(run.id for run in reference.runs.values() if run.lines)
    for run_id, items in by_run.items():
        _learn_run(reference, reference.runs[run_id], items)
    ids = [number for run in reference.runs.values() for number in run.entry_ids]
    assert len(set(ids)) == len(ids), "two entries have one id"


def _learn_run(reference: Reference, run: RunRow, items: list[dict[str, Any]]) -> None:
    ids = [item["id"] for item in items]
    assert ids == sorted(ids)
    assert run.entry_ids in ([], ids), f"entries of {run.id} have other ids than before"
    assert len(ids) == len(run.lines), f"{run.id} has {len(ids)} entries instead of {len(run.lines)}"
    run.entry_ids = ids
    expected = [entry_document(reference, (run, *each)) for each in zip(ids, run.lines, strict=True)]
    wrong = difference(expected, items)
    assert not wrong, f"entries of {run.id}: {wrong}"
