"""The zones on the path from the root to a bootstrapping signal, each validated once (RFC 9615, RFC 4035 section 5)."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass

from gonemaster_engine import names
from gonemaster_engine.dnssec.chain import Trust, validate_keys, validate_set
from gonemaster_engine.dnssec.records import (
    CDNSKEY,
    CDS,
    DS,
    Dnskey,
    Ds,
    Rrset,
    Rrsig,
    dnskeys,
    ds_records,
    rrset,
    signatures,
)
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.resolver.recursor import glue_addresses
from gonemaster_engine.testcases.dnssec._shared import is_usable
from gonemaster_engine.zone.zone import Zone

# A resolver on this path needs one response; the second server is used if the first one fails.
SERVERS_PER_QUERY = 2
_NXDOMAIN = 3


class ZoneFault(enum.Enum):
    """The reason why a zone on the path cannot be trusted."""

    INSECURE = enum.auto()
    BROKEN = enum.auto()
    UNREACHABLE = enum.auto()
    OPEN = enum.auto()  # an unsupported algorithm: no verdict


@dataclass(slots=True)
class SignedSet:
    """A record set with its signatures."""

    records: Rrset
    rrsigs: Sequence[Rrsig]


@dataclass(slots=True)
class PathZone:
    """A zone on the path, with its servers and its data in the parent zone."""

    name: str
    parent: PathZone | None
    servers: Sequence[Nameserver]  # in query order
    ds: Sequence[Ds]
    signed_ds: SignedSet | None
    is_denied: bool = False  # the parent denies that the name exists
    is_unreachable: bool = False
    keys: Sequence[Dnskey] | ZoneFault | None = None  # None: not validated yet

    @property
    def queried(self) -> Sequence[Nameserver]:
        """The servers that are queried."""
        return self.servers[:SERVERS_PER_QUERY]


class SearchEnd(enum.Enum):
    """The outcome of the search for a signal."""

    SIGNAL = enum.auto()
    ABSENT = enum.auto()
    AT_CUT = enum.auto()
    UNREACHABLE = enum.auto()


@dataclass(slots=True)
class SignalSearch:
    """The end of a search: its last zone, and the CDS and CDNSKEY sets of the signal."""

    ending: SearchEnd
    at: PathZone
    sets: dict[int, SignedSet]

    @property
    def signer(self) -> str | None:
        """The signer of the signal's CDS set or, if that is empty, of its CDNSKEY set."""
        for rtype in (CDS, CDNSKEY):
            if self.sets[rtype].records.rdatas and self.sets[rtype].rrsigs:
                return self.sets[rtype].rrsigs[0].signer
        return None


