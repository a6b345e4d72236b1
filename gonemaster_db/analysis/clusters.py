"""Domains whose scores moved together: groups by name server, AS, prefix, DNSSEC and software in the later view.

Source: contract analysis.md section 6.3.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.comparison import Moved
from gonemaster_db.analysis.views.files.source import view_session
from gonemaster_db.analysis.views.parts import in_parts
from gonemaster_db.core.chunks import chunks
from gonemaster_db.models import SnapshotAsn, SnapshotDomain, SnapshotMembers, SnapshotNameserver, SnapshotPrefix
from gonemaster_db.runs.documents.positions import unpack_positions

MAX_CLUSTERS = 10_000  # stored for a comparison, largest first
MAX_SHOWN = 25  # domains listed for each cluster
_ROWS_AT_A_TIME = 1000
_KEYS_OF_DOMAINS = ("dnssec_posture", "dnskey_algo_weakest", "software_version")
_KEYS: Mapping[str, tuple[Any, Any]] = {
    "nameserver": (SnapshotNameserver, SnapshotNameserver.name),
    "asn": (SnapshotAsn, SnapshotAsn.asn),
    "prefix": (SnapshotPrefix, SnapshotPrefix.prefix),
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Domains whose scores moved in one direction, with all keys that exactly these domains share.

    `domains` are the positions of the first domains.
    """

    keys: Sequence[tuple[str, str]]
    size: int
    minimum: int
    maximum: int
    domains: Sequence[int]


def find_clusters(session: Session, view_id: int, moved: Sequence[Moved]) -> list[Cluster]:
    """Find all groups of domains that moved in one direction, largest first; a group may have one domain."""
    deltas = {domain.after: domain.delta for domain in moved if domain.delta}
    groups: defaultdict[tuple[int, ...], list[tuple[str, Any]]] = defaultdict(list)
    if deltas:
        for key, positions in (
            *_network_positions(session, view_id, deltas),
            *_domain_values(session, view_id, deltas),
        ):
            if _has_one_direction([deltas[position] for position in positions]):
                groups[positions].append(key)
    largest = sorted(groups, key=lambda positions: (-len(positions), positions))[:MAX_CLUSTERS]
    names = names_of(session, view_id, [key for positions in largest for key in groups[positions]])
    return [_cluster(positions, [names[key] for key in groups[positions]], deltas) for positions in largest]


def _cluster(positions: tuple[int, ...], keys: list[tuple[str, str]], deltas: Mapping[int, int]) -> Cluster:
    moves = [deltas[position] for position in positions]
    return Cluster(keys, len(positions), min(moves), max(moves), positions[:MAX_SHOWN])


def _has_one_direction(moves: Sequence[int]) -> bool:
    return min(moves) > 0 or max(moves) < 0


def _network_positions(
    session: Session, view_id: int, deltas: Mapping[int, int]
) -> Iterator[tuple[tuple[str, int], tuple[int, ...]]]:
    """Yield kind and position of each network object with the positions of its domains that moved."""
    for owner, (model, _) in _KEYS.items():
        query = select(SnapshotMembers.position, SnapshotMembers.positions).where(
            SnapshotMembers.view_id == view_id, SnapshotMembers.owner == owner, SnapshotMembers.member == "domain"
        )
        for part in in_parts(session, query, model, view_id, position=SnapshotMembers.position):
            for position, stored in part:
                members = tuple(member for member in unpack_positions(stored) if member in deltas)
                if members:
                    yield (owner, position), members


def _domain_values(
    session: Session, view_id: int, deltas: Mapping[int, int]
) -> Iterator[tuple[tuple[str, Any], tuple[int, ...]]]:
    """Yield each value of the domains' own columns with the positions of the domains that moved."""
    groups: defaultdict[tuple[str, Any], list[int]] = defaultdict(list)
    columns = [getattr(SnapshotDomain, name) for name in _KEYS_OF_DOMAINS]
    query = select(SnapshotDomain.position, *columns).where(SnapshotDomain.view_id == view_id)
    for part in in_parts(session, query, SnapshotDomain, view_id):
        for position, *values in part:
            if position in deltas:
                for name, value in zip(_KEYS_OF_DOMAINS, values, strict=True):
                    if value not in (None, ""):
                        groups[name, value].append(position)
    yield from ((key, tuple(positions)) for key, positions in groups.items())


def names_of(session: Session, view_id: int, keys: Sequence[tuple[str, Any]]) -> dict[tuple[str, Any], tuple[str, str]]:
    """Return the names of keys; keys of network objects are positions."""
    reading = view_session(session, view_id)
    found = {key: (key[0], str(key[1])) for key in keys if key[0] not in _KEYS}
    for kind, (model, column) in _KEYS.items():
        of_kind = [position for name, position in keys if name == kind]
        for part in chunks(of_kind, _ROWS_AT_A_TIME):
            query = select(model.position, column).where(model.view_id == view_id, model.position.in_(part))
            found |= {(kind, position): (kind, str(value)) for position, value in reading.execute(query)}
    return found
