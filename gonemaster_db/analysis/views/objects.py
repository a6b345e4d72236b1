"""The parts of a view about name servers, endpoints, networks and findings, built after all domains."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gonemaster_db.analysis.latency import Latency
from gonemaster_db.analysis.models.facts import NO_ASN
from gonemaster_db.analysis.views.domains import DomainPass, operator_of
from gonemaster_db.analysis.views.members import MemberRow, member_rows
from gonemaster_db.analysis.views.snapshot_objects import Objects
from gonemaster_db.core.base import Base
from gonemaster_db.core.levels import worst
from gonemaster_db.models import (
    SnapshotAsn,
    SnapshotEndpoint,
    SnapshotNameserver,
    SnapshotPrefix,
    SnapshotTag,
    SnapshotTestcase,
)

Members = Iterable[tuple[str, Iterable[int]]]
Made = tuple[Sequence[Any], Members]
"""A row without view and position, and the members of the object."""
_NETWORK = ("domain_count", "address_count", "nameserver_count", "prefix_count", "ipv4_count", "ipv6_count")
_LATENCY = ("latency_p50_ms", "latency_p95_ms", "latency_samples")


@dataclass(frozen=True)
class ViewTable:
    """One table of a view; its objects are built one by one in order of position."""

    kind: str
    table: type[Base]
    columns: tuple[str, ...]
    records: Iterator[Made]

    def rows(self, view_id: int) -> Iterator[tuple[Sequence[Any], list[MemberRow]]]:
        """Yield the row of each object and the rows of its members."""
        for position, (row, members) in enumerate(self.records):
            yield (view_id, position, *row), list(member_rows(view_id, self.kind, position, members))


@dataclass(slots=True)
class _NetworkMembers:
    """The members of an AS or a prefix."""

    addresses: set[int] = field(default_factory=set)
    endpoints: set[int] = field(default_factory=set)
    nameservers: set[int] = field(default_factory=set)
    others: set[int] = field(default_factory=set)  # prefixes of an AS, or ASes of a prefix


class ObjectParts:
    """Builds the parts of a view from the data that the pass over the domains has collected."""

    def __init__(self, objects: Objects, seen: DomainPass) -> None:
        self._objects, self._seen = objects, seen
        self._nameservers, self._asns = objects.nameserver_positions(), objects.asn_positions()
        self._prefixes = objects.prefix_positions()
        self._endpoints_of: defaultdict[int, list[int]] = defaultdict(list)  # by name server
        for position, endpoint in enumerate(objects.endpoints):
            self._endpoints_of[endpoint.nameserver_id].append(position)
        self._by_asn: defaultdict[int, _NetworkMembers] = defaultdict(_NetworkMembers)
        self._by_prefix: defaultdict[int, _NetworkMembers] = defaultdict(_NetworkMembers)
        for position, endpoint in enumerate(objects.endpoints):
            self._place_endpoint(position, endpoint.nameserver_id, endpoint.address_id)

    def parts(self) -> Iterator[ViewTable]:
        """Yield the parts in order."""
        yield ViewTable("nameserver", SnapshotNameserver, _NAMESERVER, self._nameserver_rows())
        yield ViewTable("endpoint", SnapshotEndpoint, _ENDPOINT, self._endpoint_rows())
        yield ViewTable("asn", SnapshotAsn, ("asn", "label", *_NETWORK, *_LATENCY), self._asn_rows())
        yield ViewTable("prefix", SnapshotPrefix, _PREFIX, self._prefix_rows())
        yield ViewTable("tag", SnapshotTag, _TAG, self._tag_rows())
        yield ViewTable("testcase", SnapshotTestcase, _TESTCASE, self._testcase_rows())

    def _place_endpoint(self, position: int, nameserver_id: int, address_id: int) -> None:
        for asn, prefix_id in self._objects.origins.get(address_id, ()):
            networks = [] if asn == NO_ASN else [self._by_asn[asn]]
            if prefix_id is not None:
                networks.append(self._by_prefix[prefix_id])
                if asn != NO_ASN:
                    self._by_asn[asn].others.add(self._prefixes[prefix_id])
                    self._by_prefix[prefix_id].others.add(asn)
            for network in networks:
                network.addresses.add(address_id)
                network.endpoints.add(position)
                network.nameservers.add(self._nameservers[nameserver_id])

    def _nameserver_rows(self) -> Iterator[Made]:
        for position, (nameserver_id, name) in enumerate(self._objects.nameservers.items()):
            endpoints = self._endpoints_of[nameserver_id]
            asns = {
                asn for endpoint in endpoints for asn in self._asns_of(self._objects.endpoints[endpoint].address_id)
            }
            by_family = {family: self._with_family(endpoints, family) for family in (4, 6)}
            whole = self._latency(endpoints)
            domains = self._seen.of_nameservers[position]
            row = (
                nameserver_id, name, len(domains), len(endpoints), len(by_family[4]), len(by_family[6]), len(asns),
                *operator_of(asns, self._objects), whole.samples, self._latency(by_family[4]).p50_ms,
                self._latency(by_family[6]).p50_ms, *whole,
            )  # fmt: skip
            in_asns = (self._asns[asn] for asn in asns)
            yield row, (("domain", domains), ("endpoint", endpoints), ("asn", in_asns))

    def _endpoint_rows(self) -> Iterator[Made]:
        for position, endpoint in enumerate(self._objects.endpoints):
            address, domains = self._objects.addresses[endpoint.address_id], self._seen.of_endpoints[position]
            asn, prefix_id = most_common_origin(self._objects.origins.get(endpoint.address_id, {}), self._prefixes)
            prefix = "" if prefix_id is None else self._objects.prefixes[self._prefixes[prefix_id]].text
            operator = "" if asn is None else self._objects.asns[asn][:128]
            name = self._objects.nameservers[endpoint.nameserver_id]
            row = (*endpoint, name, address.text, address.order, address.family, len(domains), asn, operator, prefix)
            yield (*row, *self._latency([position])), (("domain", domains),)

    def _asn_rows(self) -> Iterator[Made]:
        for position, (asn, label) in enumerate(self._objects.asns.items()):
            network, domains = self._by_asn[asn], self._seen.of_asns[position]
            families = [self._objects.addresses[number].family for number in network.addresses]
            numbers = len(domains), len(families), len(network.nameservers), len(network.others)
            row = (asn, label, *numbers, families.count(4), families.count(6), *self._latency(network.endpoints))
            members = ("domain", domains), ("nameserver", network.nameservers), ("prefix", network.others)
            yield row, (*members, ("endpoint", network.endpoints))

    def _prefix_rows(self) -> Iterator[Made]:
        for position, prefix in enumerate(self._objects.prefixes):
            network, domains = self._by_prefix[prefix.id], self._seen.of_prefixes[position]
            asn = next(iter(network.others)) if len(network.others) == 1 else None
            label = "" if asn is None else self._objects.asns[asn]
            row = (prefix.text, prefix.family, len(domains), len(network.addresses), asn, label)
            in_asns = (self._asns[number] for number in network.others)
            yield row, (("domain", domains), ("endpoint", network.endpoints), ("asn", in_asns))

    def _tag_rows(self) -> Iterator[Made]:
        found = self._seen.findings
        for position, (tag, testcase, module) in enumerate(self._objects.tags):
            domains, level = found.domains[position], worst(found.levels[position])
            yield (tag, module, testcase, level, len(domains), found.occurrences[position]), (("domain", domains),)

    def _testcase_rows(self) -> Iterator[Made]:
        found = self._seen.findings
        tags: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for position, tag in enumerate(self._objects.tags):
            tags[tag.module, tag.testcase].append(position)
        for position, case in enumerate(self._objects.testcases):
            domains, of_case = self._seen.of_testcases[position], tags[case]
            level = worst(level for tag in of_case for level in found.levels[tag])
            entries = sum(found.occurrences[tag] for tag in of_case)
            yield (*case, len(domains), entries, level), (("domain", domains), ("tag", of_case))

    def _asns_of(self, address_id: int) -> set[int]:
        return {asn for asn, _ in self._objects.origins.get(address_id, ()) if asn != NO_ASN}

    def _with_family(self, endpoints: Iterable[int], family: int) -> list[int]:
        addresses, all_endpoints = self._objects.addresses, self._objects.endpoints
        return [endpoint for endpoint in endpoints if addresses[all_endpoints[endpoint].address_id].family == family]

    def _latency(self, endpoints: Iterable[int]) -> Latency:
        return self._seen.times.latency_of(endpoints)


_NAMESERVER = (
    "nameserver_id", "name", "domain_count", "endpoint_count", "ipv4_count", "ipv6_count", "asn_count", "operator",
    "operator_asn", "query_count", "latency_ipv4", "latency_ipv6", *_LATENCY,
)  # fmt: skip
_ENDPOINT = (
    "nameserver_id", "address_id", "nameserver", "address", "address_order", "family", "domain_count", "asn",
    "operator", "prefix", *_LATENCY,
)  # fmt: skip
_PREFIX = ("prefix", "family", "domain_count", "address_count", "asn", "asn_label")
_TAG = ("tag", "module", "testcase", "level", "domain_count", "occurrence_count")
_TESTCASE = ("module", "testcase", "domain_count", "entry_count", "worst_level")

TOP = 10
TOPS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "top_tags": (SnapshotTag, ("tag", "module", "testcase", "level", "domain_count", "occurrence_count")),
    "top_nameservers": (SnapshotNameserver, ("name", "domain_count", "endpoint_count", "operator", "operator_asn")),
    "top_asns": (SnapshotAsn, ("asn", "label", "domain_count", "nameserver_count", "address_count")),
}
"""The lists of an overview: the table of the objects, and the columns that the TOP objects with most domains have."""


def most_common_origin(
    seen: Mapping[tuple[int, int | None], int], prefixes: Mapping[int, int]
) -> tuple[int | None, int | None]:
    """Return the AS and the prefix that most domains report for an address.

    Ties go to the lowest AS, then to the prefix with the lowest position; `prefixes` has the positions by ID.

    Runs whose lookup failed are not counted against a known origin.
    """
    if not seen:
        return None, None
    if len(seen) == 1:
        ((asn, prefix_id),) = seen
    else:

        def rank(origin: tuple[int, int | None]) -> tuple[bool, int, int, int]:
            asn, prefix_id = origin
            return asn == NO_ASN, -seen[origin], asn, -1 if prefix_id is None else prefixes[prefix_id]

        asn, prefix_id = min(seen, key=rank)
    return asn if asn != NO_ASN else None, prefix_id
