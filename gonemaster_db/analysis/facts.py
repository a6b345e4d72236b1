"""Facts of runs, written for many runs together; they replace the previous facts of each domain in the snapshot."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.models.facts import NO_ADDRESS, NO_ASN
from gonemaster_db.analysis.registries import ADDRESSES, ASNS, NAMESERVERS, PREFIXES, register
from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.models import (
    FACT_TABLES,
    FactAddressAsn,
    FactDomainAsn,
    FactDomainFact,
    FactDomainSummary,
    FactNsEndpoint,
    FactTagSummary,
)


@dataclass(frozen=True, slots=True)
class EndpointFact:
    """A name server and one of its addresses (empty if it has none), with response times in milliseconds."""

    nameserver: str
    address: str = ""
    source: str = "entries"
    avg_ms: float | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    query_count: int = 0
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class OriginFact:
    """The origin of an address; `prefix` is empty if it is unknown."""

    address: str
    asns: Sequence[int] = ()
    prefix: str = ""
    status: str = "found"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """All facts of a run; `asns` are (AS, family), `kinds` counts entries by kind, at or above the minimum level."""

    domain_id: int
    name: str
    run_key: int
    run_id: str
    finished_at: datetime
    score: int | None = None
    grade: str | None = None
    worst_level: str | None = None
    engine_version: str = ""
    effective_profile_id: int | None = None
    profile_id: int | None = None
    profile_name: str = ""
    cause_set_id: int | None = None
    endpoints: Sequence[EndpointFact] = ()
    origins: Sequence[OriginFact] = ()
    asns: Collection[tuple[int, int]] = ()
    kinds: Mapping[int, int] = field(default_factory=dict)
    categories: Sequence[tuple[str, str, int | None]] = ()


class FactCounts(NamedTuple):
    """Numbers of distinct objects in the facts of a run."""

    nameservers: int
    endpoints: int
    asns: int
    prefixes: int
    with_ipv4: int
    with_ipv6: int


def counts_of(run: RunFacts) -> FactCounts:
    """Count name servers (all, with IPv4, with IPv6), their addresses, and the ASes and prefixes of the addresses."""
    resolved = [endpoint for endpoint in run.endpoints if endpoint.address]
    families = [(endpoint.nameserver, ":" in endpoint.address) for endpoint in resolved]
    return FactCounts(
        nameservers=len({endpoint.nameserver for endpoint in run.endpoints}),
        endpoints=len(resolved),
        asns=len({asn for asn, _ in run.asns}),
        prefixes=len({origin.prefix for origin in run.origins if origin.prefix}),
        with_ipv4=len({name for name, ipv6 in families if not ipv6}),
        with_ipv6=len({name for name, ipv6 in families if ipv6}),
    )


def write_facts(session: Session, snapshot_id: int, runs: Sequence[RunFacts]) -> None:
    """Write the facts of runs, one run for each domain, replacing the previous facts of the domains.

    The caller locks the row of the snapshot and raises its `facts_revision`.
    """
    if not runs:
        return
    runs = sorted(runs, key=attrgetter("domain_id"))
    remove_facts(session, snapshot_id, [run.domain_id for run in runs])
    numbers = _Numbers(session, runs)
    for table, columns, rows in (
        (FactNsEndpoint, _ENDPOINT, _endpoint_rows),
        (FactAddressAsn, _ORIGIN, _origin_rows),
        (FactDomainAsn, ("asn", "family"), _asn_rows),
        (FactTagSummary, ("kind_id", "occurrence_count"), _kind_rows),
        (FactDomainFact, ("category", "fact_key", "value_num"), _category_rows),
        (FactDomainSummary, _SUMMARY, _summary_rows),
    ):
        of_table = ((snapshot_id, run.domain_id, *row) for run in runs for row in rows(run, numbers))
        insert_rows(session, table, ("snapshot_id", "domain_id", *columns), of_table)


def remove_facts(session: Session, snapshot_id: int, domain_ids: Collection[int]) -> None:
    """Remove the facts of domains from a snapshot."""
    key = FactDomainSummary.domain_id
    known = select(key).where(FactDomainSummary.snapshot_id == snapshot_id, key.in_(domain_ids))
    if existing := session.scalars(known).all():
        for table in FACT_TABLES:
            _delete(session, table, snapshot_id, existing)


def _delete(session: Session, table: Any, snapshot_id: int, domain_ids: Collection[int]) -> None:
    deletion = delete(table).where(table.snapshot_id == snapshot_id, table.domain_id.in_(domain_ids))
    session.execute(deletion, execution_options={"synchronize_session": False})


class _Numbers:
    """The registry IDs of the objects in a set of runs."""

    def __init__(self, session: Session, runs: Sequence[RunFacts]) -> None:
        now = max(run.finished_at for run in runs)
        endpoints = [endpoint for run in runs for endpoint in run.endpoints]
        origins = [origin for run in runs for origin in run.origins]
        addresses = {endpoint.address for endpoint in endpoints if endpoint.address}
        addresses |= {origin.address for origin in origins}
        asns = {asn for origin in origins for asn in origin.asns} | {asn for run in runs for asn, _ in run.asns}
        self.nameservers = register(session, NAMESERVERS, {endpoint.nameserver for endpoint in endpoints}, now=now)
        self.addresses = {"": NO_ADDRESS} | register(session, ADDRESSES, addresses, now=now)
        self.prefixes = register(session, PREFIXES, {origin.prefix for origin in origins if origin.prefix}, now=now)
        register(session, ASNS, asns, now=now)


_Rows = Iterator[Sequence[Any]]
_ENDPOINT = (
    "nameserver_id", "address_id", "source", "avg_ms", "min_ms", "max_ms", "query_count", "unreachable",
)  # fmt: skip
_ORIGIN = ("address_id", "asn", "prefix_id", "lookup_status")
_OF_RUN = (
    "name", "run_key", "run_id", "finished_at", "score", "grade", "worst_level", "engine_version",
    "effective_profile_id", "profile_id", "profile_name", "cause_set_id",
)  # fmt: skip
_SUMMARY = (
    *_OF_RUN, "nameserver_count", "endpoint_count", "asn_count", "prefix_count", "ipv4_ns_count", "ipv6_ns_count",
)  # fmt: skip
_of_run = attrgetter(*_OF_RUN)


def _endpoint_rows(run: RunFacts, numbers: _Numbers) -> _Rows:
    for endpoint in run.endpoints:
        times = endpoint.avg_ms, endpoint.min_ms, endpoint.max_ms, endpoint.query_count, endpoint.unreachable
        yield numbers.nameservers[endpoint.nameserver], numbers.addresses[endpoint.address], endpoint.source, *times


def _origin_rows(run: RunFacts, numbers: _Numbers) -> _Rows:
    for origin in run.origins:
        prefix = numbers.prefixes[origin.prefix] if origin.prefix else None
        for asn in origin.asns or (NO_ASN,):
            yield numbers.addresses[origin.address], asn, prefix, origin.status


def _asn_rows(run: RunFacts, _numbers: _Numbers) -> _Rows:
    return iter(sorted(run.asns))


def _kind_rows(run: RunFacts, _numbers: _Numbers) -> _Rows:
    return iter(sorted(run.kinds.items()))


def _category_rows(run: RunFacts, _numbers: _Numbers) -> _Rows:
    return iter(run.categories)


def _summary_rows(run: RunFacts, _numbers: _Numbers) -> _Rows:
    yield *_of_run(run), *counts_of(run)
