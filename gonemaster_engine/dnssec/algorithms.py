"""DNSSEC algorithms and DS digest types of the IANA registries, and their assessment by this software.

Source: RFC 8624, RFC 9157, RFC 9904, RFC 9905.
"""

from __future__ import annotations

import enum
from functools import cache
from typing import NamedTuple


class AlgorithmStatus(enum.Enum):
    """The assessment of an algorithm or digest type."""

    OK = "ok"
    NOT_RECOMMENDED = "not recommended"
    DEPRECATED = "deprecated"
    NOT_ZONE_SIGN = "not for signing zones"
    NOT_DS = "not for DS records"
    PRIVATE = "private use"
    RESERVED = "reserved"
    UNASSIGNED = "unassigned"


class Algorithm(NamedTuple):
    """A DNSSEC algorithm."""

    number: int
    mnemonic: str
    description: str
    status: AlgorithmStatus


class DigestType(NamedTuple):
    """A digest type of DS records."""

    number: int
    description: str
    status: AlgorithmStatus


DELETE = 0  # algorithm of a CDS or CDNSKEY that requests the removal of the DS, RFC 8078 section 4
RSA_ALGORITHMS = frozenset({1, 5, 7, 8, 10})
RECOMMENDED_ALGORITHMS = frozenset({8, 13, 15})  # "RECOMMENDED" for signing in the registry; the others are "MAY"
SHA256_DIGEST = 2
MUST_DIGEST_TYPES = frozenset({SHA256_DIGEST})  # marked as MUST for delegation in the registry

_ALGORITHMS = {
    number: Algorithm(number, mnemonic, description, status)
    for number, mnemonic, description, status in (
        (0, "DELETE", "Delete DS", AlgorithmStatus.NOT_ZONE_SIGN),
        (1, "RSAMD5", "RSA/MD5", AlgorithmStatus.DEPRECATED),
        (2, "DH", "Diffie-Hellman", AlgorithmStatus.NOT_ZONE_SIGN),
        (3, "DSA", "DSA/SHA1", AlgorithmStatus.DEPRECATED),
        (5, "RSASHA1", "RSA/SHA1", AlgorithmStatus.DEPRECATED),
        (6, "DSA-NSEC3-SHA1", "DSA-NSEC3-SHA1", AlgorithmStatus.DEPRECATED),
        (7, "RSASHA1-NSEC3-SHA1", "RSASHA1-NSEC3-SHA1", AlgorithmStatus.DEPRECATED),
        (8, "RSASHA256", "RSA/SHA-256", AlgorithmStatus.OK),
        (10, "RSASHA512", "RSA/SHA-512", AlgorithmStatus.NOT_RECOMMENDED),
        (12, "ECC-GOST", "GOST R 34.10-2001", AlgorithmStatus.DEPRECATED),
        (13, "ECDSAP256SHA256", "ECDSA Curve P-256 with SHA-256", AlgorithmStatus.OK),
        (14, "ECDSAP384SHA384", "ECDSA Curve P-384 with SHA-384", AlgorithmStatus.OK),
        (15, "ED25519", "Ed25519", AlgorithmStatus.OK),
        (16, "ED448", "Ed448", AlgorithmStatus.OK),
        (17, "SM2SM3", "SM2 signing with SM3 hashing", AlgorithmStatus.OK),
        (18, "ML-DSA-44", "ML-DSA-44", AlgorithmStatus.OK),
        (23, "ECC-GOST12", "GOST R 34.10-2012", AlgorithmStatus.OK),
        (252, "INDIRECT", "Reserved for Indirect Keys", AlgorithmStatus.NOT_ZONE_SIGN),
        (253, "PRIVATEDNS", "private algorithm", AlgorithmStatus.PRIVATE),
        (254, "PRIVATEOID", "private algorithm OID", AlgorithmStatus.PRIVATE),
    )
}
_RESERVED_ALGORITHMS = frozenset({4, 9, 11, 255, *range(123, 252)})

_DIGEST_TYPES = {
    number: DigestType(number, description, status)
    for number, description, status in (
        (0, "Reserved", AlgorithmStatus.NOT_DS),
        (1, "SHA-1", AlgorithmStatus.DEPRECATED),
        (2, "SHA-256", AlgorithmStatus.OK),
        (3, "GOST R 34.11-94", AlgorithmStatus.DEPRECATED),
        (4, "SHA-384", AlgorithmStatus.OK),
        (5, "GOST R 34.11-2012", AlgorithmStatus.OK),
        (6, "SM3", AlgorithmStatus.OK),
        (253, "Reserved for Private Use", AlgorithmStatus.PRIVATE),
        (254, "Reserved for Private Use", AlgorithmStatus.PRIVATE),
    )
}


@cache
def algorithm(number: int) -> Algorithm:
    """Return the entry of an algorithm number from 0 to 255."""
    if number in _ALGORITHMS:
        return _ALGORITHMS[number]
    if number in _RESERVED_ALGORITHMS:
        return Algorithm(number, "RESERVED", "Reserved", AlgorithmStatus.RESERVED)
    return Algorithm(number, "UNASSIGNED", "Unassigned", AlgorithmStatus.UNASSIGNED)


@cache
def digest_type(number: int) -> DigestType:
    """Return the entry of a digest type number from 0 to 255."""
    if number in _DIGEST_TYPES:
        return _DIGEST_TYPES[number]
    if 128 <= number <= 252:
        return DigestType(number, "Reserved", AlgorithmStatus.RESERVED)
    return DigestType(number, "Unassigned", AlgorithmStatus.UNASSIGNED)
