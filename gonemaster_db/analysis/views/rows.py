"""Single objects of a view and their members."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.models import SnapshotDomain, SnapshotMembers
from gonemaster_db.runs.documents.positions import unpack_positions


def find_row(session: Session, model: Any, view_id: int, **keys: Any) -> Any | None:
    """Return the object with these values, or None."""
    return session.scalars(select(model).filter_by(view_id=view_id, **keys)).first()


def find_rows(session: Session, model: Any, view_id: int, **keys: Any) -> Sequence[Any]:
    """Return all objects with these values, in order."""
    return session.scalars(select(model).filter_by(view_id=view_id, **keys).order_by(model.position)).all()


def rows_at(session: Session, model: Any, view_id: int, positions: Iterable[int]) -> list[Any]:
    """Return the objects at these positions, in the given order."""
    numbers = list(positions)
    if not numbers:
        return []
    rows = session.scalars(select(model).where(model.view_id == view_id, model.position.in_(numbers)))
    found = {row.position: row for row in rows}
    return [found[position] for position in numbers if position in found]


def read_members(session: Session, view_id: int, owner: str, position: int, member: str) -> Sequence[int]:
    """Return the positions of all members of one kind of an object. Raises DocumentDamaged."""
    return read_members_of(session, view_id, owner, [position], member).get(position, ())


def read_members_of(
    session: Session, view_id: int, owner: str, positions: Sequence[int], member: str
) -> dict[int, Sequence[int]]:
    """Return the members of objects by the objects' positions. Raises DocumentDamaged."""
    query = select(SnapshotMembers.position, SnapshotMembers.positions).where(
        SnapshotMembers.view_id == view_id,
        SnapshotMembers.owner == owner,
        SnapshotMembers.member == member,
        SnapshotMembers.position.in_(positions),
    )
    return {position: unpack_positions(data) for position, data in session.execute(query)}


def values_at(
    session: Session, model: Any, view_id: int, positions: Iterable[int], names: Sequence[str]
) -> dict[int, dict[str, Any]]:
    """Return some columns of the objects at these positions, by position."""
    numbers = set(positions)
    if not numbers:
        return {}
    columns = [getattr(model, name) for name in names]
    query = select(model.position, *columns).where(model.view_id == view_id, model.position.in_(numbers))
    return {position: dict(zip(names, values, strict=True)) for position, *values in session.execute(query)}


DOMAIN_FIELDS = (
    "name", "score", "grade", "worst_level", "finished_at", "nameserver_count", "ipv4_ns_count", "ipv6_ns_count",
    "endpoint_count", "asn_count", "prefix_count", "dnssec_posture", "dnskey_count", "dnskey_algo_weakest",
    "software_version", "operator", "operator_asn", "cause_set_id",
)  # fmt: skip


def domains_after(session: Session, view_id: int, position: int, *, limit: int) -> Sequence[Any]:
    """Return the domains of a view that follow a position, with the DOMAIN_FIELDS and their positions."""
    columns = [SnapshotDomain.position, *(getattr(SnapshotDomain, name) for name in DOMAIN_FIELDS)]
    query = select(*columns).where(SnapshotDomain.view_id == view_id, SnapshotDomain.position > position)
    return session.execute(query.order_by(SnapshotDomain.position).limit(limit)).all()
