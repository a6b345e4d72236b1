"""Builds the view of a snapshot whose facts are rows of the database."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.discarding import count_facts
from gonemaster_db.analysis.provenance import Provenance, read_provenance
from gonemaster_db.analysis.views.domains import DOMAIN_COLUMNS, DomainPass, read_slice
from gonemaster_db.analysis.views.members import MEMBER_COLUMNS, MemberRow
from gonemaster_db.analysis.views.objects import TOP, TOPS, ObjectParts, ViewTable
from gonemaster_db.analysis.views.snapshot_objects import Objects, read_objects
from gonemaster_db.core.base import Base
from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.session import Store
from gonemaster_db.models import SnapshotDomain, SnapshotMembers, SnapshotOverview

SLICE = 1000
_ROWS_AT_A_TIME = 5000
Write = Callable[[Callable[[Session], None]], None]


class RowSource:
    """The facts of a snapshot in the tables of the database."""

    revision: int | None = None  # facts are read after the view was begun

    def __init__(self, store: Store, snapshot_id: int) -> None:
        self._store, self._snapshot_id = store, snapshot_id

    def provenance(self, session: Session) -> Provenance:
        """Return the origin of the facts."""
        return read_provenance(session, self._snapshot_id)

    def build(self, view_id: int, write: Write) -> int:
        """Write all rows of the view; return the number of facts. Raises FactsChanged, and what `write` raises."""
        with self._store.read_only() as session:
            objects = read_objects(session, self._snapshot_id)
            fact_rows = count_facts(session, self._snapshot_id)
        seen = DomainPass(objects)
        for first in range(0, len(objects.domain_ids), SLICE):
            self._write_domains(view_id, seen, objects, first, write)
        for part in ObjectParts(objects, seen).parts():
            _write_part(view_id, part, write)
        distributions = {name: dict(counts) for name, counts in seen.distributions.items()}
        write(lambda session: _write_overview(session, view_id, objects, distributions))
        return fact_rows

    def _write_domains(self, view_id: int, seen: DomainPass, objects: Objects, first: int, write: Write) -> None:
        ids = list(objects.domain_ids[first : first + SLICE])
        with self._store.read_only() as session:
            facts = read_slice(session, self._snapshot_id, ids)
        rows, members = seen.take(view_id, first, ids, facts)
        write(_inserting(SnapshotDomain, DOMAIN_COLUMNS, rows, members))


def _write_part(view_id: int, part: ViewTable, write: Write) -> None:
    columns = ("view_id", "position", *part.columns)
    for chunk in chunks(part.rows(view_id), _ROWS_AT_A_TIME):
        rows, members = [row for row, _ in chunk], [member for _, many in chunk for member in many]
        write(_inserting(part.table, columns, rows, members))


def _write_overview(session: Session, view_id: int, objects: Objects, distributions: dict[str, Any]) -> None:
    session.add(
        SnapshotOverview(
            view_id=view_id,
            domain_count=len(objects.domain_ids),
            nameserver_count=len(objects.nameservers),
            endpoint_count=len(objects.endpoints),
            asn_count=len(objects.asns),
            prefix_count=len(objects.prefixes),
            **{name: _top(session, view_id, table, shown) for name, (table, shown) in TOPS.items()},
            fact_distributions=json.dumps(distributions),
        )
    )
    session.flush()


def _inserting(
    table: type[Base], columns: Sequence[str], rows: Sequence[Sequence[Any]], members: Sequence[MemberRow]
) -> Callable[[Session], None]:
    def write(session: Session) -> None:
        insert_rows(session, table, columns, rows)
        insert_rows(session, SnapshotMembers, MEMBER_COLUMNS, members)

    return write


def _top(session: Session, view_id: int, table: Any, names: Sequence[str]) -> str:
    """Return the rows with the most domains as a JSON array of objects."""
    columns = [getattr(table, name) for name in names]
    query = select(*columns).where(table.view_id == view_id).order_by(table.domain_count.desc(), table.position)
    return json.dumps([dict(zip(names, row, strict=True)) for row in session.execute(query.limit(TOP))])
