"""Snapshots generated from a seed: the expected view of each, computed in Python, and the rows of the view."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from gonemaster_db.analysis.categories import BY_NAME
from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.column_views.members import MEMBERS
from gonemaster_db.analysis.columns.files import NewFile, register_files
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.levels import LEVELS, SEVERITIES, worst
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    Cohort,
    CohortSnapshot,
    SnapshotAsn,
    SnapshotDomain,
    SnapshotEndpoint,
    SnapshotMembers,
    SnapshotNameserver,
    SnapshotOverview,
    SnapshotPrefix,
    SnapshotStatus,
    SnapshotTag,
    SnapshotTestcase,
    SnapshotView,
    Tag,
    Vocabulary,
)
from gonemaster_db.runs.causes import ensure_cause_set
from gonemaster_db.runs.documents.positions import pack_positions
from tests.support.analysis.storages import write_members, write_table

BEGIN = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
CAUSES = ("ds_without_key", "server_silent", "open_recursor", "no_ipv6")  # worst first
POSTURES = ("unsigned", "nsec", "nsec3", "mixed", "signed", "none")
ALGORITHMS = (5, 8, 13, 15)
# Tag, module, test case. Some tags occur in two test cases.
FINDINGS = (
    ("N10_EDNS_RESPONSE_ERROR", "NAMESERVER", "nameserver10"),
    ("NO_RESPONSE", "NAMESERVER", "nameserver10"),
    ("NO_RESPONSE", "BASIC", "basic02"),
    ("CN04_IPV4_SAME_ASN", "CONNECTIVITY", "connectivity04"),
    ("DS07_NOT_SIGNED", "DNSSEC", "dnssec07"),
    ("DS05_ALGO_DEPRECATED", "DNSSEC", "dnssec05"),
    ("Z01_MNAME_NOT_IN_NS_LIST", "ZONE", "zone01"),
    ("REFRESH_LOWER_THAN_RETRY", "ZONE", "zone04"),
    ("DEL_DISTINCT_NS_IP", "DELEGATION", "delegation02"),
)
Finding = tuple[str, str, str]


@dataclass(frozen=True)
class Network:
    """The network of an address."""

    asn: int | None = None
    prefix: str = ""


@dataclass(frozen=True)
class DomainFacts:
    """The facts of one run about its domain."""

    name: str
    score: int | None = 100
    grade: str | None = "A"
    worst_level: str | None = None
    servers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unreachable: frozenset[tuple[str, str]] = frozenset()
    findings: Mapping[Finding, int] = field(default_factory=dict)  # number of occurrences
    posture: str = "none"
    weakest: int | None = None
    software: str = ""
    causes: tuple[str, ...] | None = None  # worst first
    run_id: str = "job_none"
    finished_at: datetime = BEGIN


@dataclass(frozen=True)
class SnapshotFacts:
    """The facts of one batch about a cohort."""

    domains: tuple[DomainFacts, ...]
    networks: Mapping[str, Network] = field(default_factory=dict)
    labels: Mapping[int, str] = field(default_factory=dict)
    levels: Mapping[Finding, str] = field(default_factory=dict)
    latencies: Mapping[tuple[str, str], tuple[float, float, int]] = field(default_factory=dict)
    vocabulary: Mapping[str, Mapping[str, str]] | None = None
    slug: str = "2026-01-05-0123456789ab"
    first_run_at: datetime = BEGIN
    engine_version: str = "2026.1"
    scoring_hash: str = "default"
    floor: str = "NOTICE"


Row = dict[str, Any]


def order_of(address: str) -> bytes:
    parsed = ip_address(address)
    return bytes([parsed.version]) + parsed.packed


def prefix_order(prefix: str) -> tuple[int, int, int]:
    network = ip_network(prefix)
    return network.version, int(network.network_address), network.prefixlen


class Derived:
    """The content of a snapshot's view: rows by kind in order of position, and members by owner and kind."""

    def __init__(self, facts: SnapshotFacts) -> None:
        self.facts = facts
        self.of_domain = {domain.name: domain for domain in facts.domains}
        self.pairs: dict[tuple[str, str], set[str]] = defaultdict(set)  # the domains of an endpoint
        for domain in facts.domains:
            for server, addresses in domain.servers.items():
                for address in addresses:
                    self.pairs[server, address].add(domain.name)
        names = {server for domain in facts.domains for server in domain.servers}
        networks = [self.network(address) for _, address in self.pairs]
        asns = {network.asn for network in networks if network.asn is not None}
        prefixes = {network.prefix for network in networks if network.prefix}
        findings = {finding for domain in facts.domains for finding in domain.findings}
        self.keys: dict[str, list[Any]] = {
            "domain": sorted(self.of_domain),
            "nameserver": sorted(names),
            "endpoint": sorted(self.pairs, key=lambda pair: (pair[0], order_of(pair[1]))),
            "asn": sorted(asns),
            "prefix": sorted(prefixes, key=prefix_order),
            "tag": sorted(findings, key=lambda one: (one[0], one[2])),
            "testcase": sorted({(module, testcase) for _, module, testcase in findings}),
        }
        self.places = {kind: {key: place for place, key in enumerate(keys)} for kind, keys in self.keys.items()}
        self.members: dict[tuple[str, Any, str], set[Any]] = defaultdict(set)
        for domain in facts.domains:
            self._join(domain)
        self.rows = {kind: [getattr(self, f"_{kind}")(key) for key in keys] for kind, keys in self.keys.items()}

    def network(self, address: str) -> Network:
        return self.facts.networks.get(address, Network())

    def label(self, asn: int | None) -> str:
        return self.facts.labels.get(asn, f"AS{asn}") if asn is not None else ""

    def _link(self, one: tuple[str, Any], other: tuple[str, Any]) -> None:
        self.members[one[0], one[1], other[0]].add(other[1])
        self.members[other[0], other[1], one[0]].add(one[1])

    def _join(self, domain: DomainFacts) -> None:
        own = ("domain", domain.name)
        for finding in domain.findings:
            self._link(own, ("tag", finding))
            self._link(own, ("testcase", finding[1:]))
            self._link(("tag", finding), ("testcase", finding[1:]))
        for server, addresses in domain.servers.items():
            self._link(own, ("nameserver", server))
            for address in addresses:
                self._join_address(own, server, address)
        self.members["domain", domain.name, "unreachable"] = set(domain.unreachable)

    def _join_address(self, own: tuple[str, Any], server: str, address: str) -> None:
        endpoint, network = ("endpoint", (server, address)), self.network(address)
        self._link(own, endpoint)
        self._link(("nameserver", server), endpoint)
        asn, prefix = ("asn", network.asn), ("prefix", network.prefix)
        if network.asn is not None:
            for other in (own, ("nameserver", server), endpoint):
                self._link(asn, other)
        if network.prefix:
            for other in (own, endpoint):
                self._link(prefix, other)
        if network.asn is not None and network.prefix:
            self._link(asn, prefix)

    def of(self, owner: str, key: Any, member: str) -> list[Any]:
        """Return the members of an object in order of position."""
        kind = "endpoint" if member == "unreachable" else member
        return sorted(self.members.get((owner, key, member), ()), key=self.places[kind].__getitem__)

    def _operator(self, owner: str, key: Any) -> tuple[str, int | None]:
        asns = self.of(owner, key, "asn")
        if len(asns) == 1:
            return self.label(asns[0]), asns[0]
        return ("Multiple" if asns else ""), None

    def _latency(self, endpoints: Iterable[tuple[str, str]]) -> Row:
        found = [self.facts.latencies[pair] for pair in endpoints if pair in self.facts.latencies]
        if not found:
            return {"latency_p50_ms": None, "latency_p95_ms": None, "latency_samples": 0}
        return {
            "latency_p50_ms": min(one[0] for one in found),
            "latency_p95_ms": max(one[1] for one in found),
            "latency_samples": sum(one[2] for one in found),
        }

    def _domain(self, name: str) -> Row:
        domain = self.of_domain[name]
        operator, operator_asn = self._operator("domain", name)
        families = [{ip_address(one).version for one in addresses} for addresses in domain.servers.values()]
        return {
            "domain": name,
            "score": domain.score,
            "grade": domain.grade,
            "worst_level": domain.worst_level,
            "nameserver_count": len(domain.servers),
            "endpoint_count": len(self.of("domain", name, "endpoint")),
            "asn_count": len(self.of("domain", name, "asn")),
            "prefix_count": len(self.of("domain", name, "prefix")),
            "operator": operator,
            "operator_asn": operator_asn,
            "finished_at": domain.finished_at,
            "ipv4_ns_count": sum(4 in versions for versions in families),
            "ipv6_ns_count": sum(6 in versions for versions in families),
            "dnskey_algo_weakest": domain.weakest,
            "dnskey_count": None if domain.weakest is None else 2,
            "dnssec_posture": domain.posture,
            "causes": None if domain.causes is None else list(domain.causes),
        }

    def _nameserver(self, name: str) -> Row:
        endpoints = self.of("nameserver", name, "endpoint")
        operator, operator_asn = self._operator("nameserver", name)
        latency = self._latency(endpoints)
        return {
            "nameserver": name,
            "domain_count": len(self.of("nameserver", name, "domain")),
            "endpoint_count": len(endpoints),
            "ipv4_count": sum(ip_address(one).version == 4 for _, one in endpoints),
            "ipv6_count": sum(ip_address(one).version == 6 for _, one in endpoints),
            "asn_count": len(self.of("nameserver", name, "asn")),
            "operator": operator,
            "operator_asn": operator_asn,
            "query_count": latency["latency_samples"] + 3,
        } | latency

    def _endpoint(self, pair: tuple[str, str]) -> Row:
        network = self.network(pair[1])
        return {
            "nameserver": pair[0],
            "address": pair[1],
            "family": ip_address(pair[1]).version,
            "domain_count": len(self.of("endpoint", pair, "domain")),
            "asn": network.asn,
            "asn_label": self.label(network.asn),
            "prefix": network.prefix,
        } | self._latency([pair])

    def _asn(self, asn: int) -> Row:
        endpoints = self.of("asn", asn, "endpoint")
        addresses = {address for _, address in endpoints}
        return {
            "asn": asn,
            "label": self.label(asn),
            "domain_count": len(self.of("asn", asn, "domain")),
            "address_count": len(addresses),
            "nameserver_count": len(self.of("asn", asn, "nameserver")),
            "prefix_count": len(self.of("asn", asn, "prefix")),
            "ipv4_count": sum(ip_address(one).version == 4 for one in addresses),
            "ipv6_count": sum(ip_address(one).version == 6 for one in addresses),
        } | self._latency(endpoints)

    def _prefix(self, prefix: str) -> Row:
        asns = self.of("prefix", prefix, "asn")
        return {
            "prefix": prefix,
            "family": ip_network(prefix).version,
            "domain_count": len(self.of("prefix", prefix, "domain")),
            "address_count": len({address for _, address in self.of("prefix", prefix, "endpoint")}),
            "asn": asns[0] if len(asns) == 1 else None,
            "asn_label": self.label(asns[0]) if len(asns) == 1 else "Multiple" if asns else "",
        }

    def _tag(self, finding: Finding) -> Row:
        names = self.of("tag", finding, "domain")
        return {
            "tag": finding[0],
            "module": finding[1],
            "testcase": finding[2],
            "level": self.facts.levels[finding],
            "domain_count": len(names),
            "occurrence_count": sum(self.of_domain[name].findings[finding] for name in names),
        }

    def _testcase(self, case: tuple[str, str]) -> Row:
        findings = [finding for finding in self.keys["tag"] if finding[1:] == case]
        return {
            "module": case[0],
            "testcase": case[1],
            "domain_count": len(self.of("testcase", case, "domain")),
            "entry_count": sum(self._tag(finding)["occurrence_count"] for finding in findings),
            "worst_level": worst(self.facts.levels[finding] for finding in findings),
        }

    def counts(self, category: str) -> dict[str, int]:
        """Count the domains of each key of a fact category."""
        found: dict[str, int] = defaultdict(int)
        for domain in self.facts.domains:
            for key in _fact_keys(domain, category):
                found[key] += 1
        return dict(found)


