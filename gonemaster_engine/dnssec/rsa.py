"""RSA keys in DNSKEY format, and verification of their signatures with plain arithmetic.

Crypto libraries reject some keys that zones use: small keys, unusual exponents, SHA-1. A test must check all of them,
and verification involves no secret, so this module can compute the modular power itself.

Source: RFC 3110 section 2, RFC 5702, RFC 8017 sections 8.2.2 and 9.2 (PKCS #1 v1.5).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

EXPONENT_MAX_BITS = 64  # maximum for keys whose signatures are verified
MODULUS_MAX_BITS = 16384
_PADDING_MIN_OCTETS = 8
_DIGEST_INFO = {  # by algorithm: the digest and its DER prefix
    5: ("sha1", "3021300906052b0e03021a05000414"),
    7: ("sha1", "3021300906052b0e03021a05000414"),
    8: ("sha256", "3031300d060960864801650304020105000420"),
    10: ("sha512", "3051300d060960864801650304020305000440"),
}
ALGORITHMS = frozenset(_DIGEST_INFO)


class RsaKey(NamedTuple):
    """An RSA public key."""

    exponent: int
    modulus: int

    @property
    def bits(self) -> int:
        """Size of the modulus in bits."""
        return self.modulus.bit_length()

    @property
    def exponent_bits(self) -> int:
        """Size of the exponent in bits."""
        return self.exponent.bit_length()

    @property
    def is_plausible(self) -> bool:
        """Whether a signature by this key can be trusted at all."""
        return self.exponent >= 3 and bool(self.exponent & 1) and 0 < self.bits <= MODULUS_MAX_BITS


@lru_cache(maxsize=256)
def rsa_key(key: bytes) -> RsaKey | None:
    """Parse the public key field of a DNSKEY with an RSA algorithm; None if it is malformed."""
    if len(key) < 3:
        return None
    length, start = (key[0], 1) if key[0] else (int.from_bytes(key[1:3]), 3)
    if length == 0 or len(key) <= start + length:
        return None
    return RsaKey(int.from_bytes(key[start : start + length]), int.from_bytes(key[start + length :]))


def verifies(key: RsaKey, signature: bytes, *, signed: bytes, algorithm: int) -> bool:
    """Return whether a signature by a plausible key is valid; the cost grows with modulus and exponent."""
    name, prefix = _DIGEST_INFO[algorithm]
    digest_info = bytes.fromhex(prefix) + hashlib.new(name, signed, usedforsecurity=False).digest()
    octets = (key.bits + 7) // 8
    padding = octets - len(digest_info) - 3
    number = int.from_bytes(signature)
    if padding < _PADDING_MIN_OCTETS or number >= key.modulus:
        return False
    expected = b"\x01" + b"\xff" * padding + b"\x00" + digest_info
    return pow(number, key.exponent, key.modulus) == int.from_bytes(expected)
