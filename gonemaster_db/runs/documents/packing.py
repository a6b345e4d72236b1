"""How sequences of kinds of entries are written, and the digest by which they are found."""

import hashlib
from collections.abc import Sequence


def pack(kinds: Sequence[int]) -> bytes:
    """Write ids of kinds as code points in UTF-8: one to three octets each, and no loop in Python."""
    return "".join(map(chr, kinds)).encode("utf-8", "surrogatepass")


def unpack(packed: bytes) -> tuple[int, ...]:
    """Read what `pack` has written."""
    return tuple(map(ord, bytes(packed).decode("utf-8", "surrogatepass")))


def digest_of(packed: bytes) -> bytes:
    """Return the digest by which an outcome is found."""
    return hashlib.blake2b(packed, digest_size=16).digest()
