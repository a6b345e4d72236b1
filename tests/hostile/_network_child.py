"""Tests zones whose servers are in one IPv6 network; this host has all its addresses. Prints the packets received.

It is started in a separate network namespace in which all of `NETWORK` is local (`ip -6 route add local`).
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import sys
import threading
from typing import Any, Final, Self

from tests.hostile._counting import CountingDns, Records
from tests.hostile.test_run_budget import OWN, ZONE, limits_of, run_inside

NETWORK: Final = "2a00:6:6:6::/64"
_FREEBIND: Final = 78  # linux/in6.h: responses come from addresses that no interface has
_PKTINFO: Final = struct.Struct("=16sI")


class Everywhere:
    """All IPv6 addresses of the host, at the port of a world, which answers there as it does over IPv4."""

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
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()
        self._thread.join()
        for each in (self._udp, self._tcp, self._stopped):
            each.close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._udp, self._tcp, self._stopped], [], [])
            if self._stopped in ready:
                return
            if self._udp in ready:
                self._receive()
            if self._tcp in ready:
                self._accept()

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


def zone_in_one_network(names: int, each: int) -> tuple[CountingDns, list[str]]:
    """Return a world whose zone has a working server, and a number of names with addresses in `NETWORK`."""
    addresses = [f"2a00:6:6:6::{number:x}" for number in range(1, names * each + 1)]
    own: Records = {(ZONE, "NS"): [f"a.{ZONE}."], (f"a.{ZONE}", "A"): [OWN]}
    for index in range(names):
        own[ZONE, "NS"].append(f"n{index}.{ZONE}.")
        own[f"n{index}.{ZONE}", "AAAA"] = addresses[index * each : (index + 1) * each]
    return CountingDns({ZONE: own}, {OWN: [ZONE]}), addresses


def tested(kind: str) -> dict[str, Any]:
    """Test a zone whose servers are silent, refuse, or serve it ("honest": more zones than any real network has)."""
    world, addresses = zone_in_one_network(13, 1) if kind == "honest" else zone_in_one_network(50, 20)
    if kind == "refusing":
        world.refusing.update(addresses)
    if kind == "honest":
        world.served |= {address: {ZONE} for address in addresses}
    patience: dict[str, Any] = {"deadline_s": 6.0}
    if kind == "honest":
        patience = {"timeout_s": 10, "retrans_s": 5, "deadline_s": 60.0, "retry": 6}
    with world, Everywhere(world):
        result = run_inside(world, ipv6=True, source6="", **patience)
    packets = {address: count for address, count in world.packets.items() if ":" in address}
    return {"packets": packets, "limits": limits_of(result), "unfinished": result.unfinished}


if __name__ == "__main__":
    print(json.dumps(tested(sys.argv[1])))
