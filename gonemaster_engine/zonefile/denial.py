"""The NSEC or NSEC3 records of a zone file that a negative response needs.

The records come from the file, right or wrong: the test cases judge them.

Source: RFC 4035 section 3.1.3 (NSEC), RFC 5155 section 7.2 (NSEC3).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from functools import lru_cache
from typing import Protocol

import dns.dnssec
import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.NSEC3 import NSEC3

from gonemaster_engine.zonefile.contents import ZoneContents


class DenialRecords(Protocol):
    """Yields the owners of the records that prove something."""

    rdtype: dns.rdatatype.RdataType

    def no_name(self, name: dns.name.Name, encloser: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the owners that prove that the name does not exist, and that there is no wildcard for it."""

    def no_data(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the owners that prove that the name has no RRset of the type."""

    def no_closer_name(self, name: dns.name.Name, encloser: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the owners that prove that a wildcard answers for the name."""

    def no_wildcard_data(self, name: dns.name.Name, encloser: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the owners that prove that the wildcard for the name has no RRset of the type."""


def wildcard_of(encloser: dns.name.Name) -> dns.name.Name:
    """Return the source of synthesis at a closest encloser."""
    return dns.name.Name((b"*", *encloser.labels))


def denial_of(contents: ZoneContents) -> DenialRecords:
    """Return the chain of the zone; NSEC3 if the zone has both."""
    has_nsec3 = any(dns.rdatatype.NSEC3 in node for node in contents.nodes.values())
    return Nsec3Chain(contents) if has_nsec3 else NsecChain(contents)


class NsecChain:
    """Owners of NSEC records in canonical order; the zone may have none."""

    rdtype = dns.rdatatype.NSEC

    def __init__(self, contents: ZoneContents) -> None:
        self._owners = sorted(name for name, node in contents.nodes.items() if dns.rdatatype.NSEC in node)

    def no_name(self, name: dns.name.Name, encloser: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the owners that cover the name and the wildcard."""
        yield from self._at_or_before(name)
        yield from self._at_or_before(wildcard_of(encloser))

    no_wildcard_data = no_name

    def no_data(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the name, or the owner that covers it."""
        yield from self._at_or_before(name)

    def no_closer_name(self, name: dns.name.Name, encloser: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the owner that covers the name."""
        yield from self._at_or_before(name)

    def _at_or_before(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        if self._owners:
            yield self._owners[bisect.bisect_right(self._owners, name) - 1]


class Nsec3Chain:
    """Owners of NSEC3 records in the order of their hashes."""

    rdtype = dns.rdatatype.NSEC3

    def __init__(self, contents: ZoneContents) -> None:
        self._origin = contents.origin
        self._owners: dict[str, dns.name.Name] = {}
        self._parameters: tuple[bytes, int] = b"", 0
        for name, node in contents.nodes.items():
            if dns.rdatatype.NSEC3 in node and len(name.labels) == len(self._origin.labels) + 1:
                self._owners[name.labels[0].decode("latin-1").upper()] = name
                first = node[dns.rdatatype.NSEC3][0]
                if isinstance(first, NSEC3):
                    self._parameters = first.salt, first.iterations
        self._hashes = sorted(self._owners)
        self.hashed = lru_cache(maxsize=4096)(self._hashed)  # with many iterations, a hash takes milliseconds

    def no_name(self, name: dns.name.Name, encloser: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the owners of the closest encloser proof, and the one that covers the wildcard."""
        yield from self._at_or_before(encloser)
        yield from self._at_or_before(_next_closer(name, encloser))
        yield from self._at_or_before(wildcard_of(encloser))

    no_wildcard_data = no_name

    def no_data(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the owner that matches the name; under opt-out, those of the closest encloser proof."""
        if self.hashed(name) in self._owners:
            yield from self._at_or_before(name)
            return
        encloser = name
        while encloser != self._origin and self.hashed(encloser) not in self._owners:
            name, encloser = encloser, encloser.parent()
        yield from self._at_or_before(encloser)
        yield from self._at_or_before(name)

    def no_closer_name(self, name: dns.name.Name, encloser: dns.name.Name) -> Iterator[dns.name.Name]:
        """Yield the owner that covers the next closer name."""
        yield from self._at_or_before(_next_closer(name, encloser))

    def _at_or_before(self, name: dns.name.Name) -> Iterator[dns.name.Name]:
        if self._hashes:
            yield self._owners[self._hashes[bisect.bisect_right(self._hashes, self.hashed(name)) - 1]]

    def _hashed(self, name: dns.name.Name) -> str:
        salt, iterations = self._parameters
        return dns.dnssec.nsec3_hash(name, salt, iterations, 1)


def _next_closer(name: dns.name.Name, encloser: dns.name.Name) -> dns.name.Name:
    return dns.name.Name(name.labels[-len(encloser.labels) - 1 :])