class SignalPath:
    """All zones on the paths to the signals of one tested zone."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        context = zone.context
        root_servers = _in_order(zone, {name: list(found) for name, found in context.root_hints.items()})
        anchors = context.resources.root_anchors
        self._known = {names.ROOT: PathZone(names.ROOT, None, root_servers, anchors, None)}

    async def search(self, name: str) -> SignalSearch:
        """Follow referrals to the zone that contains the name, and read the signal there."""
        at = next(self._known[ancestor] for ancestor in names.ancestors(name) if ancestor in self._known)
        for _ in range(len(names.labels(name)) + 1):
            step = await self._step(at, name)
            if isinstance(step, SignalSearch):
                return step
            at = step
        return self._no_answer(at)

    async def _step(self, at: PathZone, name: str) -> SignalSearch | PathZone:
        if at.is_unreachable:
            return self._no_answer(at)
        for server in at.queried:
            response = await server.query(name, "CDS", dnssec=True)
            if response is None:
                continue
            if (cut := _referred_zone(response)) is not None:
                # A zone cut at the name of a signal invalidates the signal (RFC 9615).
                if cut == name:
                    return SignalSearch(SearchEnd.AT_CUT, at, {})
                if names.is_below(cut, at.name) and names.is_below(name, cut):
                    return await self._referred(cut, at, response)
            elif response.aa and response.rcode_number == _NXDOMAIN:
                return SignalSearch(SearchEnd.ABSENT, at, {})
            elif is_usable(response):
                found = await self._read(at, server, name, response)
                if found:
                    return found
        return self._no_answer(at)

    def _no_answer(self, at: PathZone) -> SignalSearch:
        at.is_unreachable = True
        return SignalSearch(SearchEnd.UNREACHABLE, at, {})

    async def _read(self, at: PathZone, server: Nameserver, name: str, response: Response) -> SignalSearch | None:
        other = await server.query(name, "CDNSKEY", dnssec=True)
        if other is None or not other.aa or other.rcode_number not in {0, _NXDOMAIN}:
            return None
        sets = {
            rtype: SignedSet(rrset(answer, rtype, name), signatures(answer, rtype, name))
            for rtype, answer in ((CDS, response), (CDNSKEY, other))
        }
        is_empty = not any(signed_set.records.rdatas for signed_set in sets.values())
        return SignalSearch(SearchEnd.ABSENT if is_empty else SearchEnd.SIGNAL, at, sets)

    async def _referred(self, cut: str, parent: PathZone, referral: Response) -> PathZone:
        addresses: dict[str, list[str]] = {}
        targets = self._zone.of(cut).admitted_names(
            record.target for record in referral.records("NS", cut, "authority")
        )
        for target in targets:
            glue = glue_addresses(referral, target, parent.name)
            addresses[target] = list(glue) or await self._zone.recursor.addresses(target)
        signed = SignedSet(rrset(referral, DS, cut, "authority"), signatures(referral, DS, cut, "authority"))
        ds = ds_records(referral, cut, "authority")
        return self._keep(PathZone(cut, parent, _in_order(self._zone, addresses), ds, signed))

    def _keep(self, found: PathZone) -> PathZone:
        return self._known.setdefault(found.name, found)

    async def reach(self, name: str, at: PathZone) -> PathZone:
        """Return the zone of the name below `at`, possibly on the same servers; return `at` if no server answers."""
        for _ in range(len(names.labels(name)) + 1):
            if name in self._known:
                return self._known[name]
            step = await self._reach_step(name, at)
            if step is None:
                at.is_unreachable = True
                return at
            at = step
        return at

    async def _reach_step(self, name: str, at: PathZone) -> PathZone | None:
        for server in at.queried:
            response = await server.query(name, "DS", dnssec=True)
            if response is None:
                continue
            cut = _referred_zone(response)
            if cut is not None and names.is_below(cut, at.name) and names.is_in_domain(name, cut):
                return await self._referred(cut, at, response)
            if response.aa and response.rcode_number in {0, _NXDOMAIN}:
                return await self._answered(name, at, response)
        return None

    async def _answered(self, name: str, at: PathZone, response: Response) -> PathZone:
        rrsigs = signatures(response, DS, name)
        signer = rrsigs[0].signer if rrsigs else at.name
        # The server also serves a zone in between: no referral showed this zone, but its signature does.
        if names.is_below(signer, at.name) and names.is_below(name, signer):
            at = await self.reach(signer, at)
        signed = SignedSet(rrset(response, DS, name), rrsigs)
        denied = response.rcode_number == _NXDOMAIN
        return self._keep(PathZone(name, at, at.servers, ds_records(response, name), signed, is_denied=denied))

    async def validate(self, zone: PathZone) -> tuple[PathZone, ZoneFault] | None:
        """Validate the zones from the root down to this one; return the first zone with a fault, or None."""
        # From the root down: the keys of a zone can be validated only if those of its parent are trusted.
        for ancestor in reversed(list(_lineage(zone))):
            if ancestor.keys is None:
                ancestor.keys = await self._validated_keys(ancestor)
            if isinstance(ancestor.keys, ZoneFault):
                return ancestor, ancestor.keys
        return None

    async def _validated_keys(self, zone: PathZone) -> Sequence[Dnskey] | ZoneFault:
        if zone.is_denied:
            return ZoneFault.BROKEN
        if not zone.ds:
            return ZoneFault.INSECURE
        verifier, now = self._zone.verifier, self._zone.now
        if zone.parent is not None and zone.signed_ds is not None:
            trusted = [] if isinstance(zone.parent.keys, ZoneFault) else list(zone.parent.keys or ())
            signed = zone.signed_ds
            trust = await validate_set(verifier, signed.records, signed.rrsigs, trusted, zone=zone.parent.name, now=now)
            if trust is not Trust.SECURE:
                return ZoneFault.OPEN if trust is Trust.OPEN else ZoneFault.BROKEN
        pending: list[Awaitable[Response | None]] = [
            server.query(zone.name, "DNSKEY", dnssec=True) for server in zone.queried
        ]
        for answer in pending:
            response = await answer
            if is_usable(response) and (keys := dnskeys(response, zone.name)):
                trust = await validate_keys(verifier, response, zone.ds, zone=zone.name, now=now)
                return keys if trust is Trust.SECURE else ZoneFault.OPEN if trust is Trust.OPEN else ZoneFault.BROKEN
        return ZoneFault.UNREACHABLE


def _lineage(zone: PathZone) -> Iterator[PathZone]:
    current: PathZone | None = zone
    while current is not None:
        yield current
        current = current.parent


def _referred_zone(response: Response) -> str | None:
    if not response.is_referral or response.answer:
        return None
    return response.records("NS", section="authority")[0].owner


def _in_order(zone: Zone, addresses: dict[str, list[str]]) -> list[Nameserver]:
    """Return the servers in query order: the first address of each name, then the second, and so on."""
    usable = {
        name: [address for address in found if zone.context.uses_family(ipv6=":" in address)]
        for name, found in sorted(addresses.items())
    }
    longest = max(map(len, usable.values()), default=0)
    return [
        zone.nameserver(name, found[position])
        for position in range(longest)
        for name, found in usable.items()
        if position < len(found)
    ]
