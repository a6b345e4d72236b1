"""DNSSEC22: the addresses of in-domain name servers must validate.

RFC 4034 section 4.1.2, RFC 4035 sections 2.2, 3.1.1, 5.2 to 5.4, RFC 5155 section 8, RFC 6840 section 4.4, RFC 2181
section 10.3, RFC 9471 section 3.1, RFC 9499.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

from gonemaster_engine import names
from gonemaster_engine.dnssec.records import Dnskey, Ds, dnskeys, ds_records
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.resolver.recursor import glue_addresses
from gonemaster_engine.testcases.dnssec._shared import (
    SERVERS,
    ServerTally,
    child_servers,
    is_usable,
    parent_servers,
)
from gonemaster_engine.testcases.dnssec._vantage import AddressOutcome, Assessment, CutState, Vantage
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import AddressVerdict, Zone

NO_IN_DOMAIN_NS = Tag("DS22_NO_IN_DOMAIN_NS", Level.INFO)
NOT_SECURE = Tag("DS22_ZONE_NOT_SECURE", Level.INFO)
CHAIN_BROKEN = Tag("DS22_NS_ADDRESS_CHAIN_BROKEN", Level.ERROR, ("ns", "signer", "servers"))
INSECURE = Tag("DS22_NS_ADDRESS_INSECURE", Level.INFO, ("ns", "servers"))
ORPHAN = Tag("DS22_NS_ADDRESS_ORPHAN_ZONE", Level.ERROR, ("ns", "signer", "servers"))
REFERRED = Tag("DS22_NS_ADDRESS_REFERRED", Level.INFO, ("ns", "zone", "servers"))
EXPIRED = Tag("DS22_NS_ADDRESS_RRSIG_EXPIRED", Level.ERROR, ("ns", "keytag", "servers"))
INVALID = Tag("DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY", Level.ERROR, ("ns", "signer", "keytag", "servers"))
UNSIGNED = Tag("DS22_NS_ADDRESS_UNSIGNED", Level.ERROR, ("ns", "servers"))
VALIDATES = Tag("DS22_NS_ADDRESS_VALIDATES", Level.INFO, SERVERS)

_ERRORS = (CHAIN_BROKEN, ORPHAN, EXPIRED, INVALID, UNSIGNED)
_TAGS = {
    AddressOutcome.INSECURE: INSECURE,
    AddressOutcome.CHAIN_BROKEN: CHAIN_BROKEN,
    AddressOutcome.UNSIGNED: UNSIGNED,
    AddressOutcome.EXPIRED: EXPIRED,
    AddressOutcome.INVALID: INVALID,
    AddressOutcome.ORPHAN: ORPHAN,
}
_STATUS = {
    AddressOutcome.VALIDATES: "validates",
    AddressOutcome.INSECURE: "insecure",
    AddressOutcome.CHAIN_BROKEN: "chain_broken",
    AddressOutcome.UNSIGNED: "unsigned",
    AddressOutcome.EXPIRED: "rrsig_expired",
    AddressOutcome.INVALID: "rrsig_invalid",
    AddressOutcome.ORPHAN: "orphan",
}


@dataclass(slots=True)
class _Cut:
    """A secure zone cut that a referral of name servers shows."""

    ds: Sequence[Ds]
    deferred: dict[str, set[Nameserver]] = field(default_factory=dict)  # names, and the servers that referred
    glue: set[tuple[str, str]] = field(default_factory=set)  # names and addresses of the cut's servers


@dataclass(slots=True)
class _Results:
    """The results for each name."""

    tally: ServerTally = field(default_factory=ServerTally)
    validated: set[str] = field(default_factory=set)
    judged: set[str] = field(default_factory=set)
    cuts: dict[str, _Cut] = field(default_factory=dict)
    verdicts: dict[AddressVerdict, set[Nameserver]] = field(default_factory=dict)

    def add(self, name: str, servers: Iterable[Nameserver], judgement: Assessment) -> None:
        """Add a judgement about one address, which may have several names."""
        status = _STATUS.get(judgement.outcome, "indeterminate")
        verdict = AddressVerdict(name, status, judgement.signer, judgement.keytag)
        self.verdicts.setdefault(verdict, set()).update(servers)
        if judgement.outcome is AddressOutcome.VALIDATES:
            self.validated.add(name)
        tag = VALIDATES if judgement.outcome is AddressOutcome.VALIDATES else _TAGS.get(judgement.outcome)
        if tag is None:
            return
        self.judged.add(name)
        values = {"ns": name, "signer": judgement.signer, "keytag": judgement.keytag}
        args = {key: values[key] for key in tag.keys if key in values}
        for server in servers:
            self.tally.add(tag, server, **args)


@case(
    "dnssec22",
    NO_IN_DOMAIN_NS,
    NOT_SECURE,
    *_ERRORS,
    INSECURE,
    REFERRED,
    VALIDATES,
    query_types=("A",),
)
async def dnssec22(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Validate the addresses of the in-domain name servers."""
    ns_names = [] if zone.is_root else [name for name in await zone.all_names() if names.is_in_domain(name, zone.name)]
    if not ns_names:
        yield NO_IN_DOMAIN_NS()
        return
    children = await child_servers(zone)
    keys_by_address = await _apex_keys(zone, _usable_servers(zone, children))
    if not any(keys_by_address.values()) or not await _has_ds(zone):
        yield NOT_SECURE()
        return
    servers = usable(children)
    pending = [server.query(name, "A", dnssec=True) for server in servers for name in ns_names]
    for answer in pending:
        await answer  # sent concurrently, before the names are judged one by one
    results = _Results()
    for address, of_address in _by_address(servers).items():
        vantage = Vantage(zone, of_address[0], zone.name, keys_by_address[address])
        await _judge_names(vantage, ns_names, of_address, results)
    for cut, state in sorted(results.cuts.items()):
        glue = sorted(zone.nameserver(*pair) for pair in state.glue)
        usable(server for server in glue if server not in children)  # servers among the children are already reported
        await _follow(zone, cut, state, results)
    zone.address_verdicts = results.verdicts
    for finding in results.tally.findings(*_ERRORS, INSECURE, REFERRED):
        yield finding
    if not results.tally.has(*_ERRORS):
        for finding in results.tally.findings(VALIDATES):
            yield finding


