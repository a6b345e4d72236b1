"""What a delegation and its zone look like at one moment: DS, DNSKEY, CDS, CDNSKEY, SOA and their signatures.

An observation is evidence: it names each server with its answer, and only states facts. `cds` and `rollover` judge it.

Source: RFC 7344 section 6.1 and RFC 9975 section 3.1 (each server of the delegation, directly), RFC 9615.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeGuard

from gonemaster_engine import names
from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.asn.lookup import AsnLookup
from gonemaster_engine.automation.transfer import Transfer, TransferLimits, transfer
from gonemaster_engine.context import RunContext
from gonemaster_engine.dnssec.records import (
    CDNSKEY,
    CDS,
    DNSKEY,
    DS,
    Dnskey,
    Ds,
    Rrset,
    Rrsig,
    dnskey,
    ds,
    rrset,
    signatures,
)
from gonemaster_engine.dnssec.verify import SignatureVerdict
from gonemaster_engine.findings.tags import Finding
from gonemaster_engine.limits import DEFAULT_LIMITS, RunLimits
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rrtypes import SOA, type_text
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.resources import Resources
from gonemaster_engine.run_log import Log
from gonemaster_engine.testcases.dnssec.dnssec24 import READY as SIGNALS_READY
from gonemaster_engine.testcases.dnssec.dnssec24 import UNREACHABLE, dnssec24
from gonemaster_engine.zone.zone import Zone

DEADLINE_S = 60.0
_KEYS_PER_TAG = 4
_PARENT_SERVERS = 4  # DS records are queried at the first servers only: a registry has up to twenty-six
_TRANSFER_SERVERS, _TRANSFERS_AT_ONCE = 16, 4


@dataclass(frozen=True, slots=True)
class SeenSet:
    """A record set as one server returned it; None in place of a set means that the server did not answer."""

    type: int
    records: tuple[bytes, ...] = ()  # rdata in canonical order
    ttl: int = 0
    signers: tuple[bytes, ...] = ()  # rdata of the keys of the same server with a valid signature over the set
    expires_at: int = 0  # the earliest expiration of these signatures, POSIX seconds
    is_signed: bool = False  # with a signature, valid or not

    def document(self) -> dict[str, Any]:
        """Return the set as a document, with records in presentation format and signers by key tag."""
        keys = [key for rdata in self.signers if (key := dnskey(rdata))]
        return {
            "records": [presentation(self.type, rdata) for rdata in self.records],
            "ttl": self.ttl,
            "signed_by": sorted({key.tag for key in keys}),
            "signed": self.is_signed,
        }


@dataclass(frozen=True, slots=True)
class ObservedServer:
    """The answers of one server of the zone."""

    ns: str
    address: str
    sets: dict[int, SeenSet | None]  # by type; types that were not queried are absent
    transfer: Transfer | None = None  # None if it was not requested

    def records(self, rtype: int) -> tuple[bytes, ...]:
        """Return the records of a type, none without an answer."""
        found = self.sets.get(rtype)
        return found.records if found else ()

    @property
    def keys(self) -> list[Dnskey]:
        """The DNSKEY records."""
        return [key for rdata in self.records(DNSKEY) if (key := dnskey(rdata))]

    def signers(self, rtype: int) -> list[Dnskey]:
        """Return the keys with a valid signature over the set of a type."""
        found = self.sets.get(rtype)
        return [key for rdata in (found.signers if found else ()) if (key := dnskey(rdata))]

    def document(self) -> dict[str, Any]:
        """Return the answers as a document."""
        sets = {type_text(rtype): found.document() if found else None for rtype, found in self.sets.items()}
        return {"ns": self.ns, "address": self.address, "sets": sets}


@dataclass(frozen=True, slots=True)
class ObservedParent:
    """The DS set from one server of the parent zone; None without an answer."""

    ns: str
    address: str
    ds: tuple[bytes, ...] | None
    ttl: int = 0

    def document(self) -> dict[str, Any]:
        """Return the answer as a document."""
        records = None if self.ds is None else [presentation(DS, rdata) for rdata in self.ds]
        return {"ns": self.ns, "address": self.address, "ds": records, "ttl": self.ttl}


@dataclass(frozen=True, slots=True)
class Observation:
    """A delegation and its zone at one moment."""

    domain: str
    at: int  # POSIX seconds
    parents: tuple[ObservedParent, ...] = ()
    servers: tuple[ObservedServer, ...] = ()
    signals: tuple[dict[str, Any], ...] = ()  # findings of DNSSEC24 about the signals of a zone without DS
    is_complete: bool = True  # False: the deadline or a limit ended the observation
    queries: int = 0

    def has_finding(self, tag: str) -> bool:
        """Return whether DNSSEC24 reported a tag."""
        return any(found["tag"] == tag for found in self.signals)

    @property
    def signals_are_ready(self) -> bool:
        """Whether the signals of all name servers are valid and agree with the zone (RFC 9615)."""
        return self.has_finding(SIGNALS_READY.name)

    @property
    def signals_are_silent(self) -> bool:
        """Whether the zone of a signal did not answer."""
        return self.has_finding(UNREACHABLE.name)

    def document(self) -> dict[str, Any]:
        """Return the observation as a JSON document: the evidence of a decision."""
        return {
            "domain": self.domain,
            "at": self.at,
            "parents": [view.document() for view in self.parents],
            "servers": [view.document() for view in self.servers],
            "signals": list(self.signals),
            "complete": self.is_complete,
            "queries": self.queries,
        }


def presentation(rtype: int, rdata: bytes) -> str:
    """Return DS, CDS, DNSKEY or CDNSKEY rdata in presentation format; other or malformed rdata as RFC 3597 says."""
    if rtype in {DS, CDS} and (record := ds(rdata)):
        return f"{record.tag} {record.algorithm} {record.digest_type} {record.digest.hex().upper()}"
    if rtype in {DNSKEY, CDNSKEY} and (key := dnskey(rdata)):
        return f"{key.flags} {key.protocol} {key.algorithm} {base64.b64encode(key.key).decode()}"
    return f"\\# {len(rdata)} {rdata.hex().upper()}"


async def observe(
    domain: str,
    profile: Profile,
    *,
    resources: Resources,
    for_rollover: bool = False,
    transfers: TransferLimits | None = None,
    limits: RunLimits = DEFAULT_LIMITS,
    clock: Callable[[], float] = time.time,
    deadline_s: float = DEADLINE_S,
) -> Observation:
    """Observe a delegation for a decision about CDS records or, with all servers and the SOA record, for a rollover.

    It has the priority of batch runs. Queries about CDS records use TCP, because a forged answer would change the
    delegation. With `transfers`, the servers of a rollover are also asked for the whole zone.
    """
    async with open_zone(domain, profile, resources, limits=limits, clock=clock) as zone:
        observer, budget, is_complete = _Observer(zone), zone.context.budget, True
        try:
            async with asyncio.timeout(deadline_s) as deadline:
                budget.stop = lambda: None if deadline.expired() else deadline.reschedule(zone.context.loop.time())
                await (observer.observe_rollover(transfers) if for_rollover else observer.observe_request())
        except TimeoutError:
            is_complete = False
        finally:
            budget.stop = None
        return observer.found(is_complete=is_complete, queries=zone.context.queries)


@contextlib.asynccontextmanager
async def open_zone(
    domain: str,
    profile: Profile,
    resources: Resources,
    *,
    limits: RunLimits = DEFAULT_LIMITS,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Zone]:
    """Open a zone outside of a run, with the priority of batch runs."""
    name = names.normalize_domain(domain)
    context = RunContext(name, profile, resources, log=Log(profile), clock=clock, limits=limits)
    context.set_priority(is_urgent=False)
    recursor = Recursor(context)
    try:
        yield Zone(context, recursor, AsnLookup(recursor, profile, context.caches.origins, budget=context.budget))
    finally:
        await context.close()
        context.release()


class _Observer:
    """Collects the answers of one observation, as far as the deadline allows."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._parents: list[ObservedParent] = []
        self._servers: list[ObservedServer] = []
        self._signals: list[dict[str, Any]] = []

    def found(self, *, is_complete: bool, queries: int) -> Observation:
        """Return what was observed so far."""
        zone = self._zone
        return Observation(
            zone.name,
            zone.now,
            tuple(self._parents),
            tuple(self._servers),
            tuple(self._signals),
            is_complete=is_complete,
            queries=queries,
        )

    async def observe_request(self) -> None:
        """Observe what the zone requests; without a request, nothing else is queried."""
        servers = self._usable(await self._zone.glue())
        answers = await _query_types(servers, self._zone.name, CDS, CDNSKEY, tcp=True)
        is_requested = any(
            rrset(answer, rtype, self._zone.name).rdatas
            for each in answers.values()
            for rtype, answer in each.items()
            if _is_usable(answer)
        )
        if is_requested:
            keys = await _query_types(servers, self._zone.name, DNSKEY, tcp=True)
            answers = {server: {**each, **keys[server]} for server, each in answers.items()}
        self._servers = [await self._view(server, answers[server]) for server in servers]
        if not is_requested:
            return
        await self._observe_parents()
        has_keys = any(view.keys for view in self._servers)
        if has_keys and not any(view.ds for view in self._parents):
            await dnssec24.run(self._zone, self._add_signal)

    def _add_signal(self, finding: Finding) -> None:
        self._signals.append({"tag": finding.tag.name, "args": finding.args})

    async def observe_rollover(self, transfers: TransferLimits | None) -> None:
        """Observe all servers of the delegation and the zone, with the SOA record as a sample of the signed data."""
        await self._observe_parents()
        servers = self._usable(await self._zone.all_servers())
        answers = await _query_types(servers, self._zone.name, DNSKEY, SOA)
        self._servers = [await self._view(server, answers[server]) for server in servers]
        if transfers is not None:
            await self._transfer(servers[:_TRANSFER_SERVERS], transfers)

    async def _transfer(self, servers: Sequence[Nameserver], limits: TransferLimits) -> None:
        """Add the transfers; a server that does not finish in time has an incomplete one."""
        free, context, found = asyncio.Semaphore(_TRANSFERS_AT_ONCE), self._zone.context, list(self._servers)
        profile = context.profile
        end = context.loop.time() + limits.seconds

        async def one(position: int, server: Nameserver) -> None:
            async with free:
                await server.turns.wait()
                source = profile.source6 if server.is_ipv6 else profile.source4
                left = replace(limits, seconds=max(0.0, end - context.loop.time()))
                port = context.resources.transport.port
                made = await transfer(
                    self._zone.name, server.address, port, source=source, limits=left, now=int(self._zone.now)
                )
                found[position] = replace(found[position], transfer=made)

        allowed = [
            each
            for each in enumerate(servers)
            if is_allowed_target(each[1].address, guarded=not profile.allow_non_global_targets)
        ]
        await asyncio.gather(*(one(position, server) for position, server in allowed if not profile.no_network))
        self._servers = found

    def _usable(self, servers: Iterable[Nameserver]) -> list[Nameserver]:
        by_address = {server.address: server for server in servers}
        return [each for each in by_address.values() if self._zone.context.uses_family(ipv6=each.is_ipv6)]

    async def _observe_parents(self) -> None:
        parents = self._usable(sorted(await self._zone.parent_servers() or ()))[:_PARENT_SERVERS]
        for server, answer in await query_all(parents, self._zone.name, "DS", dnssec=True):
            found = rrset(answer, DS, self._zone.name).rdatas if _is_usable(answer) else None
            ttl = _ttl(answer, DS, self._zone.name) if _is_usable(answer) else 0
            self._parents.append(ObservedParent(server.name, server.address, found, ttl))

    async def _view(self, server: Nameserver, answers: dict[int, Response | None]) -> ObservedServer:
        name = self._zone.name
        keys_answer = answers.get(DNSKEY)
        keys = rrset(keys_answer, DNSKEY, name).rdatas if _is_usable(keys_answer) else ()
        usable = [key for rdata in keys if (key := dnskey(rdata)) and key.validates]
        return ObservedServer(
            server.name,
            server.address,
            {rtype: await self._seen(answer, rtype, usable) for rtype, answer in answers.items()},
        )

    async def _seen(self, answer: Response | None, rtype: int, keys: Sequence[Dnskey]) -> SeenSet | None:
        if not _is_usable(answer):
            return None
        found, rrsigs = rrset(answer, rtype, self._zone.name), signatures(answer, rtype, self._zone.name)
        valid = [(key, each) for each in rrsigs for key in await self._signers(found, each, keys)]
        return SeenSet(
            rtype,
            found.rdatas,
            _ttl(answer, rtype, self._zone.name),
            tuple(dict.fromkeys(key.rdata for key, _ in valid)),
            min((each.expiration for _, each in valid), default=0),
            is_signed=bool(rrsigs),
        )

    async def _signers(self, found: Rrset, signature: Rrsig, keys: Sequence[Dnskey]) -> list[Dnskey]:
        zone = self._zone
        named = [key for key in keys if key.tag == signature.tag][:_KEYS_PER_TAG]
        verdicts = [await zone.verifier.verify(found, signature, [key], now=zone.now, zone=zone.name) for key in named]
        return [key for key, verdict in zip(named, verdicts, strict=True) if verdict is SignatureVerdict.VALID]


def _is_usable(answer: Response | None) -> TypeGuard[Response]:
    return answer is not None and answer.aa and answer.rcode_number == 0


def _ttl(answer: Response, rtype: int, name: str) -> int:
    return min((record.ttl for record in answer.of_type(rtype, name, "answer")), default=0)


async def _query_types(
    servers: Sequence[Nameserver], name: str, *rtypes: int, tcp: bool = False
) -> dict[Nameserver, dict[int, Response | None]]:
    """Send queries for these types to each server concurrently."""
    pending: dict[Nameserver, dict[int, Awaitable[Response | None]]] = {}
    for server in servers:
        await server.turns.wait()
        pending[server] = {rtype: server.query(name, type_text(rtype), dnssec=True, tcp=tcp) for rtype in rtypes}
    return {server: {rtype: await each for rtype, each in found.items()} for server, found in pending.items()}


def ds_of(rdatas: Iterable[bytes]) -> list[Ds]:
    """Return the well-formed DS or CDS records."""
    return [record for rdata in rdatas if (record := ds(rdata))]