def _fact_keys(domain: DomainFacts, category: str) -> list[str]:
    if category == "severity":
        return [domain.worst_level if domain.worst_level in SEVERITIES else "OK"]
    if category == "dnssec_posture":
        return [domain.posture]
    if category == "grade":
        return [domain.grade] if domain.grade else []
    if category == "cause":
        return list(domain.causes or ())
    if category in {"dnskey_algo", "dnskey_algo_weakest"}:
        return [str(domain.weakest)] if domain.weakest is not None else []
    having = [any(":" in one for one in addresses) for addresses in domain.servers.values()]
    return ["full" if having and all(having) else "partial" if any(having) else "none"]


# Columns that public responses rename, and columns that no list shows.
_COLUMNS: Mapping[str, tuple[Any, Callable[[Derived, Any, Row], Row]]] = {
    "domain": (SnapshotDomain, lambda derived, key, row: _domain_columns(derived.of_domain[key], row)),
    "nameserver": (
        SnapshotNameserver,
        lambda _derived, key, row: {"name": key, "nameserver_id": 1, "latency_ipv4": 1.5, "latency_ipv6": None},
    ),
    "endpoint": (
        SnapshotEndpoint,
        lambda _derived, key, row: {
            "nameserver_id": 1,
            "address_id": 1,
            "address_order": order_of(key[1]),
            "operator": row["asn_label"],
        },
    ),
    "asn": (SnapshotAsn, lambda _derived, _key, _row: {}),
    "prefix": (SnapshotPrefix, lambda _derived, _key, _row: {}),
    "tag": (SnapshotTag, lambda _derived, _key, _row: {}),
    "testcase": (SnapshotTestcase, lambda _derived, _key, _row: {}),
}


