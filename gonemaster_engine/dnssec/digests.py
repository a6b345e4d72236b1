"""Digests of keys, as DS records hold them.

Source: RFC 4034 section 5.1.4, RFC 4509, RFC 6605.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Container, Iterable
from typing import TypeAlias

from gonemaster_engine import names
from gonemaster_engine.dnssec.records import Dnskey, Ds, remembered

_HASHES = {1: "sha1", 2: "sha256", 4: "sha384"}


def is_known_digest(digest_type: int) -> bool:
    """Say whether digests of that type can be computed here."""
    return digest_type in _HASHES


@remembered
def ds_digest(owner: str, digest_type: int, rdata: bytes) -> bytes | None:
    """Return the digest of a DNSKEY's rdata under its owner, None for a type that cannot be computed here."""
    name = _HASHES.get(digest_type)
    if name is None:
        return None
    return hashlib.new(name, names.to_wire(owner) + rdata, usedforsecurity=False).digest()


def digest_matches(owner: str, key: Dnskey, ds: Ds) -> bool | None:
    """Say whether a DS has the digest of that key; None if its digest type cannot be computed here."""
    digest = ds_digest(owner, ds.digest_type, key.rdata)
    return None if digest is None else digest == ds.digest


Identity: TypeAlias = tuple[int, int, int, bytes | None]
"""Tag, algorithm, digest type and digest, None for a digest that cannot be computed here."""


def identity(ds: Ds, *, is_open: bool = False) -> Identity:
    """Return what a DS record says of a key."""
    return ds.tag, ds.algorithm, ds.digest_type, None if is_open else ds.digest


class DsSet:
    """The DS records of a zone, and which keys they stand for: tag, algorithm and digest.

    No pairs are compared. All keys and DS records of a zone may have one key tag, and each of its servers other keys.
    """

    def __init__(self, owner: str, records: Iterable[Ds]) -> None:
        self._owner = owner
        self._records = list(records)
        self._digests: dict[tuple[int, int], dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
        for ds in self._records:
            self._digests[ds.tag, ds.algorithm][ds.digest_type].add(ds.digest)

    def stands_for(self, key: Dnskey) -> bool | None:
        """Say whether a record stands for that key; None if only a digest is open that cannot be computed here."""
        is_open = False
        for digest_type, digests in self._named_by(key).items():
            digest = ds_digest(self._owner, digest_type, key.rdata)
            if digest in digests:
                return True
            is_open |= digest is None
        return None if is_open else False

    def without_key(self, found: Container[Identity]) -> list[Ds]:
        """Return the records that stand for none of the keys found; one with an open digest may stand for a key."""
        return [ds for ds in self._records if identity(ds) not in found and identity(ds, is_open=True) not in found]

    def keys_by_digest(self, keys: Iterable[Dnskey]) -> dict[Identity, list[Dnskey]]:
        """Return the keys that a record stands for, or may stand for, by what such a record says of them."""
        found: dict[Identity, list[Dnskey]] = defaultdict(list)
        for key in keys:
            for digest_type, digests in self._named_by(key).items():
                digest = ds_digest(self._owner, digest_type, key.rdata)
                if digest is None or digest in digests:
                    found[key.tag, key.algorithm, digest_type, digest].append(key)
        return found

    def _named_by(self, key: Dnskey) -> dict[int, set[bytes]]:
        return self._digests.get((key.tag, key.algorithm), {})
