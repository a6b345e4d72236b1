"""Denial of existence: NSEC and NSEC3 records, type bitmaps, hashes, and the names that a record denies.

Source: RFC 4034 sections 4 and 6.1, RFC 5155.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from gonemaster_engine import names
from gonemaster_engine.dnssec.records import NSEC, NSEC3, NSEC3PARAM, cached_parser, find, read_name
from gonemaster_engine.net.wire.messages import Response, Section
from gonemaster_engine.net.wire.rrtypes import type_number

_NSEC3_FIXED = struct.Struct("!BBHB")  # algorithm, flags, iterations, octets of salt
_OPT_OUT = 0x01

Order = TypeVar("Order", str, tuple[bytes, ...])


@dataclass(frozen=True)
class TypeBitmap:
    """The types in an NSEC or NSEC3 record, stored as its well-formed bitmap (RFC 4034 section 4.1.2).

    A set of numbers would be far larger: a record of 9 KiB can list all 65,536 types.
    """

    octets: bytes = b""

    def __contains__(self, number: int) -> bool:
        window, index, bit = number >> 8, (number & 0xFF) >> 3, 0x80 >> (number & 7)
        return any(
            number_of == window and index < len(bits) and bits[index] & bit for number_of, bits in self._blocks()
        )

    def __len__(self) -> int:
        return sum(octet.bit_count() for _, bits in self._blocks() for octet in bits)

    def _blocks(self) -> Iterator[tuple[int, bytes]]:
        position = 0
        while position < len(self.octets):
            end = position + 2 + self.octets[position + 1]
            yield self.octets[position], self.octets[position + 2 : end]
            position = end


@dataclass(frozen=True)
class Nsec:
    """An NSEC record with its owner."""

    owner: str
    next: str
    types: TypeBitmap

    def has(self, *types: str) -> bool:
        """Return whether all these types are in the bitmap."""
        return all(type_number(text) in self.types for text in types)

    def has_any(self, *types: str) -> bool:
        """Return whether at least one of these types is in the bitmap."""
        return any(type_number(text) in self.types for text in types)

    def covers(self, name: str) -> bool:
        """Return whether the record denies that the name exists."""
        return in_range(order(name), order(self.owner), order(self.next))


@dataclass(frozen=True)
class Nsec3:
    """An NSEC3 record with its owner, or an NSEC3PARAM record, which has neither next hash nor types."""

    owner: str
    algorithm: int
    flags: int
    iterations: int
    salt: bytes
    next: str = ""  # the hash as a label
    types: TypeBitmap = TypeBitmap()

    @property
    def label(self) -> str:
        """The hash in the owner name, in lower case."""
        return self.owner.partition(".")[0]

    @property
    def zone(self) -> str:
        """The name directly above the hash."""
        return names.parent(self.owner)

    @property
    def opt_out(self) -> bool:
        """Whether the record may skip unsigned delegations (RFC 5155 section 6)."""
        return bool(self.flags & _OPT_OUT)

    @property
    def parameters(self) -> tuple[int, int, bytes]:
        """Hash algorithm, iterations and salt."""
        return self.algorithm, self.iterations, self.salt

    def has(self, *types: str) -> bool:
        """Return whether all these types are in the bitmap."""
        return all(type_number(text) in self.types for text in types)

    def has_any(self, *types: str) -> bool:
        """Return whether at least one of these types is in the bitmap."""
        return any(type_number(text) in self.types for text in types)

    def covers(self, label: str) -> bool:
        """Return whether the record denies that a name with the given hash exists."""
        return in_range(label, self.label, self.next)


def in_range(value: Order, start: Order, end: Order) -> bool:
    """Return whether a value is strictly between two others in a circular order.

    If the end is not after the start, the range wraps around; if both are equal, it contains all other values.
    """
    # The last NSEC of a zone points back to its apex, and the last NSEC3 to the first hash (RFC 4034 section 4.1.1).
    if start < end:
        return start < value < end
    if start == end:
        return value != start
    return value > start or value < end


@lru_cache(maxsize=4096)
def order(name: str) -> tuple[bytes, ...]:
    """Return the sort key for the canonical order of names (RFC 4034 section 6.1)."""
    # Labels from the root down, as octets: as text, "a-b.example" would sort before "x.a.example".
    wire = names.to_wire(name)
    labels, position = [], 0
    while length := wire[position]:
        labels.append(wire[position + 1 : position + 1 + length])
        position += length + 1
    return tuple(reversed(labels))


def nsec_records(response: Response, section: Section, owner: str | None = None) -> list[Nsec]:
    """Return the NSEC records of a section."""
    found = (_nsec(record.owner, record.octets) for record in find(response, NSEC, owner, section))
    return [record for record in found if record is not None]


def nsec3_records(response: Response, section: Section) -> list[Nsec3]:
    """Return the NSEC3 records of a section."""
    found = (_nsec3(record.owner, record.octets) for record in find(response, NSEC3, None, section))
    return [record for record in found if record is not None]


def nsec3param_records(response: Response, owner: str | None = None) -> list[Nsec3]:
    """Return the NSEC3PARAM records of the answer."""
    found = (_nsec3param(record.owner, record.octets) for record in find(response, NSEC3PARAM, owner))
    return [record for record in found if record is not None]


@cached_parser
def _nsec(owner: str, rdata: bytes) -> Nsec | None:
    name = read_name(rdata, 0)
    if name is None:
        return None
    types = _read_bitmap(rdata[name[1] :])
    return None if types is None else Nsec(owner, name[0], types)


@cached_parser
def _nsec3(owner: str, rdata: bytes) -> Nsec3 | None:
    if len(rdata) < _NSEC3_FIXED.size:
        return None
    algorithm, flags, iterations, salt_octets = _NSEC3_FIXED.unpack_from(rdata)
    salt_end = _NSEC3_FIXED.size + salt_octets
    if salt_end >= len(rdata):
        return None
    hash_end = salt_end + 1 + rdata[salt_end]
    types = _read_bitmap(rdata[hash_end:]) if hash_end <= len(rdata) else None
    if types is None:
        return None
    salt, next_hash = rdata[_NSEC3_FIXED.size : salt_end], rdata[salt_end + 1 : hash_end]
    return Nsec3(owner, algorithm, flags, iterations, salt, _hash_label(next_hash), types)


@cached_parser
def _nsec3param(owner: str, rdata: bytes) -> Nsec3 | None:
    if len(rdata) < _NSEC3_FIXED.size:
        return None
    algorithm, flags, iterations, salt_octets = _NSEC3_FIXED.unpack_from(rdata)
    if len(rdata) != _NSEC3_FIXED.size + salt_octets:
        return None
    return Nsec3(owner, algorithm, flags, iterations, rdata[_NSEC3_FIXED.size :])


def _read_bitmap(octets: bytes) -> TypeBitmap | None:
    position = 0
    while position < len(octets):
        if position + 2 > len(octets):
            return None
        length = octets[position + 1]
        position += 2 + length
        # Empty blocks are not allowed, and 32 octets hold the 256 types of a block (RFC 4034 section 4.1.2).
        if not 1 <= length <= 32 or position > len(octets):
            return None
    return TypeBitmap(octets)


def _hash_label(digest: bytes) -> str:
    # Base 32 with the extended hex alphabet, which preserves the order of hashes (RFC 5155 section 1.3), without
    # padding.
    return base64.b32hexencode(digest).decode("ascii").rstrip("=").lower()


def nsec3_hash(name: str, *, salt: bytes, iterations: int) -> str:
    """Return the NSEC3 hash of a canonical name as a label in lower case (RFC 5155 section 5), with SHA-1."""
    digest = hashlib.sha1(names.to_wire(name) + salt, usedforsecurity=False).digest()
    # The field counts additional iterations: with 0 the name is hashed once.
    for _ in range(iterations):
        digest = hashlib.sha1(digest + salt, usedforsecurity=False).digest()
    return _hash_label(digest)