def _domain_columns(domain: DomainFacts, row: Row) -> Row:
    return {"name": row["domain"], "domain_id": 1, "run_id": domain.run_id, "software_version": domain.software}


def write_view(store: Store, snapshot_id: int, derived: Derived, *, files: FileStorage | None = None) -> int:
    """Write a view of a snapshot, make it the current one, and return its id; it is in files if `files` is given."""
    with store.transaction() as session:
        view = SnapshotView(snapshot_id=snapshot_id, created_at=BEGIN)
        session.add(view)
        session.flush()
        folder, new = f"views/view={view.id}", list[NewFile]()
        sets = {domain.name: ensure_cause_set(session, domain.causes) for domain in derived.facts.domains}
        for kind, (model, more) in _COLUMNS.items():
            names = [column.key for column in model.__table__.columns]
            rows = (
                row | more(derived, key, row) | {"view_id": view.id, "position": place, "cause_set_id": sets.get(key)}
                for place, (key, row) in enumerate(zip(derived.keys[kind], derived.rows[kind], strict=True))
            )
            values = ([row[name] for name in names] for row in rows)
            if files is None:
                insert_rows(session, model, names, values)
            else:
                stored = [name for name in names if name != "view_id"]
                new.append(
                    write_table(
                        files, f"{folder}/{model.__tablename__}.parquet", model, stored, (row[1:] for row in values)
                    )
                )
        if files is None:
            _write_members(session, view.id, derived)
        else:
            new += _members_files(files, folder, derived)
            register_files(session, snapshot_id, new, now=BEGIN, view_id=view.id)
        session.add(_overview(view.id, derived))
        snapshot = session.get_one(CohortSnapshot, snapshot_id)
        snapshot.view_id = view.id
        return view.id


