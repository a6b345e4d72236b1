"""The part of a view about domains, built in slices in order of name."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from gonemaster_db.analysis.categories import (
    BY_NAME,
    CAUSE,
    DNSKEY_ALGO,
    DNSKEY_ALGO_WEAKEST,
    DNSSEC_POSTURE,
    SOFTWARE_VERSION,
)
from gonemaster_db.analysis.latency import Times
from gonemaster_db.analysis.models.facts import NO_ADDRESS, NO_ASN
from gonemaster_db.analysis.views.members import DomainLists, MemberRow, member_rows
from gonemaster_db.analysis.views.snapshot_objects import Endpoint, FactsChanged, Objects
from gonemaster_db.models import (
    FactAddressAsn,
    FactDomainAsn,
    FactDomainFact,
    FactDomainSummary,
    FactNsEndpoint,
    FactTagSummary,
)
from gonemaster_db.runs.causes import read_cause_sets

MULTIPLE = "Multiple"  # operator of objects in ASes with different labels
_SUMMARY = (
    "run_id", "score", "grade", "worst_level", "finished_at", "nameserver_count", "endpoint_count", "asn_count",
    "prefix_count", "ipv4_ns_count", "ipv6_ns_count", "cause_set_id",
)  # fmt: skip
DOMAIN_COLUMNS = (
    "view_id", "position", "domain_id", "name", *_SUMMARY, "dnskey_algo_weakest", "dnskey_count", "dnssec_posture",
    "software_version", "operator", "operator_asn",
)  # fmt: skip
_SET = 1 + _SUMMARY.index("cause_set_id")  # after the name
Facts = dict[int, list[Any]]
"""Rows by domain, without its ID."""


@dataclass(slots=True)
class SliceFacts:
    """All facts of some domains, by domain."""

    summaries: Facts
    endpoints: Facts
    origins: Facts
    asns: Facts
    tags: Facts
    facts: Facts
    causes: Mapping[int, Sequence[str]]  # by ID of the set


def read_slice(session: Session, snapshot_id: int, domain_ids: Sequence[int]) -> SliceFacts:
    """Read the facts of some domains."""

    def read(*columns: InstrumentedAttribute[Any]) -> Facts:
        table = columns[0].class_
        of_snapshot = (table.snapshot_id == snapshot_id, table.domain_id.in_(domain_ids))
        query = select(table.domain_id, *columns).where(*of_snapshot).order_by(table.domain_id)
        rows = session.connection().execute(query).all()
        return {domain_id: [row[1:] for row in of_domain] for domain_id, of_domain in groupby(rows, itemgetter(0))}

    endpoint, origin, finding, fact = FactNsEndpoint, FactAddressAsn, FactTagSummary, FactDomainFact
    summaries = read(*(getattr(FactDomainSummary, name) for name in ("name", *_SUMMARY)))
    return SliceFacts(
        summaries=summaries,
        endpoints=read(
            endpoint.nameserver_id, endpoint.address_id, endpoint.avg_ms, endpoint.query_count, endpoint.unreachable
        ),
        origins=read(origin.asn, origin.prefix_id),
        asns=read(FactDomainAsn.asn),
        tags=read(finding.kind_id, finding.occurrence_count),
        facts=read(fact.category, fact.fact_key, fact.value_num),
        causes=read_cause_sets(session, {summary[_SET] for (summary,) in summaries.values()}),
    )


@dataclass(slots=True)
class TagFindings:
    """The findings of each tag of a test case in all domains so far."""

    domains: DomainLists
    occurrences: Counter[int] = field(default_factory=Counter)  # by position of the tag
    levels: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))


class DomainPass:
    """One pass over the domains that builds their rows and collects the data for the other parts of the view."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._nameservers, self._endpoints = objects.nameserver_positions(), objects.endpoint_positions()
        self._asns, self._prefixes = objects.asn_positions(), objects.prefix_positions()
        self.of_nameservers = DomainLists(len(objects.nameservers))
        self.of_endpoints = DomainLists(len(objects.endpoints))
        self.of_asns = DomainLists(len(objects.asns))
        self.of_prefixes = DomainLists(len(objects.prefixes))
        self.of_testcases = DomainLists(len(objects.testcases))
        self.findings = TagFindings(DomainLists(len(objects.tags)))
        self.times = Times(len(objects.endpoints))
        self.distributions: dict[str, Counter[str]] = {name: Counter() for name in BY_NAME}

    def take(
        self, view_id: int, first: int, domain_ids: Sequence[int], facts: SliceFacts
    ) -> tuple[list[Sequence[Any]], list[MemberRow]]:
        """Return the rows of some domains and of their members; `first` is the position of the first domain."""
        rows: list[Sequence[Any]] = []
        members: list[MemberRow] = []
        for position, domain_id in enumerate(domain_ids, start=first):
            if domain_id not in facts.summaries:
                raise FactsChanged(str(domain_id))
            members += self._members(view_id, position, domain_id, facts)
            rows.append((view_id, position, domain_id, *self._row(position, domain_id, facts)))
        return rows, members

    def _members(self, view_id: int, position: int, domain_id: int, facts: SliceFacts) -> Iterator[MemberRow]:
        nameservers: set[int] = set()
        endpoints: set[int] = set()
        unreachable: set[int] = set()
        for nameserver_id, address_id, average_ms, answers, silent in facts.endpoints.get(domain_id, ()):
            nameservers.add(self._nameservers[nameserver_id])
            if address_id == NO_ADDRESS:
                continue
            endpoint = self._endpoints[Endpoint(nameserver_id, address_id)]
            endpoints.add(endpoint)
            if silent:
                unreachable.add(endpoint)
            if average_ms is not None and answers:
                self.times.add(endpoint, average_ms, answers)
        self.of_nameservers.add(nameservers, position)
        self.of_endpoints.add(endpoints, position)
        tags = self._take_tags(position, facts.tags.get(domain_id, ()))
        kinds = ("nameserver", nameservers), ("endpoint", endpoints), ("tag", tags), ("unreachable", unreachable)
        return member_rows(view_id, "domain", position, kinds)

    def _take_tags(self, position: int, found: Sequence[Any]) -> set[int]:
        tags: set[int] = set()
        for kind_id, occurrences in found:
            if kind_id not in self._objects.kinds:
                raise FactsChanged(str(kind_id))
            tag, testcase, level = self._objects.kinds[kind_id]
            tags.add(tag)
            self.findings.occurrences[tag] += occurrences
            self.findings.levels[tag].add(level)
            if testcase is not None:
                self.of_testcases.add((testcase,), position)
        self.findings.domains.add(tags, position)
        return tags

    def _row(self, position: int, domain_id: int, facts: SliceFacts) -> Sequence[Any]:
        origins = facts.origins.get(domain_id, ())
        asns = {asn for (asn,) in facts.asns.get(domain_id, ())} | {asn for asn, _ in origins if asn != NO_ASN}
        self.of_asns.add((self._asns[asn] for asn in asns), position)
        self.of_prefixes.add({self._prefixes[prefix] for _, prefix in origins if prefix is not None}, position)
        (summary,) = facts.summaries[domain_id]
        self.distributions[CAUSE].update(facts.causes.get(summary[_SET], ()))
        return *summary, *self._categories(facts.facts.get(domain_id, ())), *operator_of(asns, self._objects)

    def _categories(self, facts: Sequence[Any]) -> Sequence[Any]:
        weakest, keys, posture, software = None, None, "none", ""
        for category, key, value in facts:
            if category in self.distributions:
                self.distributions[category][key] += 1
            if category == DNSKEY_ALGO:
                keys = (keys or 0) + (value or 0)
            elif category == DNSKEY_ALGO_WEAKEST:
                weakest = int(key)
            elif category == DNSSEC_POSTURE:
                posture = key
            elif category == SOFTWARE_VERSION:
                software = key
        return weakest, keys, posture, software


def operator_of(asns: set[int], objects: Objects) -> tuple[str, int | None]:
    """Return the operator of objects in these ASes, and the AS number if there is only one.

    An operator with several ASes, as one for each address family, has the same label in each.
    """
    labels = {objects.asns[asn] for asn in asns}
    if len(labels) > 1:
        return MULTIPLE, None
    return min(labels, default="")[:128], min(asns) if len(asns) == 1 else None
