"""Extraction of facts from the entries and timings of one run: pure functions; malformed arguments yield no facts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gonemaster_db.analysis import categories
from gonemaster_db.analysis.facts import EndpointFact, OriginFact, RunFacts
from gonemaster_db.analysis.projections import RunRow
from gonemaster_db.core.errors import RunReduced
from gonemaster_db.core.states import Keep
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.run_documents import StoredRun
from gonemaster_tasks.maintenance.projection.outline import (
    ALGORITHM_PREFIX,
    AS_LISTS,
    ENGINE,
    MORE_SERVERS,
    ORIGINS,
    SERVERS,
    VERSION,
    Outline,
    Outlines,
)
from gonemaster_tasks.maintenance.projection.texts import address_of, asn_of, name_of, prefix_of

_MAX_KEY = 255
_MAX_VERSION = 64
_SEVERITIES = frozenset({"NOTICE", "WARNING", "ERROR", "CRITICAL"})
_MISSING = frozenset({"EMPTY_ASN_SET", "CN04_EMPTY_PREFIX_SET"})
_FAILED = frozenset({"ERROR_ASN_DATABASE", "CN04_ERROR_PREFIX_DATABASE"})
_MAX_MS, _MAX_COUNT = 1e9, 2**31 - 1


def facts_of(row: RunRow, stored: StoredRun, kinds: Mapping[int, EntryType], outlines: Outlines) -> RunFacts:
    """Return the facts of a run.

    Raises:
        DocumentDamaged: the document of the run cannot be read.
        RunReduced: it is no longer complete.
    """
    if stored.kept is not Keep.FULL:
        raise RunReduced(f"only the {stored.kept} of the run are kept")
    outline = outlines.of(stored.kinds, kinds)
    found = _Extracted()
    document = stored.full_document
    for place, tag in outline.places:
        found.take(tag, document.arguments(place))
    timings = {
        (endpoint.nameserver, endpoint.address): endpoint for endpoint in _timings(document.nameserver_timings, found)
    }
    endpoints = _endpoints(found, timings)
    origins = list(found.known_origins({endpoint.address for endpoint in endpoints if endpoint.address}))
    asns = found.asns | {(asn, 6 if ":" in origin.address else 4) for origin in origins for asn in origin.asns}
    return RunFacts(
        row.domain_id,
        row.domain,
        run_key=row.key,
        run_id=row.id,
        finished_at=row.finished_at,
        score=row.score,
        grade=row.grade,
        worst_level=row.worst_level,
        engine_version=found.engine,
        effective_profile_id=row.effective_profile_id,
        profile_id=row.profile_id,
        profile_name=row.profile_name,
        cause_set_id=row.cause_set_id,
        endpoints=endpoints,
        origins=origins,
        asns=asns,
        kinds=outline.counts,
        categories=list(_categories(row, outline, found, endpoints)),
    )


@dataclass(slots=True)
class _KnownOrigin:
    """The known origin of one address."""

    asns: set[int] = field(default_factory=set)
    prefix: str = ""
    status: str = "found"


@dataclass(slots=True)
class _Extracted:
    """The data collected from the entries."""

    servers: dict[str, set[str]] = field(default_factory=dict)  # addresses by server name
    origins: defaultdict[str, _KnownOrigin] = field(default_factory=lambda: defaultdict(_KnownOrigin))
    asns: set[tuple[int, int]] = field(default_factory=set)  # AS number with address family
    # families whose addresses are all in the same ASes
    whole_families: dict[int, set[int]] = field(default_factory=dict)
    algorithms: defaultdict[int, set[Any]] = field(default_factory=lambda: defaultdict(set))  # algorithm to key tags
    versions: set[str] = field(default_factory=set)
    engine: str = ""

    def take(self, tag: str, args: Any) -> None:
        """Process the arguments of one entry."""
        if not isinstance(args, dict):
            return
        if tag in SERVERS or tag in MORE_SERVERS:
            self._take_servers(args.get("servers"))
        elif tag in ORIGINS:
            self._take_origin(tag, args)
        elif tag in AS_LISTS:
            self._take_list(tag, args)
        elif tag.startswith(ALGORITHM_PREFIX):
            self._take_algorithm(args)
        elif tag == VERSION and isinstance(args.get("string"), str):
            self.versions.add(args["string"][:_MAX_KEY])
        elif tag == ENGINE and isinstance(args.get("version"), str):
            self.engine = args["version"][:_MAX_VERSION]

    def announced(self, address: str, asns: Any, prefix: Any) -> None:
        """Record the ASes and the prefix that announce an address."""
        origin = self.origins[address]
        origin.asns |= set(_asns(asns))
        origin.prefix = prefix_of(prefix) or origin.prefix

    def known_origins(self, addresses: Iterable[str]) -> Iterator[OriginFact]:
        """Yield the known origins of addresses; a single verdict for a family applies to all its addresses."""
        for address in sorted(addresses):
            origin = self.origins.get(address, _KnownOrigin(status=""))
            asns = origin.asns or self.whole_families.get(6 if ":" in address else 4, set())
            if origin.status or asns:
                status = "found" if asns or origin.prefix else origin.status
                yield OriginFact(address, sorted(asns), origin.prefix, status)

    def _take_servers(self, servers: Any) -> None:
        for server in _list(servers):
            if isinstance(server, dict) and (name := name_of(server.get("ns"))):
                addresses = self.servers.setdefault(name, set())
                if address := address_of(server.get("address")):
                    addresses.add(address)

    def _take_origin(self, tag: str, args: Mapping[str, Any]) -> None:
        if "servers" in args:
            (prefix, *_) = _list(args.get("prefixes")) or [None]
            addresses = [server.get("address") for server in _list(args["servers"]) if isinstance(server, dict)]
        else:
            prefix, addresses = next(iter(_list(args.get("prefixes"))), None), [args.get("address")]
        for address in filter(None, map(address_of, filter(_is_text, addresses))):
            if tag in _MISSING or tag in _FAILED:
                self.origins[address].status = "missing" if tag in _MISSING else "failed"
            else:
                self.announced(address, args.get("asns"), prefix)

    def _take_list(self, tag: str, args: Mapping[str, Any]) -> None:
        family = AS_LISTS[tag]
        asns = set(_asns(args.get("asns") or [args.get("asn")]))
        self.asns |= {(asn, family) for asn in asns}
        if tag.endswith("_ONE_ASN"):  # Reported only if the AS of every address is known.
            self.whole_families[family] = asns

    def _take_algorithm(self, args: Mapping[str, Any]) -> None:
        number, keytag = args.get("algo_num"), args.get("keytag")
        if isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= 255:
            self.algorithms[number].add(keytag if isinstance(keytag, int) else None)


def _timings(rows: Any, found: _Extracted) -> Iterator[EndpointFact]:
    """Yield the timings of the zone's name servers; the other timings belong to servers of parent zones.

    A server that is `unresolved` counts as a server of the zone: only the zone's own servers get that status.
    """
    for row in rows or ():
        name = name_of(row.get("nameserver")) if isinstance(row, dict) else None
        if name is None:
            continue
        if row.get("status") == "unresolved":
            found.servers.setdefault(name, set())
        elif (address := address_of(row.get("address"))) and address in found.servers.get(name, ()):
            if row.get("prefix") or row.get("asns"):
                found.announced(address, row.get("asns"), row.get("prefix"))
            count = row.get("count")
            average, least, maximum = (_milliseconds(row.get(kind)) for kind in ("avg_ms", "min_ms", "max_ms"))
            answers = min(count, _MAX_COUNT) if isinstance(count, int) and count > 0 else 0
            silent = row.get("status") == "unreachable"
            yield EndpointFact(name, address, "timings", average, least, maximum, answers, unreachable=silent)


def _endpoints(found: _Extracted, timings: Mapping[tuple[str, str], EndpointFact]) -> list[EndpointFact]:
    return [
        timings.get((name, address)) or EndpointFact(name, address)
        for name, addresses in sorted(found.servers.items())
        for address in sorted(addresses) or ("",)
    ]


def _categories(
    row: RunRow, outline: Outline, found: _Extracted, endpoints: Sequence[EndpointFact]
) -> Iterator[tuple[str, str, int | None]]:
    """Yield the facts of each category (contract analysis.md section 4)."""
    yield categories.SEVERITY, row.worst_level if row.worst_level in _SEVERITIES else "OK", None
    yield categories.DNSSEC_POSTURE, outline.posture, None
    yield categories.IPV6_COVERAGE, _ipv6_coverage(endpoints), None
    if row.grade:
        yield categories.GRADE, row.grade, None
    for number, keytags in sorted(found.algorithms.items()):
        yield categories.DNSKEY_ALGO, str(number), len(keytags)
    if found.algorithms:
        weakest = min(found.algorithms, key=categories.algorithm_rank)
        yield categories.DNSKEY_ALGO_WEAKEST, str(weakest), None
    # Servers without a reply might run different software.
    if len(found.versions) == 1 and not outline.has_undisclosed:
        yield categories.SOFTWARE_VERSION, next(iter(found.versions)), None


def _ipv6_coverage(endpoints: Iterable[EndpointFact]) -> str:
    names = {endpoint.nameserver for endpoint in endpoints}
    reached = {endpoint.nameserver for endpoint in endpoints if ":" in endpoint.address}
    if not reached:
        return "none"
    return "full" if reached == names else "partial"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _asns(values: Any) -> Iterator[int]:
    return (asn for value in _list(values) if (asn := asn_of(value)) is not None)


def _milliseconds(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value < _MAX_MS else None
