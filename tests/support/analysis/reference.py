"""The expected view, computed from facts in the simplest way, and a stored view in the same form for comparison."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.column_views.members import MEMBERS
from gonemaster_db.analysis.facts import RunFacts
from gonemaster_db.analysis.views.files.members import members_table
from gonemaster_db.analysis.views.files.source import is_in_files, view_session
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.models import (
    SnapshotAsn,
    SnapshotDomain,
    SnapshotEndpoint,
    SnapshotMembers,
    SnapshotNameserver,
    SnapshotPrefix,
    SnapshotTag,
    SnapshotTestcase,
)
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.documents.positions import unpack_positions

Shape = dict[str, Any]
_KEYS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "domain": (SnapshotDomain, ("name",)),
    "nameserver": (SnapshotNameserver, ("name",)),
    "endpoint": (SnapshotEndpoint, ("nameserver", "address")),
    "asn": (SnapshotAsn, ("asn",)),
    "prefix": (SnapshotPrefix, ("prefix",)),
    "tag": (SnapshotTag, ("tag", "testcase")),
    "testcase": (SnapshotTestcase, ("module", "testcase")),
}
_SHOWN = (
    "domain_count", "nameserver_count", "endpoint_count", "asn_count", "prefix_count", "address_count", "ipv4_count",
    "ipv6_count", "operator_asn", "score", "level", "worst_level", "occurrence_count", "entry_count",
    "latency_p50_ms", "latency_p95_ms", "latency_samples", "dnskey_count", "dnskey_algo_weakest",
)  # fmt: skip


def order_of(kind: str, key: tuple[Any, ...]) -> Any:
    """Return the natural order of keys."""
    if kind == "endpoint":
        address = ip_address(key[1])
        return key[0], address.version, address.packed
    if kind == "prefix":
        network = ip_network(key[0])
        return network.version, network.network_address.packed, network.prefixlen
    return key


def stored_view(session: Session, view_id: int | None) -> Shape:
    """Return a stored view: for each kind, the rows by key, and the members of each object as sets of keys."""
    keys: dict[str, list[tuple[Any, ...]]] = {}
    shape: Shape = {"members": {}}
    assert view_id is not None
    reading = view_session(session, view_id)
    for kind, (table, names) in _KEYS.items():
        rows = reading.scalars(select(table).where(table.view_id == view_id).order_by(table.position)).all()
        assert [row.position for row in rows] == list(range(len(rows)))
        keys[kind] = [tuple(getattr(row, name) for name in names) for row in rows]
        assert keys[kind] == sorted(keys[kind], key=lambda key, kind=kind: order_of(kind, key))  # type: ignore[misc]
        shown = [{name: getattr(row, name) for name in _SHOWN if hasattr(row, name)} for row in rows]
        shape[kind] = dict(zip(keys[kind], shown, strict=True))
    for (owner, position, member), places in stored_members(session, view_id).items():
        kind = "endpoint" if member == "unreachable" else member
        shape["members"][owner, keys[owner][position], member] = {keys[kind][place] for place in places}
    return shape


def stored_members(session: Session, view_id: int) -> dict[tuple[str, int, str], list[int]]:
    """Return all members of a view: their positions by kind of object, position of the object, and kind of member."""
    reading = view_session(session, view_id)
    if not is_in_files(reading):
        packed = session.scalars(select(SnapshotMembers).where(SnapshotMembers.view_id == view_id))
        return {(one.owner, one.position, one.member): list(unpack_positions(one.positions)) for one in packed}
    found: defaultdict[tuple[str, int, str], list[int]] = defaultdict(list)
    for owner, member in MEMBERS:
        table = members_table(owner, member).c
        rows = reading.execute(select(table.position, table.other, table.ordinal).order_by(table.ordinal)).all()
        assert [row.ordinal for row in rows] == list(range(len(rows)))
        assert rows == sorted(rows, key=lambda row: (row.position, row.other))
        for row in rows:
            found[owner, row.position, member].append(row.other)
    return dict(found)


def expected_view(runs: Sequence[RunFacts], kinds: Mapping[int, EntryType]) -> Shape:
    """Return the view that these facts must produce."""
    return _Expected(runs, kinds).shape()


def percentile(samples: Sequence[tuple[float, int]], share: float) -> float | None:
    """Return the percentile of response times; each number counts one response."""
    answers = sorted(time for time, number in samples for _ in range(number))
    if not answers:
        return None
    place = next(at for at in range(1, len(answers) + 1) if at >= share * len(answers))
    return round(answers[place - 1], 3)


class _Expected:
    def __init__(self, runs: Sequence[RunFacts], kinds: Mapping[int, EntryType]) -> None:
        self.runs, self.kinds = runs, kinds
        self.members: defaultdict[tuple[str, Any, str], set[Any]] = defaultdict(set)
        self.times: defaultdict[Any, list[tuple[float, int]]] = defaultdict(list)
        self.asns_of: defaultdict[str, set[int]] = defaultdict(set)  # lists of an address
        self.prefixes_of: defaultdict[str, set[str]] = defaultdict(set)
        self.pairs: set[tuple[int, str]] = set()

    def shape(self) -> Shape:
        for run in self.runs:
            self._take(run)
        for endpoint in {key for owner, key, _ in list(self.members) if owner == "endpoint"}:
            self._place(endpoint)
        shape: Shape = {"domain": {(run.name,): self._domain(run) for run in self.runs}}
        shape["nameserver"] = {(name,): self._nameserver(name) for name in self._all_names()}
        endpoints = {key for owner, key, _ in self.members if owner == "endpoint"}
        shape["endpoint"] = {key: self._of("endpoint", key) | self._latency([key]) for key in endpoints}
        shape["asn"] = {(asn,): self._network("asn", asn) for asn in self._all_asns()}
        shape["prefix"] = {
            (prefix,): self._of("prefix", (prefix,)) | {"address_count": len(self._addresses("prefix", prefix))}
            for prefix in {prefix for seen in self.prefixes_of.values() for prefix in seen}
        }
        shape["tag"] = self._tags()
        shape["testcase"] = self._testcases()
        shape["members"] = {key: found for key, found in self.members.items() if found}
        return shape

    def _take(self, run: RunFacts) -> None:
        me = (run.name,)
        for one in run.endpoints:
            self._join("domain", me, "nameserver", (one.nameserver,))
            if not one.address:
                continue
            key = (one.nameserver, one.address)
            self._join("domain", me, "endpoint", key)
            self._join("nameserver", (one.nameserver,), "endpoint", key, both=False)
            if one.unreachable:
                self.members["domain", me, "unreachable"].add(key)
            if one.avg_ms is not None and one.query_count:
                self.times[key].append((one.avg_ms, one.query_count))
        for origin in run.origins:
            self.asns_of[origin.address] |= set(origin.asns)
            for asn in origin.asns:
                self._join("domain", me, "asn", (asn,))
            if origin.prefix:
                self.prefixes_of[origin.address].add(origin.prefix)
                self.pairs |= {(asn, origin.prefix) for asn in origin.asns}
                self._join("domain", me, "prefix", (origin.prefix,))
        for asn, _ in run.asns:
            self._join("domain", me, "asn", (asn,))
        for kind_id in run.kinds:
            kind = self.kinds[kind_id]
            self._join("domain", me, "tag", (kind.tag, kind.testcase))
            self._join("domain", me, "testcase", (kind.module, kind.testcase))
            self.members["testcase", (kind.module, kind.testcase), "tag"].add((kind.tag, kind.testcase))
        for member in ("asn", "prefix", "testcase"):  # a domain does not have these lists
            self.members.pop(("domain", me, member), None)

    def _join(self, owner: str, key: Any, member: str, found: Any, *, both: bool = True) -> None:
        self.members[owner, key, member].add(found)
        if both:
            self.members[member, found, owner].add(key)

    def _place(self, endpoint: tuple[str, str]) -> None:
        name, address = endpoint
        for asn in self.asns_of[address]:
            self.members["nameserver", (name,), "asn"].add((asn,))
            self.members["asn", (asn,), "nameserver"].add((name,))
            self.members["asn", (asn,), "endpoint"].add(endpoint)
            for prefix in self.prefixes_of[address]:
                if (asn, prefix) in self.pairs:
                    self.members["asn", (asn,), "prefix"].add((prefix,))
                    self.members["prefix", (prefix,), "asn"].add((asn,))
        for prefix in self.prefixes_of[address]:
            self.members["prefix", (prefix,), "endpoint"].add(endpoint)

    def _all_names(self) -> set[str]:
        return {one.nameserver for run in self.runs for one in run.endpoints}

    def _all_asns(self) -> set[int]:
        return {asn for run in self.runs for asn, _ in run.asns} | {a for seen in self.asns_of.values() for a in seen}

    def _addresses(self, kind: str, key: Any) -> set[str]:
        return {address for _, address in self.members[kind, (key,), "endpoint"]}

    def _of(self, kind: str, key: Any) -> Shape:
        return {"domain_count": len(self.members[kind, key, "domain"])}

    def _latency(self, endpoints: Any) -> Shape:
        samples = [sample for key in endpoints for sample in self.times[key]]
        shares = {"latency_p50_ms": percentile(samples, 0.5), "latency_p95_ms": percentile(samples, 0.95)}
        return shares | {"latency_samples": sum(number for _, number in samples)}

    def _domain(self, run: RunFacts) -> Shape:
        asns = {asn for asn, _ in run.asns} | {asn for one in run.origins for asn in one.asns}
        keys = [value or 0 for category, _, value in run.categories if category == "dnskey_algo"]
        weakest = [int(key) for category, key, _ in run.categories if category == "dnskey_algo_weakest"]
        return {
            "nameserver_count": len({one.nameserver for one in run.endpoints}),
            "endpoint_count": sum(1 for one in run.endpoints if one.address),
            "asn_count": len({asn for asn, _ in run.asns}),
            "prefix_count": len({one.prefix for one in run.origins if one.prefix}),
            "operator_asn": next(iter(asns)) if len(asns) == 1 else None,
            "score": run.score,
            "worst_level": run.worst_level,
            "dnskey_count": sum(keys) if keys else None,
            "dnskey_algo_weakest": weakest[0] if weakest else None,
        }

    def _nameserver(self, name: str) -> Shape:
        endpoints = self.members["nameserver", (name,), "endpoint"]
        asns = self.members["nameserver", (name,), "asn"]
        return {
            **self._of("nameserver", (name,)),
            **self._latency(endpoints),
            "endpoint_count": len(endpoints),
            "ipv4_count": sum(":" not in address for _, address in endpoints),
            "ipv6_count": sum(":" in address for _, address in endpoints),
            "asn_count": len(asns),
            "operator_asn": next(iter(asns))[0] if len(asns) == 1 else None,
        }

    def _network(self, kind: str, key: Any) -> Shape:
        addresses = self._addresses(kind, key)
        return {
            **self._of(kind, (key,)),
            **self._latency(self.members[kind, (key,), "endpoint"]),
            "address_count": len(addresses),
            "nameserver_count": len(self.members[kind, (key,), "nameserver"]),
            "prefix_count": len(self.members[kind, (key,), "prefix"]),
            "ipv4_count": sum(":" not in address for address in addresses),
            "ipv6_count": sum(":" in address for address in addresses),
        }

    def _tags(self) -> dict[Any, Shape]:
        found: Counter[tuple[str, str]] = Counter()
        levels: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for run in self.runs:
            for kind_id, number in run.kinds.items():
                kind = self.kinds[kind_id]
                found[kind.tag, kind.testcase] += number
                levels[kind.tag, kind.testcase].add(kind.level)
        return {
            key: self._of("tag", key) | {"occurrence_count": found[key], "level": max(levels[key], key=LEVELS.index)}
            for key in found
        }

    def _testcases(self) -> dict[Any, Shape]:
        found: Counter[tuple[str, str]] = Counter()
        levels: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for run in self.runs:
            for kind_id, number in run.kinds.items():
                kind = self.kinds[kind_id]
                found[kind.module, kind.testcase] += number
                levels[kind.module, kind.testcase].add(kind.level)
        return {
            key: self._of("testcase", key)
            | {"entry_count": found[key], "worst_level": max(levels[key], key=LEVELS.index)}
            for key in found
        }
