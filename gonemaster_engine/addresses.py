"""What kind of address an address is, by IANA's special-purpose address registries."""

from __future__ import annotations

import csv
import enum
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

REGISTRIES = ("iana-ipv4-special-registry.csv", "iana-ipv6-special-registry.csv")
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1; the IPv4 address stands in the last 32 bits
GLOBAL_UNICAST = IPv6Network("2000::/3")  # all that IANA has given out of RFC 4291 section 2.4

_FOOTNOTE = re.compile(r"\s*\[\d+\]")


class Reach(enum.Enum):
    """For whom an address is."""

    DOCUMENTATION = enum.auto()
    LOCAL_USE = enum.auto()
    NOT_GLOBAL = enum.auto()  # another block that is not marked as globally reachable
    GLOBAL = enum.auto()


_LOCAL_NAMES = ("Private-Use", "Loopback", "Link Local", "Link-Local", "Unique-Local", "Shared Address Space")


@dataclass(frozen=True, slots=True)
class SpecialBlock:
    """A line of a registry: a block and what its addresses are for."""

    network: Network
    name: str
    reach: Reach


@cache
def special_blocks(version: int) -> tuple[SpecialBlock, ...]:
    """Return the blocks of one address family (4 or 6), the most specific first."""
    text = files("gonemaster_engine").joinpath("data", REGISTRIES[version == 6]).read_text(encoding="utf-8")
    blocks = (block for row in csv.DictReader(text.splitlines()) for block in _blocks_of(row))
    return tuple(sorted(blocks, key=lambda block: -block.network.prefixlen))


def _blocks_of(row: dict[str, str]) -> Iterator[SpecialBlock]:
    name = row["Name"].strip('"')
    reach = _reach_of(name, _FOOTNOTE.sub("", row["Globally Reachable"]))
    for network in _FOOTNOTE.sub("", row["Address Block"]).split(","):
        yield SpecialBlock(ipaddress.ip_network(network.strip()), name, reach)


def _reach_of(name: str, globally_reachable: str) -> Reach:
    if "Documentation" in name:
        return Reach.DOCUMENTATION
    if any(local in name for local in _LOCAL_NAMES):
        return Reach.LOCAL_USE
    return Reach.GLOBAL if globally_reachable == "True" else Reach.NOT_GLOBAL


@lru_cache(maxsize=65536)
def classify(address: str) -> Reach:
    """Return the class of an address by the most specific block it is in; GLOBAL when it is in none.

    Raises:
        ValueError: it is not an address.
    """
    return _classify(ipaddress.ip_address(address))


def _classify(address: IPv4Address | IPv6Address) -> Reach:
    for block in special_blocks(address.version):
        if address in block.network:
            return block.reach
    return Reach.GLOBAL


@lru_cache(maxsize=65536)
def is_global(address: str) -> bool:
    """Say whether packets to this address can only go to the public Internet.

    Stricter than `classify`, since it guards the local network: multicast and all IPv6 outside of global unicast are
    refused, and so is an address that leads to an IPv4 address (mapped, 6to4, NAT64) unless that one is global too.
    False for what is not an address.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if parsed.is_multicast or _classify(parsed) is not Reach.GLOBAL:
        return False
    if isinstance(parsed, IPv4Address):
        return True
    if parsed in NAT64:
        return is_global(str(IPv4Address(parsed.packed[-4:])))
    return parsed in GLOBAL_UNICAST
