"""Signatures, digests and denial with dnspython's functions; the verdict is a word, never an exception."""

from __future__ import annotations

import base64
import enum
import time
from collections.abc import Iterable
from typing import Any, Final, cast

import dns.dnssec
import dns.exception
import dns.name
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.rrset
from dns.dnssectypes import Algorithm, DSDigest
from dns.rdatatype import DNSKEY as DNSKEY_TYPE
from dns.rdatatype import NSEC3, RdataType
from dns.rdatatype import RRSIG as RRSIG_TYPE
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from tests.reference.messages import Reply, records

Name = dns.name.Name
Section = list[dns.rrset.RRset]
SUPPORTED: Final = {5, 7, 8, 10, 13, 14, 15, 16}
RSA: Final = {1, 5, 7, 8, 10}
DIGESTS: Final = {1, 2, 4}
MAX_EXPONENT_BITS: Final = 64


class Verdict(enum.Enum):
    """The result of the validation of a signature."""

    GOOD = enum.auto()
    UNSUPPORTED = enum.auto()
    FUTURE = enum.auto()
    EXPIRED = enum.auto()
    NO_KEY = enum.auto()
    BAD = enum.auto()


def signatures(section: Section, owner: Name, covered: RdataType) -> list[RRSIG]:
    """Return the signatures over an RRset in a section."""
    found = cast("list[RRSIG]", records(section, owner, RRSIG_TYPE))
    return [one for one in found if one.type_covered == covered]


def keys_in(reply: Reply | None, zone: Name) -> list[DNSKEY]:
    """Return the keys in a usable reply."""
    if reply is None or not reply.usable:
        return []
    return [key for key in records(reply.answer, zone, DNSKEY_TYPE) if isinstance(key, DNSKEY)]


def set_of(section: Section, owner: Name, rdtype: RdataType) -> dns.rrset.RRset | None:
    found = records(section, owner, rdtype)
    return dns.rrset.from_rdata_list(owner, 0, found) if found else None


def timing(signature: RRSIG) -> Verdict:
    """Judge the validity period now, in serial arithmetic (RFC 4034 section 3.1.5)."""
    now = int(time.time())
    if 0 < (signature.inception - now) % (1 << 32) < 1 << 31:
        return Verdict.FUTURE
    if 0 < (now - signature.expiration) % (1 << 32) < 1 << 31:
        return Verdict.EXPIRED
    return Verdict.GOOD


def is_supported(signature: RRSIG, key: DNSKEY) -> bool:
    if signature.algorithm not in SUPPORTED or key.algorithm not in SUPPORTED:
        return False
    return key.algorithm not in RSA or exponent_bits(key) <= MAX_EXPONENT_BITS


def exponent_bits(key: DNSKEY) -> int:
    numbers = rsa_numbers(key)
    return numbers[1].bit_length() if numbers else 0


def rsa_numbers(key: DNSKEY) -> tuple[int, int] | None:
    """Parse modulus and exponent (RFC 3110 section 2)."""
    data = key.key
    if len(data) < 3:
        return None
    start, length = (3, int.from_bytes(data[1:3])) if data[0] == 0 else (1, data[0])
    exponent, modulus = data[start : start + length], data[start + length :]
    return (int.from_bytes(modulus), int.from_bytes(exponent)) if length and modulus else None


def verify_by(rrset: dns.rrset.RRset, signature: RRSIG, key: DNSKEY) -> Verdict:
    """Judge a signature that is in its validity period by one key with its key tag."""
    if not is_supported(signature, key):
        return Verdict.UNSUPPORTED
    keys: dict[Name, Any] = {signature.signer: dns.rdataset.from_rdata(0, key)}
    try:
        dns.dnssec.validate_rrsig(rrset, signature, keys, policy=dns.dnssec.allow_all_policy)
    except (dns.exception.DNSException, ValueError):
        return Verdict.BAD
    return Verdict.GOOD


def verify(rrset: dns.rrset.RRset, signature: RRSIG, keys: Iterable[DNSKEY]) -> Verdict:
    """Judge a signature by a set of keys."""
    when = timing(signature)
    if when is not Verdict.GOOD:
        return when
    fitting = [key for key in keys if dns.dnssec.key_id(key) == signature.key_tag]
    if not fitting:
        return Verdict.NO_KEY
    found = [verify_by(rrset, signature, key) for key in fitting]
    return next((verdict for verdict in (Verdict.GOOD, Verdict.UNSUPPORTED) if verdict in found), Verdict.BAD)


