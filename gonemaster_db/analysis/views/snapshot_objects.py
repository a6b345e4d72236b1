"""The objects of a snapshot in the order that defines their positions."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gonemaster_db.analysis.models.facts import NO_ADDRESS, NO_ASN
from gonemaster_db.core.chunks import chunks
from gonemaster_db.models import (
    AnalysisAddress,
    AnalysisAsn,
    AnalysisNameserver,
    AnalysisPrefix,
    FactAddressAsn,
    FactDomainAsn,
    FactDomainSummary,
    FactNsEndpoint,
    FactTagSummary,
)
from gonemaster_db.runs.documents.registry import kinds_by_id

K = TypeVar("K")
_IDS_AT_A_TIME = 1000


class FactsChanged(Exception):
    """The facts have changed since the view was begun."""


class PositionMap(dict[K, int]):
    """Positions by key; a missing key means that the facts have changed."""

    def __missing__(self, key: K) -> int:
        """Raise FactsChanged."""
        raise FactsChanged(repr(key))


class Address(NamedTuple):
    """An address; `order` sorts addresses in numerical order, IPv4 first."""

    text: str
    family: int
    order: bytes


class Endpoint(NamedTuple):
    """A name server with an address, both by ID."""

    nameserver_id: int
    address_id: int


class KnownPrefix(NamedTuple):
    """A prefix with its ID."""

    id: int
    text: str
    family: int


class TestcaseTag(NamedTuple):
    """A message tag of a test case."""

    tag: str
    testcase: str
    module: str


@dataclass(frozen=True, slots=True)
class Objects:
    """All objects of a snapshot by kind, in order; positions are indexes into these lists."""

    domain_ids: Sequence[int]
    nameservers: Mapping[int, str]  # by ID, in order of name
    addresses: Mapping[int, Address]
    endpoints: Sequence[Endpoint]
    origins: Mapping[int, Mapping[tuple[int, int | None], int]]  # by address ID: how often each AS and prefix was seen
    asns: Mapping[int, str]  # labels by number, in order of number
    prefixes: Sequence[KnownPrefix]
    tags: Sequence[TestcaseTag]
    testcases: Sequence[tuple[str, str]]
    kinds: Mapping[int, tuple[int, int | None, str]]  # by entry kind: positions of tag and test case, and the level

    def nameserver_positions(self) -> PositionMap[int]:
        """Return the positions of name servers by ID."""
        return _positions_of(self.nameservers)

    def endpoint_positions(self) -> PositionMap[Endpoint]:
        """Return the positions of endpoints."""
        return _positions_of(self.endpoints)

    def asn_positions(self) -> PositionMap[int]:
        """Return the positions of ASes by number."""
        return _positions_of(self.asns)

    def prefix_positions(self) -> PositionMap[int]:
        """Return the positions of prefixes by ID."""
        return _positions_of(prefix.id for prefix in self.prefixes)


def read_objects(session: Session, snapshot_id: int) -> Objects:
    """Read the objects in the facts of a snapshot."""
    pairs = [
        Endpoint(*row)
        for row in _distinct(session, snapshot_id, FactNsEndpoint.nameserver_id, FactNsEndpoint.address_id)
    ]
    origins = _origins(session, snapshot_id)
    names = _named(session, AnalysisNameserver.id, AnalysisNameserver.name, {pair.nameserver_id for pair in pairs})
    addresses = _addresses(session, {pair.address_id for pair in pairs} - {NO_ADDRESS})
    nameservers = dict(sorted(names.items(), key=lambda item: item[1]))
    rank = {number: position for position, number in enumerate(nameservers)}
    endpoints = [pair for pair in pairs if pair.address_id != NO_ADDRESS]
    endpoints.sort(key=lambda pair: (rank[pair.nameserver_id], addresses[pair.address_id].order))
    return Objects(
        domain_ids=_domains(session, snapshot_id),
        nameservers=nameservers,
        addresses=addresses,
        endpoints=endpoints,
        origins=origins,
        asns=_asns(session, snapshot_id, origins),
        prefixes=_prefixes(session, {prefix for seen in origins.values() for _, prefix in seen if prefix is not None}),
        **_findings(session, snapshot_id),
    )


def _positions_of(keys: Iterable[K]) -> PositionMap[K]:
    return PositionMap((key, position) for position, key in enumerate(keys))


def _domains(session: Session, snapshot_id: int) -> "array[int]":
    """Return IDs in order of name; a second domain with the same name was created after a deletion and is skipped."""
    columns = (FactDomainSummary.domain_id, FactDomainSummary.name)
    query = select(*columns).where(FactDomainSummary.snapshot_id == snapshot_id)
    rows = session.execute(query.order_by(FactDomainSummary.name, FactDomainSummary.finished_at.desc()))
    found, last = array("q"), ""
    for domain_id, name in rows:
        if name != last:
            found.append(domain_id)
        last = name
    return found


def _distinct(session: Session, snapshot_id: int, *columns: InstrumentedAttribute[Any]) -> list[Any]:
    table = columns[0].class_
    query = select(*columns).where(table.snapshot_id == snapshot_id).group_by(*columns)
    return [tuple(row) for row in session.execute(query)]


def _origins(session: Session, snapshot_id: int) -> dict[int, dict[tuple[int, int | None], int]]:
    columns = (FactAddressAsn.address_id, FactAddressAsn.asn, FactAddressAsn.prefix_id)
    query = select(*columns, func.count()).where(FactAddressAsn.snapshot_id == snapshot_id).group_by(*columns)
    found: defaultdict[int, dict[tuple[int, int | None], int]] = defaultdict(dict)
    for address_id, asn, prefix_id, number in session.execute(query):
        found[address_id][asn, prefix_id] = number
    return dict(found)


def _asns(
    session: Session, snapshot_id: int, origins: Mapping[int, Mapping[tuple[int, int | None], int]]
) -> dict[int, str]:
    numbers = {asn for (asn,) in _distinct(session, snapshot_id, FactDomainAsn.asn)}
    numbers |= {asn for seen in origins.values() for asn, _ in seen if asn != NO_ASN}
    labels = _named(session, AnalysisAsn.asn, AnalysisAsn.label, numbers)
    return {asn: labels.get(asn) or f"AS{asn}" for asn in sorted(numbers)}


def _addresses(session: Session, ids: set[int]) -> dict[int, Address]:
    found = _named(session, AnalysisAddress.id, AnalysisAddress.address, ids)
    return {number: _address(text) for number, text in found.items()}


def _address(text: str) -> Address:
    family, version = (AF_INET6, 6) if ":" in text else (AF_INET, 4)
    packed = inet_pton(family, text.partition("%")[0])  # much faster than ipaddress
    return Address(text, version, bytes([version]) + packed)


def _prefixes(session: Session, ids: set[int]) -> list[KnownPrefix]:
    found = _named(session, AnalysisPrefix.id, AnalysisPrefix.prefix, ids)
    networks = {number: ip_network(text) for number, text in found.items()}

    def order(number: int) -> tuple[int, int, int]:
        network = networks[number]
        return network.version, int(network.network_address), network.prefixlen

    return [KnownPrefix(number, found[number], networks[number].version) for number in sorted(networks, key=order)]


def _findings(session: Session, snapshot_id: int) -> dict[str, Any]:
    used = {number for (number,) in _distinct(session, snapshot_id, FactTagSummary.kind_id)}
    known = kinds_by_id(session, used)
    of_kind = {number: TestcaseTag(known[number].tag, known[number].testcase, known[number].module) for number in used}
    tags = sorted(set(of_kind.values()))
    testcases = sorted({(tag.module, tag.testcase) for tag in tags if tag.testcase})
    tag_positions, case_positions = _positions_of(tags), {case: position for position, case in enumerate(testcases)}
    kinds = {
        number: (tag_positions[tag], case_positions.get((tag.module, tag.testcase)), known[number].level)
        for number, tag in of_kind.items()
    }
    return {"tags": tags, "testcases": testcases, "kinds": kinds}


def _named(
    session: Session, key: InstrumentedAttribute[int], value: InstrumentedAttribute[str], ids: Iterable[int]
) -> dict[int, str]:
    """Return texts by ID."""
    found: dict[int, str] = {}
    for part in chunks(sorted(ids), _IDS_AT_A_TIME):
        found.update((row[0], row[1]) for row in session.execute(select(key, value).where(key.in_(part))))
    return found
