"""Tests zones whose servers are in the networks of a victim; this host has all their addresses. Prints the packets.

It is started in a separate network namespace in which all of `NETWORKS` is local (`ip route add local`). The kernel
counts the packets that leave for the port of the world, including all segments of TCP.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Any, Final, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.hostile._counting import CountingDns, Records
from tests.hostile.test_run_budget import OWN, ZONE, limits_of, run_inside

NETWORKS: Final = ("6.6.0.0/16", "2a00:6::/32", "64:ff9b::/96")
_FREEBIND: Final = 78  # linux/in6.h: responses come from addresses that no interface has
_PKTINFO: Final = struct.Struct("=16sI")
_ALL_PROTOCOLS: Final = 3  # linux/if_ether.h
_OUTGOING: Final = 4  # linux/if_packet.h
_IPV4: Final = 0x0800


class Everywhere:
    """All IPv6 addresses of the host at the port of a world, which responds there as it does over IPv4."""

    def __init__(self, world: CountingDns) -> None:
        self._world = world
        self._udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._tcp = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self._udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        self._udp.setsockopt(socket.IPPROTO_IPV6, _FREEBIND, 1)
        for each in (self._udp, self._tcp):
            each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(("::", world.port))
        self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._tcp.listen(1024)
        self._wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL_PROTOCOLS))
        self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self._wire.setblocking(False)
        self.packets: Counter[str] = Counter()  # to the world, by address
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()
        self._thread.join()
        self._count()
        for each in (self._udp, self._tcp, self._wire, self._stopped):
            each.close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._udp, self._tcp, self._wire, self._stopped], [], [])
            if self._stopped in ready:
                return
            if self._wire in ready:
                self._count()
            if self._udp in ready:
                self._receive()
            if self._tcp in ready:
                self._accept()

    def _count(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, (_, protocol, kind, *_) = self._wire.recvfrom(128)
                family, header, start, end = (
                    (socket.AF_INET, (packet[0] & 15) * 4, 16, 20)
                    if protocol == _IPV4
                    else (socket.AF_INET6, 40, 24, 40)
                )
                if kind == _OUTGOING and int.from_bytes(packet[header + 2 : header + 4]) == self._world.port:
                    self.packets[socket.inet_ntop(family, packet[start:end])] += 1

    def _receive(self) -> None:
        wire, extra, _, peer = self._udp.recvmsg(4096, 64)
        destination = _PKTINFO.unpack(extra[0][2])[0]
        reply = self._world._reply(socket.inet_ntop(socket.AF_INET6, destination), wire, limit=512)
        if reply:
            control = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _PKTINFO.pack(destination, 0))
            self._udp.sendmsg([reply], [control], 0, peer)

    def _accept(self) -> None:
        connected, _ = self._tcp.accept()
        with connected, contextlib.suppress(OSError):
            connected.settimeout(1)
            wire = connected.recv(4096)
            reply = self._world._reply(connected.getsockname()[0], wire[2:], limit=65535) if wire else None
            if reply:
                connected.sendall(len(reply).to_bytes(2) + reply)


def _ipv4(number: int) -> str:
    return f"6.6.6.{number + 1}"


def _translated(number: int) -> str:
    return str(IPv6Address(f"64:ff9b::6.6.6.{number + 1}"))


NETWORKS_OF: Final[dict[str, Callable[[int], str]]] = {
    "one /24": _ipv4,
    "one /20": lambda number: f"6.6.{number % 16}.{number // 16 + 1}",
    "one /16": lambda number: f"6.6.{number}.1",
    "one /24 and its translated addresses": lambda number: (_translated if number % 2 else _ipv4)(number // 2),
    "one /64": lambda number: f"2a00:6:6:6::{number + 1:x}",
    "one /48": lambda number: f"2a00:6:6:{number:x}::1",
    "one /32": lambda number: f"2a00:6:{number:x}::1",
}
"""Addresses by number, up to 250 of them."""


def zone_of(addresses: list[str], *, names: int, through: str) -> CountingDns:
    """Return a world whose zone has a working server, and a number of names of servers that lead to the addresses.

    With `through` "other zones" the addresses are those of the servers of other zones, in which the names are.
    """
    own: Records = {(ZONE, "NS"): [f"a.{ZONE}."], (f"a.{ZONE}", "A"): [OWN], (ZONE, "MX"): []}
    zones: dict[str, Records] = {ZONE: own}
    for index in range(names):
        name, part = f"n{index}.{ZONE}", addresses[index::names]
        if through == "other zones":
            other = f"h{index}.xa"
            zones[other] = {(other, "NS"): [f"ns.{other}."]}
            zones[other] |= _hosts(f"ns.{other}", part)
            name = f"x.{other}"
        else:
            own |= _hosts(name, part)
        own[ZONE, "NS"].append(f"{name}.")
        own[ZONE, "MX"].append(f"10 {name}.")
    return CountingDns(zones, {OWN: [ZONE]})


def _hosts(name: str, addresses: list[str]) -> Records:
    return {
        (name, kind): found
        for kind, found in (
            ("A", [each for each in addresses if ":" not in each]),
            ("AAAA", [each for each in addresses if ":" in each]),
        )
        if found
    }


def _long(query: dns.message.Message) -> dns.message.Message:
    """Return a response without authority that has to be fetched over TCP."""
    response = dns.message.make_response(query)
    texts = [f'"{number:0200d}"' for number in range(20)]
    response.answer.append(dns.rrset.from_text_list(query.question[0].name, 60, "IN", "TXT", texts))
    return response


def outcome(network: str, behaviour: str, through: str) -> dict[str, Any]:
    """Test a zone whose servers behave in the given way; "honest" servers serve it, from 13 addresses."""
    honest = behaviour == "honest"
    addresses = [NETWORKS_OF[network](number) for number in range(13 if honest else 100)]
    world = zone_of(addresses, names=13 if honest else 50, through=through)
    patience: dict[str, Any] = {"deadline_s": 30.0}  # reached on a busy host only
    if honest:
        world.served |= {address: {ZONE} for address in addresses}
        patience = {"timeout_s": 10, "retrans_s": 5, "deadline_s": 60.0, "retry": 6}

    def answer(address: str, query: dns.message.Message) -> dns.message.Message | bytes | None:
        if behaviour == "honest" or address not in addresses:
            return world.authoritative(address, query)
        if behaviour == "silent":
            return None
        if behaviour == "over TCP":
            return _long(query)
        refusal = dns.message.make_response(query)
        refusal.set_rcode(dns.rcode.REFUSED)
        return refusal

    world.answer = answer
    with world, Everywhere(world) as everywhere:
        result = run_inside(world, ipv6=True, source6="", **patience)
    packets = {address: count for address, count in everywhere.packets.items() if address in addresses}
    return {
        "packets": packets,
        "queries": sum(world.packets[address] for address in addresses),
        "limits": limits_of(result),
        "unfinished": result.unfinished,
    }


if __name__ == "__main__":
    print(json.dumps(outcome(*sys.argv[1:])))
