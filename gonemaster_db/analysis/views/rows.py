"""Single objects of a view and their members."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.views.files.members import all_members, members_page
from gonemaster_db.analysis.views.files.source import is_in_files, view_session
from gonemaster_db.models import SnapshotDomain, SnapshotMembers
from gonemaster_db.runs.documents.positions import unpack_positions


def find_row(session: Session, model: Any, view_id: int, **keys: Any) -> Any | None:
    """Return the object with these values, or None."""
    query = select(model).filter_by(view_id=view_id, **keys)
    return view_session(session, view_id).scalars(query).first()


def find_rows(session: Session, model: Any, view_id: int, **keys: Any) -> Sequence[Any]:
    """Return all objects with these values, in order."""
    query = select(model).filter_by(view_id=view_id, **keys).order_by(model.position)
    return view_session(session, view_id).scalars(query).all()


def rows_at(session: Session, model: Any, view_id: int, positions: Iterable[int]) -> list[Any]:
    """Return the objects at these positions, in the given order."""
    numbers = list(positions)
    if not numbers:
        return []
    query = select(model).where(model.view_id == view_id, model.position.in_(numbers))
    rows = view_session(session, view_id).scalars(query)
    found = {row.position: row for row in rows}
    return [found[position] for position in numbers if position in found]


def read_members(session: Session, view_id: int, owner: str, position: int, member: str) -> Sequence[int]:
    """Return the positions of all members of one kind of an object. Raises DocumentDamaged."""
    return read_members_of(session, view_id, owner, [position], member).get(position, ())


def read_members_of(
    session: Session, view_id: int, owner: str, positions: Sequence[int], member: str
) -> dict[int, Sequence[int]]:
    """Return the members of objects by the objects' positions. Raises DocumentDamaged."""
    reading = view_session(session, view_id)
    if is_in_files(reading):
        return {**all_members(reading, owner, positions, member)}
    query = select(SnapshotMembers.position, SnapshotMembers.positions).where(
        SnapshotMembers.view_id == view_id,
        SnapshotMembers.owner == owner,
        SnapshotMembers.member == member,
        SnapshotMembers.position.in_(positions),
    )
    return {position: unpack_positions(data) for position, data in session.execute(query)}


def page_of_members(
    session: Session, view_id: int, owner: str, positions: Sequence[int], member: str, *, limit: int, offset: int = 0
) -> tuple[Sequence[int], int]:
    """Return a page of the members that any of some objects have, in order, and the number of all.

    Raises DocumentDamaged.
    """
    reading = view_session(session, view_id)
    if is_in_files(reading):
        return members_page(reading, owner, positions, member, limit=limit, offset=offset)
    found = read_members_of(session, view_id, owner, positions, member)
    members = found.get(positions[0], ()) if len(positions) == 1 else sorted(set().union(*found.values()))
    return members[offset : offset + limit], len(members)


def values_at(
    session: Session, model: Any, view_id: int, positions: Iterable[int], names: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """Return some columns of the objects at these positions, by position."""
    numbers = set(positions)
    if not numbers:
        return {}
    columns = [getattr(model, name) for name in names]
    query = select(model.position, *columns).where(model.view_id == view_id, model.position.in_(numbers))
    return {
        position: dict(zip(names, values, strict=True))
        for position, *values in view_session(session, view_id).execute(query)
    }


DOMAIN_FIELDS = (
    "name", "score", "grade", "worst_level", "finished_at", "nameserver_count", "ipv4_ns_count", "ipv6_ns_count",
    "endpoint_count", "asn_count", "prefix_count", "dnssec_posture", "dnskey_count", "dnskey_algo_weakest",
    "software_version", "operator", "operator_asn", "cause_set_id",
)  # fmt: skip


def domains_after(session: Session, view_id: int, position: int, *, limit: int) -> Sequence[Any]:
    """Return the domains of a view that follow a position, with the DOMAIN_FIELDS and their positions."""
    columns = [SnapshotDomain.position, *(getattr(SnapshotDomain, name) for name in DOMAIN_FIELDS)]
    query = select(*columns).where(SnapshotDomain.view_id == view_id, SnapshotDomain.position > position)
    query = query.order_by(SnapshotDomain.position).limit(limit)
    return view_session(session, view_id).execute(query).all()