def _write_members(session: Any, view_id: int, derived: Derived) -> None:
    rows = []
    for owner, key, member in derived.members:
        places = derived.places["endpoint" if member == "unreachable" else member]
        positions = sorted(places[one] for one in derived.members[owner, key, member])
        rows.append((view_id, owner, derived.places[owner][key], member, pack_positions(positions)))
    insert_rows(session, SnapshotMembers, ("view_id", "owner", "position", "member", "positions"), rows)


def _members_files(files: FileStorage, folder: str, derived: Derived) -> list[NewFile]:
    pairs: dict[tuple[str, str], list[tuple[int, int]]] = {kinds: [] for kinds in MEMBERS}
    for owner, key, member in derived.members:
        places = derived.places["endpoint" if member == "unreachable" else member]
        own = derived.places[owner][key]
        if (owner, member) in pairs:
            pairs[owner, member] += [(own, places[one]) for one in derived.members[owner, key, member]]
    return [write_members(files, folder, owner, member, found) for (owner, member), found in pairs.items()]


def _overview(view_id: int, derived: Derived) -> SnapshotOverview:
    def top(kind: str) -> str:
        rows = sorted(derived.rows[kind], key=lambda row: -row["domain_count"])[:10]
        return json.dumps(rows)

    return SnapshotOverview(
        view_id=view_id,
        **{f"{kind}_count": len(derived.keys[kind]) for kind in ("domain", "nameserver", "endpoint", "asn", "prefix")},
        top_tags=top("tag"),
        top_nameservers=top("nameserver"),
        top_asns=top("asn"),
        fact_distributions=json.dumps({name: derived.counts(name) for name in BY_NAME}),
    )


