"""Classification of addresses by IANA's special-purpose address registries and the internal addresses of providers."""

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
# Addresses that providers document as reachable only from within their networks, with the documents; IANA lists them as
# global.
_PROVIDERS = "provider-internal.csv"
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1; the IPv4 address is in the last 32 bits
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")  # RFC 8215; treated as a /96 prefix, the usual configuration
_COMPATIBLE = IPv6Network("::/96")  # RFC 4291 section 2.5.5.1, deprecated
_ISATAP = (b"\0\0\x5e\xfe", b"\2\0\x5e\xfe")  # RFC 5214 section 6.1; precedes the IPv4 address in any network
_THIS_NETWORK = IPv4Network("0.0.0.0/8")  # RFC 1122 section 3.2.1.3
_BROADCAST = IPv4Address("255.255.255.255")
_OWN_ADDRESSES_S = 60  # seconds, since addresses of this host may change
GLOBAL_UNICAST = IPv6Network("2000::/3")  # all of RFC 4291 section 2.4 that IANA has allocated

_NETWORK_SIZES = {4: ((24, 1), (20, 2), (16, 4)), 6: ((64, 1), (48, 2), (32, 4))}  # bits, factor
_FOOTNOTE = re.compile(r"(?<!\s)\s*\[\d+\]")


class Reach(enum.Enum):
    """The scope in which an address can be reached."""

    DOCUMENTATION = enum.auto()
    LOCAL_USE = enum.auto()
    NOT_GLOBAL = enum.auto()  # another block that is not marked as globally reachable
    GLOBAL = enum.auto()


counted_as_global: list[IPv4Network] = []  # see count_as_global
_LOOPBACK = IPv4Network("127.0.0.0/8")
_USED_LOOPBACK = IPv4Network("127.0.0.0/16")  # services listen at 127.0.0.1, resolvers and host names use 127.0.x.x

_LOCAL_NAMES = ("Private-Use", "Loopback", "Link Local", "Link-Local", "Unique-Local", "Shared Address Space")


@dataclass(frozen=True)
class SpecialBlock:
    """A registry entry: a block, its name and the reach of its addresses."""

    network: Network
    name: str
    reach: Reach


@cache
def special_blocks(version: int) -> tuple[SpecialBlock, ...]:
    """Return the blocks of one address family (4 or 6), most specific first."""
    text = (_DATA / REGISTRIES[version == 6]).read_text(encoding="utf-8")
    blocks = (block for row in csv.DictReader(text.splitlines()) for block in _blocks_of(row))
    return tuple(sorted(blocks, key=lambda block: -block.network.prefixlen))


@cache
def _provider_networks() -> tuple[Network, ...]:
    """Return the internal addresses of providers."""
    text = (_DATA / _PROVIDERS).read_text(encoding="utf-8")
    return tuple(ipaddress.ip_network(row["Address Block"]) for row in csv.DictReader(text.splitlines()))


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


def count_as_global(network: str) -> None:
    """Let the addresses of a loopback network count as global in this process, for the name servers of `make demo`.

    Only a program can do this, before its first test: no setting, profile, variable or request can.

    Raises:
      ValueError: the network is not a loopback network, or services of this host may listen in it.
    """
    counted = IPv4Network(network)
    if not counted.subnet_of(_LOOPBACK) or counted.overlaps(_USED_LOOPBACK):
        raise ValueError(f"{network} must be in {_LOOPBACK} and outside of {_USED_LOOPBACK}")
    counted_as_global.append(counted)
    for cached in (classify, is_global):
        cached.cache_clear()


def counts_as_global(address: str) -> bool:
    """Return whether `count_as_global` was called for a network of the address, or of the IPv4 address mapped to it."""
    return bool(counted_as_global) and _is_counted(ipaddress.ip_address(address))


def _is_counted(address: IPv4Address | IPv6Address) -> bool:
    return any((getattr(address, "ipv4_mapped", None) or address) in network for network in counted_as_global)


