"""Keys of signed test zones: ECDSA and EdDSA keys derived from a label, RSA keys generated once per process."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Final

import dns.dnssec
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from dns.dnssectypes import Algorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.dnskeybase import Flag

from .spec import KeySpec

ZSK_FLAGS: Final = 256
KSK_FLAGS: Final = 257
KEY_TYPES: Final = frozenset({"DNSKEY", "CDS", "CDNSKEY"})

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey


@dataclass(frozen=True)
class ZoneKey:
    """A private key with its DNSKEY record and its role in the zone."""

    private: PrivateKey
    dnskey: DNSKEY
    spec: KeySpec | None = None

    @property
    def is_ksk(self) -> bool:
        return bool(self.dnskey.flags & Flag.SEP)

    @property
    def is_published(self) -> bool:
        return self.spec is None or self.spec.published

    @property
    def is_in_ds(self) -> bool:
        return self.is_ksk if self.spec is None or self.spec.in_ds is None else self.spec.in_ds

    def signs(self, rdtype: str) -> bool:
        """Return whether the key's own rule lets it sign RRsets of that type."""
        if self.spec is None or self.spec.signs is None:
            return self.is_ksk == (rdtype in KEY_TYPES)
        return rdtype in self.spec.signs


@functools.cache
def zone_key(label: str, *, algorithm: int, flags: int, bits: int, exponent: int) -> ZoneKey:
    """Return the key of a label; a label always has the same elliptic curve key, and therefore the same key tag."""
    private = _private_key(label, Algorithm(algorithm), bits=bits, exponent=exponent)
    dnskey = dns.dnssec.make_dnskey(private.public_key(), algorithm, flags)
    return ZoneKey(private, dnskey)


def _private_key(label: str, algorithm: Algorithm, *, bits: int, exponent: int) -> PrivateKey:
    seed = hashlib.shake_256(f"{label}/{algorithm}".encode())
    match algorithm:
        case Algorithm.ECDSAP256SHA256:
            return ec.derive_private_key(int.from_bytes(seed.digest(31)), ec.SECP256R1())
        case Algorithm.ECDSAP384SHA384:
            return ec.derive_private_key(int.from_bytes(seed.digest(47)), ec.SECP384R1())
        case Algorithm.ED25519:
            return ed25519.Ed25519PrivateKey.from_private_bytes(seed.digest(32))
        case Algorithm.ED448:
            return ed448.Ed448PrivateKey.from_private_bytes(seed.digest(57))
        case _:
            return _rsa_key(bits, exponent, label[:3] == "ksk")


@functools.cache
def _rsa_key(bits: int, exponent: int, ksk: bool) -> rsa.RSAPrivateKey:
    """Share one KSK and one ZSK between all zones, because generating an RSA key is slow."""
    return rsa.generate_private_key(exponent, bits)