def make_cohort(store: Store, tag: str = "se", **fields: Any) -> int:
    """Create a public cohort; return its id."""
    values = {"analysis_enabled": True, "public_enabled": True, "label": tag.upper()} | fields
    with store.transaction() as session:
        session.add(Tag(name=tag, created_at=BEGIN))
        session.flush()
        cohort = Cohort(source_tag=tag, created_at=BEGIN, updated_at=BEGIN, **values)
        session.add(cohort)
        session.flush()
        return cohort.id


def make_snapshot(
    store: Store, cohort_id: int, facts: SnapshotFacts, *, files: FileStorage | None = None, **fields: Any
) -> tuple[int, int]:
    """Create a captured snapshot with its view; return both ids."""
    now = facts.first_run_at
    values: dict[str, Any] = {
        "slug": facts.slug,
        "status": SnapshotStatus.CAPTURED,
        "captured_at": now + timedelta(hours=2),
        "first_run_at": now,
        "last_run_at": now + timedelta(hours=1),
        "run_count": len(facts.domains),
        "domain_count": len(facts.domains),
        "engine_version": facts.engine_version,
        "scoring_config_hash": facts.scoring_hash,
        "tag_view_min_level": facts.floor,
    } | fields
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(domain_count=len(facts.domains), snapshot_intent=True), now=now)
        session.flush()
        snapshot = CohortSnapshot(
            cohort_id=cohort_id,
            batch_key=batch.key,
            vocabulary_id=_vocabulary(session, facts.vocabulary),
            created_at=now,
            updated_at=now,
            **values,
        )
        session.add(snapshot)
        session.flush()
        snapshot_id = snapshot.id
    return snapshot_id, write_view(store, snapshot_id, Derived(facts), files=files)


def _vocabulary(session: Any, levels: Mapping[str, Mapping[str, str]] | None) -> int | None:
    if levels is None:
        return None
    text = json.dumps(levels, sort_keys=True)
    digest = random.Random(text).randbytes(16)  # one for each text, as only their number matters here
    found = session.query(Vocabulary).filter_by(digest=digest).one_or_none()
    if found is None:
        found = Vocabulary(digest=digest, levels=text)
        session.add(found)
        session.flush()
    number: int = found.id
    return number


def _causes(seed: str) -> tuple[str, ...] | None:
    """Generate the causes of a domain; its own generator leaves the other facts as they were."""
    rng = random.Random(seed)
    return None if rng.random() < 0.1 else tuple(cause for cause in CAUSES if rng.random() < 0.3)


