"""Stored comparisons of views: built once for each pair, in a limited number."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.clusters import Cluster, find_clusters
from gonemaster_db.analysis.column_views.comparing import DuckDbComparison, compare_in_duckdb
from gonemaster_db.analysis.comparison import ChangeCategory, Comparison, Cost, Moved, TagChange, compare_views
from gonemaster_db.analysis.public_snapshots import PublicSnapshot
from gonemaster_db.analysis.tag_changes import TagClass, TagKey, TagRules
from gonemaster_db.analysis.views.files.source import open_connection
from gonemaster_db.models import SnapshotComparison
from gonemaster_db.runs.causes import CauseChange
from gonemaster_db.runs.documents.columns import pack_columns, unpack_columns

MAX_COMPARISONS = 200  # in a database; the comparison of 100,000 domains has about a megabyte
_VERSION = 3  # raise it when the comparison of the same views changes
_MOVED_COLUMNS = 5

Pairs: TypeAlias = Sequence[tuple[int, ...]]


class StoredComparison:
    """A stored comparison, whose parts are unpacked when they are read. Raises DocumentDamaged.

    Lists are by domain; pairs are the positions in the earlier and the later view.
    """

    def __init__(self, row: SnapshotComparison) -> None:
        self._row = row

    @cached_property
    def totals(self) -> Mapping[str, Any]:
        """Numbers of domains, mean scores and grades."""
        found: Mapping[str, Any] = self._summary["totals"]
        return found

    @cached_property
    def tags(self) -> Sequence[TagChange]:
        """All changed tags."""
        return [_tag_change(stored) for stored in self._summary["tags"]]

    @cached_property
    def causes(self) -> Sequence[CauseChange]:
        """All changed root causes."""
        return [CauseChange(*stored) for stored in self._summary["causes"]]

    @cached_property
    def clusters(self) -> Sequence[Cluster]:
        """Domains that moved together, largest groups first."""
        return [Cluster(**stored) for stored in json.loads(self._row.clusters)]

    @cached_property
    def added(self) -> Sequence[int]:
        """Positions in the later view of domains that are missing in the earlier one."""
        return unpack_columns(self._row.added, 1)[0]

    @cached_property
    def removed(self) -> Sequence[int]:
        """Positions in the earlier view of domains that are missing in the later one."""
        return unpack_columns(self._row.removed, 1)[0]

    @cached_property
    def grade_changed(self) -> Pairs:
        """Domains whose grade changed."""
        return _rows(self._row.grade_changed, 2)

    @cached_property
    def level_changed(self) -> Pairs:
        """Domains whose worst level changed; all levels below NOTICE count as one."""
        return _rows(self._row.level_changed, 2)

    @cached_property
    def causes_changed(self) -> Pairs:
        """Domains whose root causes differ."""
        return [] if self._row.causes_changed is None else _rows(self._row.causes_changed, 2)

    @cached_property
    def moved_total(self) -> int:
        """Number of domains that moved."""
        return len(self._moved[0])

    def moved_page(self, limit: int, offset: int) -> list[Moved]:
        """Return a page of the domains that moved, by delta, then name."""
        rows = zip(*(column[offset : offset + limit] for column in self._moved), strict=True)
        return [
            Moved(before, after, delta, explained, ChangeCategory(category))
            for before, after, delta, explained, category in rows
        ]

    @cached_property
    def _summary(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = json.loads(self._row.summary)
        return found

    @cached_property
    def _moved(self) -> list[Sequence[int]]:
        return unpack_columns(self._row.moved, _MOVED_COLUMNS)


def basis_of(before: PublicSnapshot, after: PublicSnapshot, scoring_hash: str) -> str:
    """Return a digest of all data, besides the views, that a comparison depends on."""
    sides = [(snapshot.vocabulary_id, snapshot.tag_view_min_level) for snapshot in (before, after)]
    return hashlib.blake2b(repr((_VERSION, scoring_hash, sides)).encode(), digest_size=16).hexdigest()


def find_comparison(session: Session, before: int, after: int, *, basis: str) -> StoredComparison | None:
    """Return the comparison of two views on this basis, or None."""
    row = session.scalars(
        select(SnapshotComparison).where(
            SnapshotComparison.from_view_id == before,
            SnapshotComparison.to_view_id == after,
            SnapshotComparison.basis == basis,
        )
    ).one_or_none()
    return None if row is None else StoredComparison(row)


def build_comparison(
    session: Session, before: int, after: int, *, rules: TagRules, cost: Cost, cap: int, basis: str, now: datetime
) -> SnapshotComparison:
    """Compare two views without storing the result. Raises TimeLimitExceeded if the session has a time limit."""
    found: Comparison | DuckDbComparison
    columns: Mapping[str, Sequence[Sequence[int]]]
    clusters: Sequence[Cluster]
    with open_connection(session, (before, after)) as (connection, schemas):
        if connection is None:
            found = compare_views(session, before, after, rules=rules, cost=cost, cap=cap)
            columns, clusters = _columns_of(found), find_clusters(session, after, found.moved)
        else:
            both = (before, after)
            found = compare_in_duckdb(session, connection, both, schemas, rules=rules, cost=cost, cap=cap)
            columns, clusters = found.columns, found.clusters
    return SnapshotComparison(
        from_view_id=before,
        to_view_id=after,
        basis=basis,
        made_at=now,
        summary=json.dumps(
            {
                "totals": found.totals,
                "tags": [_tag_json(tag) for tag in found.tags],
                "causes": [astuple(cause) for cause in found.causes],
            }
        ),
        clusters=json.dumps([asdict(cluster) for cluster in clusters]),
        **{name: pack_columns(part) for name, part in columns.items()},
    )


def store_comparison(session: Session, row: SnapshotComparison) -> None:
    """Store a comparison, replacing one of the same views, and remove the oldest ones beyond the limit.

    Raises: ReferenceGone: A view was removed concurrently; raised at the commit.
    """
    same = (SnapshotComparison.from_view_id == row.from_view_id, SnapshotComparison.to_view_id == row.to_view_id)
    session.execute(delete(SnapshotComparison).where(*same))
    session.add(row)
    session.flush()
    newest = select(SnapshotComparison.id).order_by(SnapshotComparison.made_at.desc(), SnapshotComparison.id.desc())
    surplus = session.scalars(newest.offset(MAX_COMPARISONS)).all()
    if surplus:
        session.execute(delete(SnapshotComparison).where(SnapshotComparison.id.in_(surplus)))


def _columns_of(found: Comparison) -> dict[str, Sequence[Sequence[int]]]:
    moved = [
        (domain.before, domain.after, domain.delta, domain.explained, domain.category.value) for domain in found.moved
    ]
    return {
        "added": [found.added],
        "removed": [found.removed],
        "grade_changed": _columns(found.grade_changed, 2),
        "level_changed": _columns(found.level_changed, 2),
        "causes_changed": _columns(found.causes_changed, 2),
        "moved": _columns(moved, _MOVED_COLUMNS),
    }


def _columns(rows: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    return [[row[position] for row in rows] for position in range(count)]


def _tag_json(change: TagChange) -> list[Any]:
    return [*change.key, change.was, change.now, change.domains_before, change.domains_after, change.appeared,
            change.cleared, change.tag_class.value]  # fmt: skip


def _tag_change(stored: Sequence[Any]) -> TagChange:
    tag, module, testcase, *values, tag_class = stored
    was, now, before, after, appeared, cleared = values
    return TagChange(TagKey(tag, module, testcase), was, now, before, after, appeared, cleared, TagClass(tag_class))


def _rows(data: bytes, count: int) -> Pairs:
    return list(zip(*unpack_columns(data, count), strict=True))
