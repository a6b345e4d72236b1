"""Digests of keys in DS records.

Source: RFC 4034 section 5.1.4, RFC 4509, RFC 6605.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Container, Iterable
from typing import TypeAlias

from gonemaster_engine import names
from gonemaster_engine.dnssec.records import Dnskey, Ds, cached_parser

_HASHES = {1: "sha1", 2: "sha256", 4: "sha384"}


def is_known_digest(digest_type: int) -> bool:
    """Return whether digests of the given type are supported."""
    return digest_type in _HASHES


@cached_parser
def ds_digest(owner: str, digest_type: int, rdata: bytes) -> bytes | None:
    """Return the digest of a DNSKEY's owner and rdata, or None for an unsupported digest type."""
    name = _HASHES.get(digest_type)
    if name is None:
        return None
    return hashlib.new(name, names.to_wire(owner) + rdata, usedforsecurity=False).digest()


def digest_matches(owner: str, key: Dnskey, ds: Ds) -> bool | None:
    """Return whether a DS record has the digest of the given key; None for an unsupported digest type."""
    digest = ds_digest(owner, ds.digest_type, key.rdata)
    return None if digest is None else digest == ds.digest


Identity: TypeAlias = tuple[int, int, int, bytes | None]
"""Key tag, algorithm, digest type and digest, or None for a digest of an unsupported type."""


def identity(ds: Ds, *, is_open: bool = False) -> Identity:
    """Return the fields with which a DS record identifies a key."""
    return ds.tag, ds.algorithm, ds.digest_type, None if is_open else ds.digest


class DsSet:
    """The DS records of a zone, matched with keys by key tag, algorithm and digest.

    The match does not compare pairs, because all keys and DS records of a zone may share one key tag, and each of its
    servers may have different keys.
    """

    def __init__(self, owner: str, records: Iterable[Ds]) -> None:
        self._owner = owner
        self._records = list(records)
        self._digests: dict[tuple[int, int], dict[int, set[bytes]]] = defaultdict(lambda: defaultdict(set))
        for ds in self._records:
            self._digests[ds.tag, ds.algorithm][ds.digest_type].add(ds.digest)

    def matches(self, key: Dnskey) -> bool | None:
        """Return whether a record matches the key; None if only records with an unsupported digest type may match."""
        is_open = False
        for digest_type, digests in self._named_by(key).items():
            digest = ds_digest(self._owner, digest_type, key.rdata)
            if digest in digests:
                return True
            is_open |= digest is None
        return None if is_open else False

    def unmatched(self, found: Container[Identity]) -> list[Ds]:
        """Return the records that match none of the keys; a record with an unsupported digest may match."""
        return [ds for ds in self._records if identity(ds) not in found and identity(ds, is_open=True) not in found]

    def keys_by_digest(self, keys: Iterable[Dnskey]) -> dict[Identity, list[Dnskey]]:
        """Return the keys that records match or may match, by the identity in the record."""
        found: dict[Identity, list[Dnskey]] = defaultdict(list)
        for key in keys:
            for digest_type, digests in self._named_by(key).items():
                digest = ds_digest(self._owner, digest_type, key.rdata)
                if digest is None or digest in digests:
                    found[key.tag, key.algorithm, digest_type, digest].append(key)
        return found

    def _named_by(self, key: Dnskey) -> dict[int, set[bytes]]:
        return self._digests.get((key.tag, key.algorithm), {})
