"""Keys, signatures and digests as values, parsed from rdata.

Parsing is cheap and cached by rdata, because all servers of a zone send the same few records in many answers;
dnspython's objects are much slower. Malformed rdata yields None.

Source: RFC 4034 sections 2, 3 and 5 and appendix B, RFC 7344 (CDS, CDNSKEY).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

from gonemaster_engine import names
from gonemaster_engine.dnssec.algorithms import DELETE
from gonemaster_engine.names import label_text
from gonemaster_engine.net.wire.messages import Record, Response, Section
from gonemaster_engine.net.wire.rrtypes import AAAA, RRSIG, A, type_number

DNSKEY, DS, NSEC, NSEC3, NSEC3PARAM, CDS, CDNSKEY = 48, 43, 47, 50, 51, 59, 60

_ZONE_FLAG, _REVOKE_FLAG, _SEP_FLAG = 0x0100, 0x0080, 0x0001
_DNSSEC_PROTOCOL = 3
_RSAMD5 = 1
_KEY_FIXED = struct.Struct("!HBB")
_DS_FIXED = struct.Struct("!HBB")
_RRSIG_FIXED = struct.Struct("!HBBIIIH")
_HALF_OF_TIME = 1 << 31
_CLASS_IN = b"\x00\x01"
# The rdata of these types has no names, or names that stay unchanged: it is its own canonical form (RFC 6840 section
# 5.1).
_PLAIN_TYPES = frozenset({A, AAAA, DS, NSEC, DNSKEY, NSEC3, NSEC3PARAM, CDS, CDNSKEY})
_REMEMBERED = 1024  # distinct rdata per type
_REMEMBERED_OCTETS = 4096  # larger rdata is not cached; legitimate rdata is smaller (an ML-DSA-44 signature has 2,420)

T = TypeVar("T")
Read = TypeVar("Read", bound=Callable[..., object])


def cached_parser(read: Read) -> Read:
    """Cache the results of a parser for all runs of the process; the last argument is the rdata, at most 64 KiB."""
    remembering = lru_cache(maxsize=_REMEMBERED)(read)

    @wraps(read)
    def reading(*args: Any) -> object:
        return (remembering if len(args[-1]) <= _REMEMBERED_OCTETS else read)(*args)

    return cast("Read", reading)


@dataclass(frozen=True)
class Dnskey:
    """A DNSKEY or CDNSKEY record."""

    rdata: bytes
    flags: int
    protocol: int
    algorithm: int
    tag: int

    @property
    def key(self) -> bytes:
        """The public key field."""
        return self.rdata[_KEY_FIXED.size :]

    @property
    def is_zone_key(self) -> bool:
        """Whether the key has the zone key flag (RFC 4034 section 2.1.1)."""
        return bool(self.flags & _ZONE_FLAG)

    @property
    def is_sep(self) -> bool:
        """Whether the key is marked as a secure entry point."""
        return bool(self.flags & _SEP_FLAG)

    @property
    def is_revoked(self) -> bool:
        """Whether the key is revoked (RFC 5011 section 2.1)."""
        return bool(self.flags & _REVOKE_FLAG)

    @property
    def validates(self) -> bool:
        """Whether a validator may use it."""
        return self.is_zone_key and self.protocol == _DNSSEC_PROTOCOL and not self.is_revoked

    @property
    def is_delete(self) -> bool:
        """Whether the record is a CDNSKEY that requests the removal of the DS (RFC 8078 section 4)."""
        return self.algorithm == DELETE


@dataclass(frozen=True)
class Ds:
    """A DS or CDS record."""

    rdata: bytes
    tag: int
    algorithm: int
    digest_type: int
    digest: bytes

    @property
    def is_delete(self) -> bool:
        """Whether the record is a CDS that requests the removal of the DS (RFC 8078 section 4)."""
        return self.algorithm == DELETE


@dataclass(frozen=True)
class Rrsig:
    """An RRSIG record."""

    rdata: bytes
    covered: int  # type number
    algorithm: int
    labels: int
    ttl: int  # original TTL of the set
    expiration: int  # POSIX seconds modulo 2**32
    inception: int
    tag: int
    signer: str
    signature: bytes
    signed: bytes  # the signed part of the rdata, in canonical form

    def remaining(self, now: int) -> int:
        """Return the seconds until the signature expires, negative if it has expired.

        RFC 4034 section 3.1.5: the times use serial number arithmetic.
        """
        return _distance(now, self.expiration)

    @property
    def duration(self) -> int:
        """Seconds between inception and expiration."""
        return _distance(self.inception, self.expiration)

    def is_expired(self, now: int) -> bool:
        """Return whether the signature has expired at `now` (POSIX seconds)."""
        return self.remaining(now) < 0

    def is_not_yet_valid(self, now: int) -> bool:
        """Return whether its inception is after `now` (POSIX seconds)."""
        return _distance(now, self.inception) > 0


@dataclass(frozen=True)
class Rrset:
    """A record set in canonical form, as covered by a signature, without TTL."""

    owner: str
    type: int
    rdatas: tuple[bytes, ...]  # sorted, without duplicates

    def canonical(self, signature: Rrsig) -> bytes | None:
        """Return the octets that a signature signs (RFC 4034 section 3.1.8.1); None if its label count is invalid."""
        owner = _signed_owner(self.owner, signature.labels)
        if owner is None:
            return None
        fixed = names.to_wire(owner) + self.type.to_bytes(2) + _CLASS_IN + signature.ttl.to_bytes(4)
        records = [part for rdata in self.rdatas for part in (fixed, len(rdata).to_bytes(2), rdata)]
        return signature.signed + b"".join(records)


def _distance(start: int, end: int) -> int:
    """Return the seconds from `start` to `end`, which are both known modulo 2**32 (RFC 1982)."""
    return (end - start + _HALF_OF_TIME) % (1 << 32) - _HALF_OF_TIME


def _signed_owner(owner: str, labels: int) -> str | None:
    found = [] if owner == names.ROOT else owner.split(".")
    if found and found[0] == "*":
        del found[0]
    if labels > len(found):
        return None
    if labels == len(found):
        return owner
    return ".".join(["*", *found[len(found) - labels :]])


@cached_parser
def dnskey(rdata: bytes) -> Dnskey | None:
    """Parse a DNSKEY or CDNSKEY."""
    if len(rdata) < _KEY_FIXED.size:
        return None
    flags, protocol, algorithm = _KEY_FIXED.unpack_from(rdata)
    return Dnskey(rdata, flags, protocol, algorithm, key_tag(rdata))


def key_tag(rdata: bytes) -> int:
    """Return the key tag of a DNSKEY (RFC 4034 appendix B)."""
    if rdata[3] == _RSAMD5:
        return int.from_bytes(rdata[-3:-1])
    padded = rdata + b"\0" if len(rdata) % 2 else rdata
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))  # in C, because a zone can have thousands of keys
    return total + (total >> 16 & 0xFFFF) & 0xFFFF


@cached_parser
def ds(rdata: bytes) -> Ds | None:
    """Parse a DS or CDS."""
    if len(rdata) < _DS_FIXED.size + 1:
        return None
    tag, algorithm, digest_type = _DS_FIXED.unpack_from(rdata)
    return Ds(rdata, tag, algorithm, digest_type, rdata[4:])


def make_ds(*, tag: int, algorithm: int, digest_type: int, digest: bytes) -> Ds:
    """Return a DS record from supplied data."""
    rdata = _DS_FIXED.pack(tag, algorithm, digest_type) + digest
    return Ds(rdata, tag, algorithm, digest_type, digest)


@cached_parser
def rrsig(rdata: bytes) -> Rrsig | None:
    """Parse an RRSIG; one with a compressed signer name is malformed (RFC 4034 section 3.1.7)."""
    if len(rdata) <= _RRSIG_FIXED.size:
        return None
    covered, algorithm, labels, ttl, expiration, inception, tag = _RRSIG_FIXED.unpack_from(rdata)
    name = read_name(rdata, _RRSIG_FIXED.size)
    if name is None:
        return None
    signer, after = name
    signed = rdata[: _RRSIG_FIXED.size] + names.to_wire(signer)
    signature = rdata[after:]
    return Rrsig(rdata, covered, algorithm, labels, ttl, expiration, inception, tag, signer, signature, signed)


def read_name(rdata: bytes, start: int) -> tuple[str, int] | None:
    """Parse an uncompressed name; return its canonical form and the position after it, or None if it is malformed."""
    labels: list[str] = []
    position = start
    while position < len(rdata):
        length = rdata[position]
        position += 1
        if length == 0:
            return ".".join(labels) or names.ROOT, position
        if length > names.LABEL_MAX_OCTETS or position + length - start >= names.NAME_MAX_OCTETS:
            return None
        labels.append(label_text(rdata[position : position + length]))
        position += length
    return None


def find(response: Response, rtype: int, owner: str | None, section: Section = "answer") -> list[Record]:
    """Return the records of a type and owner as received, well-formed or not; of a very large set, only some."""
    return response.of_type(rtype, owner, section)


def _read_all(
    read: Callable[[bytes], T | None], response: Response, rtype: int, owner: str | None, section: Section
) -> list[T]:
    values = (read(record.octets) for record in find(response, rtype, owner, section))
    return [value for value in values if value is not None]


def dnskeys(response: Response, owner: str) -> list[Dnskey]:
    """Return the DNSKEY records of the given owner in the answer."""
    return _read_all(dnskey, response, DNSKEY, owner, "answer")


def cdnskeys(response: Response, owner: str) -> list[Dnskey]:
    """Return the CDNSKEY records of the given owner in the answer."""
    return _read_all(dnskey, response, CDNSKEY, owner, "answer")


def ds_records(response: Response, owner: str, section: Section = "answer") -> list[Ds]:
    """Return the DS records of the given owner."""
    return _read_all(ds, response, DS, owner, section)


def cds_records(response: Response, owner: str) -> list[Ds]:
    """Return the CDS records of the given owner in the answer."""
    return _read_all(ds, response, CDS, owner, "answer")


def signatures(response: Response, covered: int, owner: str | None, section: Section = "answer") -> list[Rrsig]:
    """Return the RRSIG records of the given owner that cover the given type."""
    return [found for found in _read_all(rrsig, response, RRSIG, owner, section) if found.covered == covered]


def all_signatures(response: Response) -> list[Rrsig]:
    """Return all RRSIG records of the answer."""
    return _read_all(rrsig, response, RRSIG, None, "answer")


def rrset(response: Response, rtype: int | str, owner: str, section: Section = "answer") -> Rrset:
    """Return the set of the given type and owner, which may be empty."""
    number = rtype if isinstance(rtype, int) else type_number(rtype)
    records = find(response, number, owner, section)
    rdatas = {
        record.octets if number in _PLAIN_TYPES else record.data for record in records if has_canonical_form(record)
    }
    return Rrset(owner, number, tuple(sorted(rdatas)))


def has_canonical_form(record: Record) -> bool:
    """Return whether the rdata has a canonical form."""
    return record.type in _PLAIN_TYPES or record.is_well_formed