class Chance:
    """A generator of snapshots from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)

    def snapshot(self, domains: int = 40, **fields: Any) -> SnapshotFacts:
        """Generate a snapshot of some domains."""
        rng = self.rng
        names = [
            f"{rng.choice([f'a{n}', f'b{n}', 'xn--' + f'å{n}'.encode('punycode').decode()])}.{rng.choice(['se', 'nu'])}"
            for n in range(domains)
        ]
        addresses = [f"192.0.2.{number}" for number in range(9)] + [f"2001:db8::{number:x}" for number in range(1, 6)]
        networks = {address: self._network(address) for address in addresses}
        servers = {f"ns{number}.example": tuple(rng.sample(addresses, rng.randint(0, 3))) for number in range(12)}
        levels = {finding: rng.choice(SEVERITIES) for finding in FINDINGS}
        pairs = [(server, address) for server, known in servers.items() for address in known]
        facts = SnapshotFacts(
            domains=tuple(self.domain(name, servers, levels) for name in names),
            networks=networks,
            labels={64500: "ALPHA - Alpha Net, SE", 64501: "beta"},
            levels=levels,
            latencies={pair: self._latency() for pair in pairs if rng.random() < 0.7},
            vocabulary=vocabulary_of(levels),
        )
        return replace(facts, **fields)

    def domain(self, name: str, servers: Mapping[str, tuple[str, ...]], levels: Mapping[Finding, str]) -> DomainFacts:
        """Generate a domain with some of the servers and findings."""
        rng = self.rng
        chosen = {
            server: servers[server] for server in rng.sample(sorted(servers), min(len(servers), rng.randint(0, 4)))
        }
        findings = {finding: rng.randint(1, 3) for finding in rng.sample(FINDINGS, rng.randint(0, 4))}
        pairs = [(server, address) for server, addresses in chosen.items() for address in addresses]
        score = rng.choice([None, 0, 35, 60, 77, 90, 100, 100])
        lower = rng.choice([None, "INFO", "DEBUG"])
        return DomainFacts(
            name=name,
            score=score,
            grade=None if score is None else _grade(score),
            worst_level=worst(levels[finding] for finding in findings) if findings else lower,
            servers=chosen,
            unreachable=frozenset(pair for pair in pairs if rng.random() < 0.1),
            findings=findings,
            posture=rng.choice(POSTURES),
            weakest=rng.choice([None, *ALGORITHMS]),
            software=rng.choice(["", "NSD 4.8", "BIND 9.20"]),
            causes=_causes(name),
            finished_at=BEGIN + timedelta(seconds=rng.randrange(3600)),
        )

    def later(self, before: SnapshotFacts, days: int = 30, **fields: Any) -> SnapshotFacts:
        """Generate the next snapshot of the cohort: some domains join or leave, scores, findings and levels change."""
        rng = self.rng
        kept = [self._changed(domain, before) for domain in before.domains if rng.random() < 0.9]
        fresh = [
            self.domain(f"new{rng.randrange(10**6)}.se", {"ns1.example": ()}, before.levels)
            for _ in range(rng.randint(0, 4))
        ]
        levels = {
            finding: rng.choice(SEVERITIES) if rng.random() < 0.2 else level for finding, level in before.levels.items()
        }
        begin = before.first_run_at + timedelta(days=days)
        changed: dict[str, Any] = {
            "domains": tuple(kept + fresh),
            "levels": levels,
            "vocabulary": vocabulary_of(levels),
            "first_run_at": begin,
            "slug": f"{begin:%Y-%m-%d}-{rng.randrange(16**12):012x}",
        }
        return replace(before, **(changed | fields))

    def _changed(self, domain: DomainFacts, before: SnapshotFacts) -> DomainFacts:
        rng = self.rng
        if rng.random() < 0.4:
            return domain
        findings = dict(domain.findings)
        for finding in rng.sample(FINDINGS, rng.randint(0, 3)):
            if findings.pop(finding, None) is None:
                findings[finding] = 1
        score = domain.score
        if score is not None and rng.random() < 0.7:
            score = max(0, min(100, score + rng.choice([-20, -5, -3, -1, 0, 1, 4, 20])))
        return replace(
            domain,
            findings=findings,
            score=score,
            grade=None if score is None else _grade(score),
            worst_level=worst(before.levels[finding] for finding in findings) if findings else None,
            posture=rng.choice([domain.posture, *POSTURES]),
            causes=_causes(f"{domain.name} {score}"),
        )

    def _network(self, address: str) -> Network:
        asn = self.rng.choice([None, 64500, 64501, 64502])
        if asn is None:
            return Network()
        length = self.rng.choice([24, 28] if "." in address else [32, 48])
        return Network(asn, str(ip_network(f"{address}/{length}", strict=False)))

    def _latency(self) -> tuple[float, float, int]:
        middle = self.rng.choice([1.25, 8.5, 30.0, 30.0])
        return middle, middle * 2, self.rng.choice([1, 5, 50])


def vocabulary_of(levels: Mapping[Finding, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for (tag, module, _), level in levels.items():
        found[module][tag] = level
    return dict(found)


def _grade(score: int) -> str:
    return next(
        grade for grade, least in (("A+", 100), ("A", 90), ("B", 75), ("C", 60), ("D", 40), ("F", 0)) if score >= least
    )


def sorted_rows(rows: Sequence[Row], key: str, *, descending: bool) -> list[Row]:
    """Sort as lists do: rows with equal values keep their order, rows without a value come last."""

    def rank(row: Row) -> Any:
        value = row[key]
        return LEVELS.index(value) if key in {"worst_level", "level"} else value

    known = [row for row in rows if row[key] is not None]
    return sorted(known, key=rank, reverse=descending) + [row for row in rows if row[key] is None]
