"""The differences of two batches as a document."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.queries.causes import cause_changes, only_in
from gonemaster_api.state import State
from gonemaster_db.batches.batch_comparison import (
    ChangeKind,
    DomainDifference,
    count_differences,
    list_differences,
)
from gonemaster_db.batches.batches import count_unfinished, get_batch
from gonemaster_engine.findings.messages import DEFAULT_LOCALE


def read_batch_diff(
    state: State, before: str, after: str, query: Mapping[str, Any], *, locale: str = DEFAULT_LOCALE
) -> dict[str, Any]:
    """Return a page of differences, the first one with the counts and causes. Raises BatchNotFound."""
    kinds = (ChangeKind(query["kind"]),) if query.get("kind") else tuple(ChangeKind)
    with state.store.read_only() as session:
        document = {"before": _batch(session, before), "after": _batch(session, after)}
        page = list_differences(
            session,
            before,
            after,
            min_level=query["min_level"],
            with_args=query["args"],
            kinds=kinds,
            cause=query["cause"],
            cursor=query["after"],
            limit=query["limit"],
        )
        if not query["after"]:
            document["counts"] = counts = count_differences(session, before, after)
            document["causes"] = cause_changes(counts.causes, locale=locale)
    document |= {
        "min_level": query["min_level"],
        "items": [_item(item) for item in page.items],
        "limit": query["limit"],
    }
    return document if page.next_cursor is None else document | {"next_after": page.next_cursor}


def _batch(session: Session, batch_id: str) -> Any:
    batch = get_batch(session, batch_id)
    return {
        "batch_id": batch.id,
        "tag": batch.tag,
        "created_at": batch.created_at,
        "status": "running" if count_unfinished(session, batch_id) else "done",
    }


def _item(item: DomainDifference) -> dict[str, Any]:
    found = item.difference
    was, now = ((side.causes if side else None) for side in (item.before, item.after))
    return {
        "domain": item.domain,
        "kind": item.kind.value,
        "before": item.before,
        "after": item.after,
        "added": found.added,
        "cleared": found.cleared,
        "changed": found.changed,
        "causes": {"appeared": only_in(now, was), "cleared": only_in(was, now)},
    }
