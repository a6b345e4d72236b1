"""The history of an object over the views of several snapshots."""

import enum
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.views.files.source import sessions_of_views
from gonemaster_db.analysis.views.rows import page_of_members
from gonemaster_db.models import (
    SnapshotAsn,
    SnapshotDomain,
    SnapshotNameserver,
    SnapshotOverview,
    SnapshotTag,
)


class HistoryKind(enum.StrEnum):
    """The kind of object that has a history."""

    NAMESERVER = "nameserver"
    ASN = "asn"
    TAG = "tag"
    DOMAIN = "domain"


_LATENCY = ("domain_count", "latency_p50_ms")
_SHOWN: Mapping[HistoryKind, tuple[Any, Any, tuple[str, ...]]] = {
    HistoryKind.NAMESERVER: (SnapshotNameserver, SnapshotNameserver.name, _LATENCY),
    HistoryKind.ASN: (SnapshotAsn, SnapshotAsn.asn, _LATENCY),
    HistoryKind.DOMAIN: (SnapshotDomain, SnapshotDomain.name, ("score", "grade")),
}


def read_distributions(session: Session, view_ids: Sequence[int]) -> dict[int, str]:
    """Return the distributions of views by view ID: JSON with counts by category and key."""
    columns = (SnapshotOverview.view_id, SnapshotOverview.fact_distributions)
    rows = session.execute(select(*columns).where(SnapshotOverview.view_id.in_(view_ids)))
    return {view_id: stored for view_id, stored in rows}  # noqa: C416  # rows are no pairs for dict()


def read_history(
    session: Session, view_ids: Sequence[int], kind: HistoryKind, key: str | int
) -> dict[int, dict[str, Any]]:
    """Return the values of an object by view; views without the object are absent."""
    if kind is HistoryKind.TAG:
        return _history_of_tag(session, view_ids, str(key))
    model, column, names = _SHOWN[kind]
    columns = [getattr(model, name) for name in names]
    found: dict[int, dict[str, Any]] = {}
    for reading, views in sessions_of_views(session, view_ids):
        rows = reading.execute(select(model.view_id, *columns).where(model.view_id.in_(views), column == key))
        found |= {view_id: dict(zip(names, values, strict=True)) for view_id, *values in rows}
    return found


def _history_of_tag(session: Session, view_ids: Sequence[int], tag: str) -> dict[int, dict[str, Any]]:
    columns = (SnapshotTag.view_id, SnapshotTag.position, SnapshotTag.domain_count)
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for reading, views in sessions_of_views(session, view_ids):
        query = select(*columns).where(SnapshotTag.view_id.in_(views), SnapshotTag.tag == tag)
        for view_id, position, count in reading.execute(query):
            found[view_id].append((position, count))
    return {view_id: {"domain_count": _domains_of_tag(session, view_id, rows)} for view_id, rows in found.items()}


def _domains_of_tag(session: Session, view_id: int, rows: Sequence[tuple[int, int]]) -> int:
    """Count the domains that have a message tag in any test case."""
    if len(rows) == 1:
        return rows[0][1]
    return page_of_members(session, view_id, "tag", [position for position, _ in rows], "domain", limit=1)[1]
