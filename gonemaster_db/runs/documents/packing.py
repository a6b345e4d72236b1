"""The storage format of sequences of entry kinds, and the digest by which they are found."""

import hashlib
from collections.abc import Sequence


def pack(kinds: Sequence[int]) -> bytes:
    """Encode kind IDs as UTF-8 code points: one to three bytes each, without a loop in Python."""
    return "".join(map(chr, kinds)).encode("utf-8", "surrogatepass")


def unpack(packed: bytes) -> tuple[int, ...]:
    """Decode the kinds that `pack` has encoded."""
    return tuple(map(ord, bytes(packed).decode("utf-8", "surrogatepass")))


def digest_of(packed: bytes) -> bytes:
    """Return the digest by which an outcome is found."""
    return hashlib.blake2b(packed, digest_size=16).digest()
