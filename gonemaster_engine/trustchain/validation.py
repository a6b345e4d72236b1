"""Validation of record sets by their signatures: secure, insecure, bogus or indeterminate, with reasons.

Source: RFC 4033 section 5 (the four states), RFC 4035 section 5, RFC 5155 section 8.
"""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gonemaster_engine import names
from gonemaster_engine.dnssec.denial import Nsec, Nsec3, nsec3_records, nsec_records
from gonemaster_engine.dnssec.digests import DsSet
from gonemaster_engine.dnssec.records import DNSKEY, NSEC, NSEC3, Dnskey, Ds, Rrset, Rrsig, rrset, signatures
from gonemaster_engine.dnssec.verify import SignatureVerdict, Verifier, is_supported
from gonemaster_engine.net.wire.messages import Response

R = TypeVar("R", bound=Hashable)


class LinkStatus(enum.StrEnum):
    """The security status of a link of the chain."""

    SECURE = "secure"
    INSECURE = "insecure"  # proven to have no chain of trust from here on
    BOGUS = "bogus"
    INDETERMINATE = "indeterminate"  # no answer, or no data that can be validated here


@dataclass(frozen=True, slots=True)
class SecurityStatus:
    """A status and its reasons; SECURE has none."""

    status: LinkStatus
    reasons: tuple[str, ...] = ()


SECURE = SecurityStatus(LinkStatus.SECURE)


@dataclass(frozen=True, slots=True)
class CheckedSignature:
    """A signature and its verdict."""

    signature: Rrsig
    verdict: str


@dataclass(frozen=True, slots=True)
class ObservedRecord(Generic[R]):
    """A record and the addresses that returned it; no addresses if it was not queried."""

    record: R
    servers: tuple[str, ...] = ()


def gather(by_server: Iterable[tuple[str, Iterable[R]]]) -> list[ObservedRecord[R]]:
    """Merge the records of several addresses, each record once."""
    servers: dict[R, dict[str, None]] = {}
    for address, records in by_server:
        for record in records:
            servers.setdefault(record, {})[address] = None
    return [ObservedRecord(record, tuple(addresses)) for record, addresses in servers.items()]


VERDICTS: Mapping[SignatureVerdict, str] = {verdict: verdict.name.lower() for verdict in SignatureVerdict}


@dataclass(frozen=True, slots=True)
class Validator:
    """Validates record sets at the time of the run."""

    verifier: Verifier
    now: int  # POSIX seconds

    async def check(
        self, signed: Rrset, rrsigs: Iterable[Rrsig], keys: Sequence[Dnskey], *, signer: str
    ) -> list[CheckedSignature]:
        """Return the signatures over a set, with their verdicts by the keys of `signer`."""
        # A revoked key, or a key without the zone flag, does not validate (RFC 5011 section 2.1, RFC 4034 section
        # 2.1.1).
        usable = [key for key in keys if key.validates]
        return [
            CheckedSignature(
                signature, VERDICTS[await self.verifier.verify(signed, signature, usable, now=self.now, zone=signer)]
            )
            for signature in rrsigs
        ]

    async def keys(self, response: Response, keys: Sequence[Dnskey], ds: Sequence[Ds], *, zone: str) -> SecurityStatus:
        """Validate the DNSKEY set of an answer with a trusted DS set: a key that a DS record matches must sign it."""
        if not keys:
            return SecurityStatus(LinkStatus.BOGUS, ("dnskey_missing",))
        usable = [key for key in keys if key.validates]
        ds_set = DsSet(zone, ds)
        matches = {key: ds_set.matches(key) for key in usable}
        named = [key for key in usable if matches[key]]
        if not named:
            unknown = None in matches.values() or not any(is_supported(record.algorithm) for record in ds)
            # An unknown digest type or algorithm does not make the zone bogus (RFC 4035 section 5.2).
            if unknown:
                return SecurityStatus(LinkStatus.INDETERMINATE, ("ds_unsupported",))
            return SecurityStatus(LinkStatus.BOGUS, ("ds_matches_no_key",))
        signed, rrsigs = rrset(response, DNSKEY, zone), signatures(response, DNSKEY, zone)
        return status_of_set(await self.check(signed, rrsigs, named, signer=zone), "dnskey")

    async def denial(self, response: Response, keys: Sequence[Dnskey], *, name: str, parent: str) -> SecurityStatus:
        """Validate the proof in a parent's answer that a delegated zone has no DS record.

        A proven denial is insecure.
        """
        owners = [(NSEC, record.owner) for record in nsec_records(response, "authority")]
        owners += [(NSEC3, record.owner) for record in nsec3_records(response, "authority")]
        if not owners:
            return SecurityStatus(LinkStatus.BOGUS, ("denial_missing",))
        # Each record must be signed, because an unsigned one could be the record that denies the DS record.
        for rtype, owner in dict.fromkeys(owners):
            rrsigs = signatures(response, rtype, owner, "authority")
            signed = rrset(response, rtype, owner, "authority")
            security = status_of_set(await self.check(signed, rrsigs, keys, signer=parent), "denial")
            if security.status is not LinkStatus.SECURE:
                return security
        if await self._denies_ds(response, name, parent):
            return SecurityStatus(LinkStatus.INSECURE, ("ds_missing",))
        return SecurityStatus(LinkStatus.BOGUS, ("denial_incomplete",))

    async def _denies_ds(self, response: Response, name: str, parent: str) -> bool:
        for plain in nsec_records(response, "authority", name):
            return _is_unsigned_delegation(plain)
        hashed = nsec3_records(response, "authority")
        match = await self.verifier.nsec3_matching(name, hashed)
        if match:
            return _is_unsigned_delegation(match)
        # Without a record at the name itself, an opt-out range that covers it or an ancestor shows that the delegation
        # is unsigned (RFC 5155 section 8.6).
        skipping = [record for record in hashed if record.opt_out]
        while names.is_below(name, parent):
            if await self.verifier.nsec3_covers(name, skipping):
                return True
            name = names.parent(name)
        return False


def _is_unsigned_delegation(record: Nsec | Nsec3) -> bool:
    """Return whether the record shows a delegation without DS records, on the parent's side of the cut.

    Source: RFC 6840 section 4.4. Without NS the record belongs to another name of the parent zone, and with SOA to the
    child zone, which does not deny DS records of the parent.
    """
    return record.has("NS") and not record.has_any("DS", "SOA")


def status_of_set(checked: Sequence[CheckedSignature], rrset: str) -> SecurityStatus:
    """Return the status of a set by the verdicts on its signatures; `rrset` is the prefix of the reason."""
    verdicts = {signature.verdict for signature in checked}
    # One valid signature is enough (RFC 4035 section 5.3.3); the others may belong to a key or algorithm rollover.
    if VERDICTS[SignatureVerdict.VALID] in verdicts:
        return SECURE
    if not verdicts:
        return SecurityStatus(LinkStatus.BOGUS, (f"{rrset}_unsigned",))
    if verdicts & _UNCHECKABLE:
        return SecurityStatus(LinkStatus.INDETERMINATE, (f"{rrset}_unsupported",))
    return SecurityStatus(LinkStatus.BOGUS, tuple(f"{rrset}_signature_{verdict}" for verdict in sorted(verdicts)))


_UNCHECKABLE = frozenset(VERDICTS[verdict] for verdict in SignatureVerdict if verdict.is_uncheckable)
