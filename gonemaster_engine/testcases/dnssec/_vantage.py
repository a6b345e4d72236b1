"""One server's view of the names in a zone: the zone cuts above them, and the validation of their addresses.

Source: RFC 4035 section 5, RFC 5155 section 8, RFC 6840 section 4.4.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gonemaster_engine import names
from gonemaster_engine.dnssec.chain import Trust, validate_keys, validate_set
from gonemaster_engine.dnssec.denial import Nsec, Nsec3, nsec3_records, nsec_records
from gonemaster_engine.dnssec.records import (
    DS,
    NSEC,
    NSEC3,
    Dnskey,
    Ds,
    Rrset,
    Rrsig,
    dnskeys,
    ds_records,
    rrset,
    signatures,
)
from gonemaster_engine.dnssec.verify import SignatureVerdict
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rrtypes import AAAA, A
from gonemaster_engine.testcases.dnssec._shared import is_usable
from gonemaster_engine.zone.zone import Zone


class CutState(enum.Enum):
    """The state of a name as a possible zone cut."""

    SECURE = enum.auto()
    INSECURE = enum.auto()
    BROKEN = enum.auto()
    NOT_A_CUT = enum.auto()
    UNDETERMINED = enum.auto()


_DECIDED = frozenset({CutState.SECURE, CutState.INSECURE, CutState.BROKEN})


class CheckedCut(NamedTuple):
    """A possible zone cut: its state and, if secure, its DS set and keys."""

    state: CutState
    ds: Sequence[Ds] = ()
    keys: Sequence[Dnskey] = ()


class AddressOutcome(enum.Enum):
    """The result of validating the addresses of a name."""

    VALIDATES = enum.auto()
    INSECURE = enum.auto()
    CHAIN_BROKEN = enum.auto()
    UNSIGNED = enum.auto()
    EXPIRED = enum.auto()
    INVALID = enum.auto()
    ORPHAN = enum.auto()
    REFERRED = enum.auto()  # a referral to a secure zone cut
    NOTHING = enum.auto()


class Assessment(NamedTuple):
    """An outcome, with the zone or signer and the key tag concerned."""

    outcome: AddressOutcome
    signer: str = ""
    keytag: int = 0


_NOTHING = Assessment(AddressOutcome.NOTHING)
_REFERRED_AS = {
    CutState.INSECURE: AddressOutcome.INSECURE,
    CutState.BROKEN: AddressOutcome.CHAIN_BROKEN,
    CutState.SECURE: AddressOutcome.REFERRED,
}


@dataclass(slots=True)
class Vantage:
    """The view of one server address on a zone whose keys are trusted."""

    zone: Zone  # under test
    server: Nameserver
    origin: str  # the tested zone, or a secure zone cut in it
    keys: Sequence[Dnskey]
    referrals: dict[str, Response] = field(default_factory=dict)  # by zone cut
    _cuts: dict[tuple[str, bool], CheckedCut] = field(default_factory=dict)

    async def judge(self, name: str) -> Assessment:
        """Judge the addresses of a name at or below the origin."""
        # Names of one delegation get the same referral: it is judged once, without further queries.
        cut = next((cut for cut in self.referrals if names.is_in_domain(name, cut)), None)
        if cut is not None:
            return await self._judge_referral(cut)
        response = await self.server.query(name, "A", dnssec=True)
        if response is None or response.rcode_number not in {0, 3}:
            return _NOTHING
        if response.is_referral and not response.answer:
            cut = response.records("NS", section="authority")[0].owner
            if not names.is_below(cut, self.origin) or not names.is_in_domain(name, cut):
                return _NOTHING
            self.referrals[cut] = response
            return await self._judge_referral(cut)
        if not is_usable(response) or response.has("CNAME"):
            return _NOTHING
        return await self._judge_signed(name, await self._signed_sets(name, response))

    async def _judge_referral(self, cut: str) -> Assessment:
        state = (await self.cut(cut, with_keys=False)).state
        return Assessment(_REFERRED_AS.get(state, AddressOutcome.NOTHING), cut)

    async def _signed_sets(self, name: str, response: Response) -> list[tuple[Rrset, Rrsig]]:
        """Return the signatures over the addresses, or over the proof that there are none, with their sets."""
        if response.has("A", name):
            return _with_signatures(response, A, name)
        # Without IPv4 addresses the IPv6 addresses are sufficient; the denial is judged only if both are missing.
        other = await self.server.query(name, "AAAA", dnssec=True)
        if is_usable(other) and other.has("AAAA", name):
            return _with_signatures(other, AAAA, name)
        owners = [(NSEC, record.owner) for record in nsec_records(response, "authority")]
        owners += [(NSEC3, record.owner) for record in nsec3_records(response, "authority")]
        return [
            (rrset(response, rtype, owner, "authority"), signature)
            for rtype, owner in owners
            for signature in signatures(response, rtype, owner, "authority")
        ]

    async def _judge_signed(self, name: str, signed: Sequence[tuple[Rrset, Rrsig]]) -> Assessment:
        signer = signed[0][1].signer if signed else None
        expected = self.origin if signer == self.origin else await self._expected_signer(name, signer)
        cut = CheckedCut(CutState.SECURE, keys=self.keys) if expected == self.origin else await self.cut(expected)
        if cut.state is CutState.INSECURE:
            return Assessment(AddressOutcome.INSECURE)
        if cut.state is CutState.BROKEN:
            return Assessment(AddressOutcome.CHAIN_BROKEN, expected)
        if signer is None:
            return Assessment(AddressOutcome.UNSIGNED)
        if signer == expected:
            return await self._verify(signed, expected, cut.keys)
        # Signed by a zone that the parent does not delegate: the records of a removed delegation.
        if names.is_in_domain(name, signer) and names.is_below(signer, expected):
            state = (await self.cut(signer)).state
            if state is CutState.NOT_A_CUT:
                return Assessment(AddressOutcome.ORPHAN, signer)
            if state is CutState.UNDETERMINED:
                return _NOTHING
        return Assessment(AddressOutcome.INVALID, signer, signed[0][1].tag)

    async def _expected_signer(self, name: str, signer: str | None) -> str:
        """Return the zone that contains the name, according to the delegations."""
        # The signer is the probable zone cut, so one DS query usually suffices; without a signer, each label may be a
        # cut.
        start = signer if signer and names.is_in_domain(name, signer) else name
        for candidate in _up_to(start, self.origin):
            if (await self.cut(candidate)).state in _DECIDED:
                return candidate
        return self.origin

    async def _verify(self, signed: Sequence[tuple[Rrset, Rrsig]], signer: str, keys: Sequence[Dnskey]) -> Assessment:
        verifier, now = self.zone.verifier, self.zone.now
        keys = [key for key in keys if key.validates]
        verdicts = [await verifier.verify(found, signature, keys, now=now, zone=signer) for found, signature in signed]
        if SignatureVerdict.VALID in verdicts:
            return Assessment(AddressOutcome.VALIDATES)
        if any(verdict.is_uncheckable for verdict in verdicts):
            return _NOTHING
        outcome = AddressOutcome.EXPIRED if verdicts[0] is SignatureVerdict.EXPIRED else AddressOutcome.INVALID
        return Assessment(outcome, signer, signed[0][1].tag)

    async def cut(self, name: str, *, with_keys: bool = True) -> CheckedCut:
        """Return the state of a name below the origin as a zone cut, from the parent's side at this server.

        `with_keys` also queries the keys of a secure cut.
        """
        known = self._cuts.get((name, with_keys))
        if known is None:
            known = self._cuts[name, with_keys] = await self._find_cut(name, with_keys=with_keys)
        return known

    async def _find_cut(self, name: str, *, with_keys: bool) -> CheckedCut:
        if with_keys:
            referred = await self.cut(name, with_keys=False)
            return await self.with_keys(name, referred.ds) if referred.state is CutState.SECURE else referred
        response = await self.server.query(name, "DS", dnssec=True)
        if response is None or not response.aa or response.rcode_number not in {0, 3}:
            return CheckedCut(CutState.UNDETERMINED)
        if response.rcode_number:
            return CheckedCut(CutState.NOT_A_CUT)
        ds = ds_records(response, name)
        return await self._judge_ds(name, response, ds) if ds else CheckedCut(await self._denied_state(name, response))

    async def _judge_ds(self, name: str, response: Response, ds: Sequence[Ds]) -> CheckedCut:
        rrsigs = signatures(response, DS, name)
        signer = rrsigs[0].signer if rrsigs else None
        if signer is None or not (names.is_below(name, signer) and names.is_in_domain(signer, self.origin)):
            return CheckedCut(CutState.BROKEN)
        keys = self.keys
        if signer != self.origin:
            cut = await self.cut(signer)
            if cut.state is not CutState.SECURE:
                return CheckedCut(CutState.BROKEN if cut.state is not CutState.UNDETERMINED else CutState.UNDETERMINED)
            keys = cut.keys
        signed = rrset(response, DS, name)
        trust = await validate_set(self.zone.verifier, signed, rrsigs, keys, zone=signer, now=self.zone.now)
        return CheckedCut(_STATES[trust], ds=ds)

    async def with_keys(self, name: str, ds: Sequence[Ds]) -> CheckedCut:
        """Return the state of a cut with a validated DS set, using the keys that this server returns for it."""
        response = await self.server.query(name, "DNSKEY", dnssec=True)
        if not is_usable(response):
            return CheckedCut(CutState.UNDETERMINED)
        trust = await validate_keys(self.zone.verifier, response, ds, zone=name, now=self.zone.now)
        return CheckedCut(_STATES[trust], ds=ds, keys=dnskeys(response, name))

    async def _denied_state(self, name: str, response: Response) -> CutState:
        """Return the state of a name without DS records, according to the proof."""
        for record in nsec_records(response, "authority", name):
            return _state_by_types(record)
        hashed = nsec3_records(response, "authority")
        match = await self.zone.verifier.nsec3_matching(name, hashed)
        if match:
            return _state_by_types(match)
        for next_closer in _up_to(name, self.origin):
            # The closest encloser: the state depends on whether opt-out covers the next closer name (RFC 5155 section
            # 8.6).
            if await self.zone.verifier.nsec3_matching(names.parent(next_closer), hashed):
                skipping = [record for record in hashed if record.opt_out]
                skipped = await self.zone.verifier.nsec3_covers(next_closer, skipping)
                return CutState.INSECURE if skipped else CutState.NOT_A_CUT
        return CutState.NOT_A_CUT


_STATES = {Trust.SECURE: CutState.SECURE, Trust.BROKEN: CutState.BROKEN, Trust.OPEN: CutState.UNDETERMINED}


def _state_by_types(record: Nsec | Nsec3) -> CutState:
    if not record.has("NS"):
        return CutState.NOT_A_CUT
    # NS distinguishes a delegation from an ordinary name, SOA the child's own record from the parent's. Only the
    # parent's record proves that there is no DS (RFC 6840 section 4.4). DS in the bitmap contradicts the answer.
    return CutState.UNDETERMINED if record.has_any("DS", "SOA") else CutState.INSECURE


def _with_signatures(response: Response, rtype: int, owner: str) -> list[tuple[Rrset, Rrsig]]:
    found = rrset(response, rtype, owner)
    return [(found, signature) for signature in signatures(response, rtype, owner)]


def _up_to(name: str, ancestor: str) -> Iterator[str]:
    """Yield the name and its ancestors below `ancestor`."""
    while names.is_below(name, ancestor):
        yield name
        name = names.parent(name)
