"""What kind of address an address is, by IANA's special-purpose address registries."""

from __future__ import annotations

import csv
import enum
import ipaddress
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path
from typing import TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

_DATA = Path(__file__).parent / "data"
REGISTRIES = ("iana-ipv4-special-registry.csv", "iana-ipv6-special-registry.csv")
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1; the IPv4 address stands in the last 32 bits
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")  # RFC 8215; taken for a prefix of 96 bits, as most networks use it
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 section 2.5.5.1, deprecated
_ISATAP = (b"\0\0\x5e\xfe", b"\2\0\x5e\xfe")  # RFC 5214 section 6.1; before the IPv4 address, in any network
_THIS_NETWORK = IPv4Network("0.0.0.0/8")  # RFC 1122 section 3.2.1.3
_BROADCAST = IPv4Address("255.255.255.255")
_OWN_ADDRESSES_S = 60  # an address of this host may come and go
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
    text = (_DATA / REGISTRIES[version == 6]).read_text(encoding="utf-8")
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


@lru_cache(maxsize=8192)
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


@lru_cache(maxsize=8192)
def is_global(address: str) -> bool:
    """Say whether packets to this address can only go to the public Internet.

    Stricter than `classify`, since it guards the local network: multicast and all IPv6 outside of global unicast are
    refused, and so is an address that leads to an IPv4 address (mapped, 6to4, NAT64, Teredo, ISATAP) unless that one is
    global too. False for what is not an address.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if parsed.is_multicast or _classify(parsed) is not Reach.GLOBAL:
        return False
    if isinstance(parsed, IPv4Address):
        return True
    if not all(is_global(str(inner)) for inner in _embedded(parsed)):
        return False
    return parsed in NAT64 or parsed in GLOBAL_UNICAST


@lru_cache(maxsize=8192)
def is_host(address: str) -> bool:
    """Say whether the address can be that of one host: not unspecified, multicast or broadcast, and without zone index.

    Nothing is ever sent to another, whatever a profile allows. An IPv6 address counts as the IPv4 addresses in it, too.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return not (parsed.is_multicast or parsed in _THIS_NETWORK or parsed == _BROADCAST)
    if parsed.is_multicast or parsed.is_unspecified or parsed.scope_id:
        return False
    return parsed.is_loopback or all(is_host(str(inner)) for inner in _embedded(parsed))


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    """Yield the IPv4 addresses to which packets to this address may be sent on."""
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:  # server and client
        yield from address.teredo
    if address.packed[8:12] in _ISATAP or any(address in each for each in (NAT64, _NAT64_LOCAL, _COMPATIBLE)):
        yield IPv4Address(address.packed[-4:])


@lru_cache(maxsize=8192)
def counted_as(address: str) -> str:
    """Return the address on which packets to this one are counted: the IPv4 address to which they are sent on, if any.

    Else who has one IPv4 address could get the packets of several: mapped, and through each translator and tunnel.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, IPv4Address) or int(parsed) <= 1:  # unspecified or loopback, which hold no IPv4 address
        return address
    *_, last = [parsed, *_embedded(parsed)]
    return str(last)


@lru_cache(maxsize=8192)
def host_network_of(address: str) -> str | None:
    """Return the IPv6 network of 64 bits that is taken for one host, None for other addresses.

    Whoever has one has 2^64 addresses, and one host may answer at all of them (RFC 4291 section 2.5.4, RFC 6177).
    Only global unicast addresses count: laboratories have whole trees of servers in one network.
    """
    parsed = ipaddress.ip_address(counted_as(address))
    if isinstance(parsed, IPv4Address) or parsed not in GLOBAL_UNICAST:
        return None
    return str(IPv6Network((int(parsed) >> 64 << 64, 64)))


def is_own(address: str) -> bool:
    """Say whether the address is one of this host's, as it was at some time of the last minute; nothing is sent."""
    return _reaches_itself(address, int(time.monotonic() // _OWN_ADDRESSES_S))


@lru_cache(maxsize=4096)
def _reaches_itself(address: str, _period: int) -> bool:
    """Say whether the kernel chooses the address itself as the source of packets to it.

    To bind a socket to it would tell too, but not where `ip_nonlocal_bind` is set.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
            return bool(probe.getsockname()[0] == address)
    except OSError:  # no way there, so it is not this host
        return False


def may_be_target(address: str, *, guarded: bool) -> bool:
    """Say whether packets may be sent to the address.

    `guarded`: only into the public Internet, and not to this host either, whose public address may be trusted by what
    listens there. (An address that only a translator in front of this host knows is not seen to be its own.)
    """
    if not is_host(address):
        return False
    return not guarded or (is_global(address) and not is_own(address) and not is_own(counted_as(address)))