async def _apex_keys(zone: Zone, servers: Sequence[Nameserver]) -> dict[str, list[Dnskey]]:
    """Return the keys by address; an address without keys gets the keys of the first address that has keys."""
    found = {
        server.address: dnskeys(response, zone.name) if is_usable(response) else []
        for server, response in await query_all(servers, zone.name, "DNSKEY", dnssec=True)
    }
    first = next((keys for keys in found.values() if keys), [])
    return {address: keys or first for address, keys in found.items()}


async def _has_ds(zone: Zone) -> bool:
    if zone.supplied_ds:
        return True
    responses = await query_all(await parent_servers(zone), zone.name, "DS", dnssec=True)
    return any(is_usable(response) and ds_records(response, zone.name) for _, response in responses)


def _usable_servers(zone: Zone, servers: Iterable[Nameserver]) -> list[Nameserver]:
    return [server for server in servers if zone.context.uses_family(ipv6=server.is_ipv6)]


def _by_address(servers: Iterable[Nameserver]) -> dict[str, list[Nameserver]]:
    found: dict[str, list[Nameserver]] = {}
    for server in servers:
        found.setdefault(server.address, []).append(server)
    return found


async def _judge_names(
    vantage: Vantage, ns_names: Iterable[str], servers: Sequence[Nameserver], results: _Results
) -> None:
    for name in ns_names:
        judgement = await vantage.judge(name)
        if judgement.outcome is AddressOutcome.REFERRED:
            cut = results.cuts.get(judgement.signer)
            if cut is None:
                found = await vantage.cut(judgement.signer, with_keys=False)
                cut = results.cuts[judgement.signer] = _Cut(found.ds)
            cut.deferred.setdefault(name, set()).update(servers)
            cut.glue |= _glue(vantage.zone, vantage.referrals[judgement.signer], judgement.signer, vantage.origin)
        else:
            results.add(name, servers, judgement)


def _glue(zone: Zone, referral: Response, cut: str, parent: str) -> set[tuple[str, str]]:
    targets = {record.target for record in referral.records("NS", cut, "authority")}
    glue = zone.of(cut).admitted({target: glue_addresses(referral, target, parent) for target in targets})
    return {(name, address) for name, addresses in glue.items() for address in addresses}


async def _follow(zone: Zone, name: str, cut: _Cut, results: _Results) -> None:
    """Judge the deferred names at the servers of the secure zone that contains them."""
    glue = sorted(zone.nameserver(*pair) for pair in cut.glue)
    for of_address in _by_address(_usable_servers(zone, glue)).values():
        outside = Vantage(zone, of_address[0], zone.name, ())
        found = await outside.with_keys(name, cut.ds)
        if found.state is CutState.BROKEN:
            for deferred in cut.deferred:
                results.add(deferred, of_address, Assessment(AddressOutcome.CHAIN_BROKEN, name))
        elif found.state is CutState.SECURE:
            inside = Vantage(zone, of_address[0], name, found.keys)
            for deferred in sorted(cut.deferred):
                results.add(deferred, of_address, await inside.judge(deferred))
    for deferred, referring in cut.deferred.items():
        if deferred not in results.judged:
            results.verdicts[AddressVerdict(deferred, "indeterminate", name, 0)] = set(referring)
            for server in referring:
                results.tally.add(REFERRED, server, ns=deferred, zone=name)
