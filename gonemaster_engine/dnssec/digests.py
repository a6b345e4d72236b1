"""Digests of keys, as DS records hold them.

Source: RFC 4034 section 5.1.4, RFC 4509, RFC 6605.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from gonemaster_engine import names
from gonemaster_engine.dnssec.records import Dnskey, Ds

_HASHES = {1: "sha1", 2: "sha256", 4: "sha384"}


@lru_cache(maxsize=256)
def ds_digest(owner: str, rdata: bytes, digest_type: int) -> bytes | None:
    """Return the digest of a DNSKEY's rdata under its owner, None for a type that cannot be computed here."""
    name = _HASHES.get(digest_type)
    if name is None:
        return None
    return hashlib.new(name, names.to_wire(owner) + rdata, usedforsecurity=False).digest()


def digest_matches(owner: str, key: Dnskey, ds: Ds) -> bool | None:
    """Say whether a DS has the digest of that key; None if its digest type cannot be computed here."""
    digest = ds_digest(owner, key.rdata, ds.digest_type)
    return None if digest is None else digest == ds.digest


def points_to(owner: str, ds: Ds, key: Dnskey) -> bool | None:
    """Say whether a DS stands for that key: tag, algorithm and digest; None if only the digest is open."""
    if ds.tag != key.tag or ds.algorithm != key.algorithm:
        return False
    return digest_matches(owner, key, ds)
