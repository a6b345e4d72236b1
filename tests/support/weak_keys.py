"""RSA keys of 512 bits or slightly more with one weakness each, and one pair without a weakness."""

from __future__ import annotations

STRONG_MODULUS = int(
    "a11e727bcf6d133c7c3d02bcaba70a71f7474435312a7ed86e2dd4b4ab7b1f7e935cd3ad88377c499bf2656b17688910"
    "a0997f102f7222c2e4c36a17b35c9aff",
    16,
)
CLOSE_MODULUS = int(
    "f2b7b0bc8703b9c9c3e7b6de24b791bf88d2a1c84a02c997836e3d0c8ad5ae9079a8018150976fcbb2d0e47507ceac49"
    "2632cc17bc81401fa609ce0ce2cc40dd",
    16,
)
PATTERN_MODULUS = int(
    "9a37ec087305cc76abababababababababababababababab0000000000000031ca8e6a24949f233b2095cbe6a7511dd0"
    "e7ea057e446b8658d6d1fbcad58f2f49",
    16,
)
ROCA_MODULUS = int(
    "12967271a89188ff248ca06292a45ab914d66a17c23b8faf0417d039979092efd792776b8954c2365cf4f09178cda725"
    "04307ed5474b4cb60787555a9ac1270a45",
    16,
)
SMALL_FACTOR_MODULUS = int(
    "7bac5030a9f4d321e405977ca1f5032382974e1ebe539bcd96cca1e15ad60123bbed6b870b7a7d6532588026928694f5"
    "59712a232fc11139ca85",
    16,
)
WIENER_MODULUS = int(
    "de23339c46fbb04d54ebe38a7de4e5a5a4e3ce3a458521c9d02bccd407459bcec0c7b4aa885442d34eb8676a8a6d1db6"
    "8bd5d9faab4d710047cc759069e95973",
    16,
)
WIENER_EXPONENT = int(
    "a1fb6585c31ea247cfcb1d2e63fef2c735a67a42a7042180093d7d5f34b5996a0ffc5deef253f26bf8f67e08033b5135"
    "9c052cc524cc286eaecfeccecf49b4b",
    16,
)
EXPONENT_ABOVE_MODULUS = STRONG_MODULUS + 2


def rsa_rdata(exponent: int, modulus: int, *, algorithm: int = 8, flags: int = 257) -> bytes:
    """Return the rdata of a DNSKEY record (RFC 3110 section 2)."""
    length = (exponent.bit_length() + 7) // 8
    octets = bytes((length,)) + exponent.to_bytes(length) + modulus.to_bytes((modulus.bit_length() + 7) // 8)
    return flags.to_bytes(2) + bytes((3, algorithm)) + octets
