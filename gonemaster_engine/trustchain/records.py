"""DS records, keys and signatures in the format of the document."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from gonemaster_engine.dnssec.algorithms import algorithm, digest_type
from gonemaster_engine.dnssec.records import Dnskey, Ds, Rrsig
from gonemaster_engine.dnssec.rsa import ALGORITHMS as RSA_ALGORITHMS
from gonemaster_engine.dnssec.rsa import rsa_key
from gonemaster_engine.net.wire.rrtypes import type_text
from gonemaster_engine.trustchain.validation import CheckedSignature, ObservedRecord

Document = dict[str, Any]
_CURVE_BITS = {13: 256, 14: 384, 15: 256, 16: 456}


def ds_document(found: ObservedRecord[Ds]) -> Document:
    """Return a DS record with the addresses that returned it."""
    ds = found.record
    return {
        "key_tag": ds.tag,
        **_algorithm(ds.algorithm),
        "digest_type": ds.digest_type,
        "digest_type_name": digest_type(ds.digest_type).description,
        "digest": ds.digest.hex(),
        "servers": list(found.servers),
    }


def key_document(found: ObservedRecord[Dnskey]) -> Document:
    """Return a DNSKEY record, without the key material, with the addresses that returned it."""
    key = found.record
    return {
        "key_tag": key.tag,
        **_algorithm(key.algorithm),
        "flags": key.flags,
        "size": key_size(key),
        "zone_key": key.is_zone_key,
        "sep": key.is_sep,
        "revoked": key.is_revoked,
        "servers": list(found.servers),
    }


def key_size(key: Dnskey) -> int | None:
    """Return the size of an RSA modulus or of a curve's key in bits; None if unknown."""
    if key.algorithm in RSA_ALGORITHMS:
        rsa = rsa_key(key.key)
        return rsa.bits if rsa else None
    return _CURVE_BITS.get(key.algorithm)


def signature_document(found: ObservedRecord[CheckedSignature], *, now: int) -> Document:
    """Return a signature with its verdict; its 32-bit times are converted to full times at `now`."""
    signature = found.record.signature
    return {
        "covers": type_text(signature.covered),
        "signer": signature.signer,
        "key_tag": signature.tag,
        **_algorithm(signature.algorithm),
        "inception": instant(_starts(signature, now)),
        "expiration": instant(now + signature.remaining(now)),
        "verdict": found.record.verdict,
        "servers": list(found.servers),
    }


def _starts(signature: Rrsig, now: int) -> int:
    return now + signature.remaining(now) - signature.duration


def _algorithm(number: int) -> Document:
    return {"algorithm": number, "algorithm_name": algorithm(number).mnemonic}


def instant(posix_seconds: int) -> str:
    """Return a time in RFC 3339 format in UTC."""
    return datetime.fromtimestamp(posix_seconds, UTC).isoformat().replace("+00:00", "Z")


def ordered_ds(records: Iterable[ObservedRecord[Ds]]) -> list[ObservedRecord[Ds]]:
    """Sort by key tag, then by the rest."""
    return sorted(records, key=lambda found: (found.record.tag, found.record.rdata))


def ordered_keys(records: Iterable[ObservedRecord[Dnskey]]) -> list[ObservedRecord[Dnskey]]:
    """Sort secure entry points first, then by key tag."""
    return sorted(records, key=lambda found: (not found.record.is_sep, found.record.tag, found.record.rdata))


def ordered_signatures(records: Iterable[ObservedRecord[CheckedSignature]]) -> list[ObservedRecord[CheckedSignature]]:
    """Sort by covered type, then by key tag."""
    return sorted(
        records,
        key=lambda found: (
            found.record.signature.covered,
            found.record.signature.tag,
            found.record.signature.rdata,
            found.record.verdict,
        ),
    )
