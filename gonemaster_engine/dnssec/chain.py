"""Links of a chain of trust: record sets signed by keys, and keys matched by DS records.

Source: RFC 4035 section 5.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence

from gonemaster_engine.dnssec.digests import DsSet, is_known_digest
from gonemaster_engine.dnssec.records import DNSKEY, Dnskey, Ds, Rrset, Rrsig, dnskeys, rrset, signatures
from gonemaster_engine.dnssec.verify import SignatureVerdict, Verifier, is_supported
from gonemaster_engine.net.wire.messages import Response


class Trust(enum.Enum):
    """The result of validating a link."""

    SECURE = "it holds"
    BROKEN = "it does not hold"
    OPEN = "it cannot be checked here"


async def validate_set(
    verifier: Verifier, signed: Rrset, rrsigs: Iterable[Rrsig], keys: Sequence[Dnskey], *, zone: str, now: int
) -> Trust:
    """Validate a set by its signatures, with trusted keys of `zone`."""
    keys = [key for key in keys if key.validates]
    verdicts = {await verifier.verify(signed, signature, keys, now=now, zone=zone) for signature in rrsigs}
    if SignatureVerdict.VALID in verdicts:
        return Trust.SECURE
    return Trust.OPEN if any(verdict.is_uncheckable for verdict in verdicts) else Trust.BROKEN


async def validate_keys(verifier: Verifier, response: Response, ds_set: Sequence[Ds], *, zone: str, now: int) -> Trust:
    """Validate the DNSKEY set in an answer with a trusted DS set: a key that a DS record matches must sign it."""
    keys = [key for key in dnskeys(response, zone) if key.validates]
    trusted = DsSet(zone, ds_set)
    matches = {key: trusted.matches(key) for key in keys}
    named = [key for key in keys if matches[key]]
    if not named:
        # DS records with unknown types are ignored; without other DS records there is nothing to validate (RFC 6840
        # section 5.2).
        supported = [ds for ds in ds_set if is_supported(ds.algorithm) and is_known_digest(ds.digest_type)]
        is_open = None in matches.values() or not supported
        return Trust.OPEN if is_open else Trust.BROKEN
    signed = rrset(response, DNSKEY, zone)
    return await validate_set(verifier, signed, signatures(response, DNSKEY, zone), named, zone=zone, now=now)