@lru_cache(maxsize=8192)
def classify(address: str) -> Reach:
    """Return the class of an address by the most specific block of IANA that contains it.

    Without such a block the address is GLOBAL, unless it is an internal address of a provider.

    Raises:
      ValueError: the text is not an address.
    """
    return _classify(ipaddress.ip_address(address))


def _classify(address: IPv4Address | IPv6Address) -> Reach:
    if _is_counted(address):
        return Reach.GLOBAL
    reach = next((block.reach for block in special_blocks(address.version) if address in block.network), Reach.GLOBAL)
    is_internal = reach is Reach.GLOBAL and any(address in network for network in _provider_networks())
    return Reach.NOT_GLOBAL if is_internal else reach


@lru_cache(maxsize=8192)
def is_global(address: str) -> bool:
    """Return whether packets to this address can only reach the public Internet.

    It is stricter than `classify`, because it protects the local network: it rejects multicast, all IPv6 outside global
    unicast, and addresses that embed a non-global IPv4 address (mapped, 6to4, NAT64, Teredo, ISATAP). It returns False
    for an invalid address.
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
    return parsed in NAT64 or parsed in GLOBAL_UNICAST or _is_counted(parsed)


@lru_cache(maxsize=8192)
def is_host(address: str) -> bool:
    """Return whether the address can belong to one host.

    Unspecified, multicast and broadcast addresses and those with a zone index cannot. Packets are never sent to such
    addresses, even if the profile allows them. The IPv4 addresses embedded in an IPv6 address are checked, too.
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
    """Yield the IPv4 addresses to which packets to this address may be forwarded."""
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:  # server and client
        yield from address.teredo
    if address.packed[8:12] in _ISATAP or any(address in network for network in (NAT64, _NAT64_LOCAL, _COMPATIBLE)):
        yield IPv4Address(address.packed[-4:])


@lru_cache(maxsize=8192)
def accounting_address(address: str) -> str:
    """Return the address to which packets to this one are attributed: the embedded IPv4 address, if any.

    Otherwise the owner of one IPv4 address could receive the packets of several addresses: the mapped address, and one
    for each translator and tunnel.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, IPv4Address) or int(parsed) <= 1:  # unspecified or loopback: no embedded IPv4 address
        return address
    *_, last = [parsed, *_embedded(parsed)]
    return str(last)


@lru_cache(maxsize=8192)
def networks_of(address: str) -> tuple[tuple[str, int], ...]:
    """Return the networks of an address that may belong to one victim, the narrowest first.

    The factor of a network is its limit divided by the limit of a single address. The narrowest network is
    what a small site gets: a /24 or a /64, all of whose addresses one host may have (RFC 4291 section 2.5.4, RFC 6177).
    If addresses are not global, only the widest network counts: test networks have whole trees of servers in one /24 or
    /64.
    """
    parsed = ipaddress.ip_address(accounting_address(address))
    sizes = _NETWORK_SIZES[parsed.version]
    return tuple(
        (str(ipaddress.ip_network(f"{parsed}/{bits}", strict=False)), factor)
        for bits, factor in (sizes if is_global(str(parsed)) else sizes[-1:])
    )


def is_own(address: str) -> bool:
    """Return whether this host had the address within the last minute; nothing is sent."""
    return _is_source_address(address, int(time.monotonic() // _OWN_ADDRESSES_S))


@lru_cache(maxsize=4096)
def _is_source_address(address: str, _period: int) -> bool:
    """Return whether the kernel chooses the address itself as the source of packets to it.

    Binding a socket to it would also work, except if `ip_nonlocal_bind` is set.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
            return bool(probe.getsockname()[0] == address)
    except OSError:  # Without a route, the address does not belong to this host.
        return False


def is_allowed_target(address: str, *, guarded: bool) -> bool:
    """Return whether packets may be sent to the address.

    With `guarded`, only addresses of the public Internet are allowed, except the addresses of this host, whose services
    may trust its public address. (If a translator in front of this host maps an address to it, the host does not
    recognise that address as its own.)
    """
    if not is_host(address):
        return False
    if not guarded or counts_as_global(address):
        return True
    return is_global(address) and not is_own(address) and not is_own(accounting_address(address))