def best(rrset: dns.rrset.RRset, found: Iterable[RRSIG], keys: Iterable[DNSKEY]) -> Verdict:
    """Judge an RRset by all its signatures: one good signature makes it good."""
    keys = list(keys)
    verdicts = [verify(rrset, one, keys) for one in found]
    return next((verdict for verdict in (Verdict.GOOD, Verdict.UNSUPPORTED) if verdict in verdicts), Verdict.BAD)


def matching(keys: Iterable[DNSKEY], ds_set: Iterable[DS], zone: Name) -> list[DNSKEY]:
    """Return the keys that match a DS record by tag, algorithm and digest."""
    ds_set = list(ds_set)
    return [key for key in keys if any(is_of(ds, key, zone) for ds in ds_set)]


def is_of(ds: DS, key: DNSKEY, zone: Name) -> bool:
    if ds.key_tag != dns.dnssec.key_id(key) or ds.algorithm != key.algorithm or ds.digest_type not in DIGESTS:
        return False
    made = dns.dnssec.make_ds(zone, key, DSDigest(ds.digest_type), policy=dns.dnssec.allow_all_policy)
    return made.digest == ds.digest


def secure_entry(reply: Reply, zone: Name, ds_set: Iterable[DS]) -> Verdict:
    """Judge a DNSKEY response by a DS RRset: GOOD if a key of the DS RRset signs all keys."""
    rrset, ds_set = set_of(reply.answer, zone, DNSKEY_TYPE), list(ds_set)
    entries = matching(keys_in(reply, zone), ds_set, zone)
    if rrset is None or not entries:
        is_unknown = all(ds.digest_type not in DIGESTS or ds.algorithm not in SUPPORTED for ds in ds_set)
        return Verdict.UNSUPPORTED if is_unknown and ds_set else Verdict.BAD
    found = [one for one in signatures(reply.answer, zone, DNSKEY_TYPE) if one.signer == zone]
    return best(rrset, found, entries)


def types_in(rdata: Any) -> set[int]:
    """Return the types in a bitmap of NSEC, NSEC3 or CSYNC."""
    return {
        window * 256 + octet * 8 + bit
        for window, bitmap in rdata.windows
        for octet, bits in enumerate(bitmap)
        for bit in range(8)
        if bits & (0x80 >> bit)
    }


def hashed(name: Name, rdata: Any) -> str:
    """Hash a name with the parameters of an NSEC3 record, in lower case; empty if the algorithm is unknown."""
    if rdata.algorithm != 1:
        return ""
    return dns.dnssec.nsec3_hash(name, rdata.salt, rdata.iterations, 1).lower()


def nsec3_records(section: Section, zone: Name | None = None) -> list[tuple[str, Any]]:
    """Return the NSEC3 records, by default of any zone, each with its first label in lower case."""
    return [
        (rrset.name.labels[0].decode("latin-1").lower(), rdata)
        for rrset in section
        if rrset.rdtype == NSEC3 and len(rrset.name.labels) > 1 and zone in (None, rrset.name.parent())
        for rdata in rrset
    ]


def next_hash(rdata: Any) -> str:
    """Return the next hash in the alphabet of owner names, lower case (RFC 4648 section 7)."""
    return base64.b32hexencode(rdata.next).decode().rstrip("=").lower()


def mnemonic(number: int) -> str:
    """Return the name of an algorithm in the IANA registry."""
    special = {0: "DELETE", 1: "RSAMD5", 3: "DSA", 6: "DSA-NSEC3-SHA1", 7: "RSASHA1-NSEC3-SHA1", 12: "ECC-GOST"}
    special |= {17: "SM2SM3", 18: "ML-DSA-44", 23: "ECC-GOST12", 252: "INDIRECT", 253: "PRIVATEDNS", 254: "PRIVATEOID"}
    if number in special:
        return special[number]
    if number in (4, 9, 11, *range(123, 252), 255):
        return "RESERVED"
    return Algorithm(number).name if number in {*map(int, Algorithm)} else "UNASSIGNED"
