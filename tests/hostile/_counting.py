"""A DNS on every address of 127/8 that counts incoming packets: two sockets serve all addresses, mostly silent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

ROOT: Final = "127.0.0.53"
TLD: Final = "127.0.0.57"
ARPA: Final = "127.0.0.54"
# zones for PTR records and origin ASes; they are empty
_OTHERS: Final = {"arpa": ARPA, "net": "127.0.0.55", "com": "127.0.0.56"}
_IP_PKTINFO: Final = getattr(socket, "IP_PKTINFO", 8)  # linux/in.h
_PKTINFO: Final = struct.Struct("=I4s4s")
_PORTS: Final = range(10_240, 32_000)
_UDP_OCTETS: Final = 512
_NS_OCTETS: Final = 20  # octets of a record in a large RRset, names compressed
_GLUE_OCTETS: Final = 16

Reply: TypeAlias = "dns.message.Message | bytes | None"

Records = dict[tuple[str, str], list[str]]
"""Owner and type, both as text without final dot, to rdata in text form."""


class CountingDns:
    """Zones by name, their addresses, and the number of packets and connections of each address.

    An address that serves no zone is silent, unless it is in `refusing`; servers refuse queries for zones that they do
    not have. The root is served at ROOT, the TLD "xa" at TLD; a zone of `zones` is delegated there by its own NS and
    address records.
    """

    def __init__(self, zones: Mapping[str, Records], served: Mapping[str, Iterable[str]]) -> None:
        self.zones: dict[str, Records] = {"": {}, "xa": {("xa", "NS"): ["ns.nic.xa."]}, **zones}
        self.served: dict[str, set[str]] = {ROOT: {""}, TLD: {"xa"}}
        for zone, address in _OTHERS.items():
            self.zones[zone] = {(zone, "NS"): [f"ns.{zone}."], (f"ns.{zone}", "A"): [address]}
            self.served[address] = {zone}
        for address, names in served.items():
            self.served.setdefault(address, set()).update(names)
        self.refusing: set[str] = set()
        self.packets: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()  # by address
        self.answer: Callable[[str, dns.message.Message], Reply] = self.authoritative
        self.quick_answer: Callable[[str, bytes], bytes | None] = lambda _address, _wire: None  # bypasses the parser
        self.port = 0  # a free one, unless it is set before the start
        self.bound_to: Iterable[str] = ("0.0.0.0",)  # another process may serve other addresses at the same port
        self._composed: dict[object, bytes] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        for name, records in self.zones.items():
            records.setdefault((name, "SOA"), [f"ns.{name or 'nic.xa'}. root.{name or 'nic.xa'}. 1 7200 900 99999 300"])
        self.zones[""] |= {("", "NS"): ["a.root-servers.net."], ("a.root-servers.net", "A"): [ROOT]}
        self.zones["xa"] |= {("ns.nic.xa", "A"): [TLD]}

    # -- serving --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def write_hints(self, path: Path) -> Path:
        path.write_text(f". 3600 IN NS a.root-servers.net.\na.root-servers.net. 3600 IN A {ROOT}\n")
        return path

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        sockets = self._bind()
        for one in sockets:
            one.setblocking(False)
            if one.type == socket.SOCK_STREAM:
                self._loop.add_reader(one, self._accept, one)
            else:
                one.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
                self._loop.add_reader(one, self._receive, one)
        self._ready.set()
        await self._stop.wait()
        for one in sockets:
            self._loop.remove_reader(one)
            one.close()
        await asyncio.sleep(0)  # let a new task start: only a started task closes its connection
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, tcp: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connected, _ = tcp.accept()
            connected.setblocking(False)
            task = asyncio.ensure_future(self._converse(connected))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _bind(self) -> list[socket.socket]:
        for port in [self.port] if self.port else _PORTS:
            sockets = []
            try:
                for address in self.bound_to:
                    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                        sockets.append(socket.socket(socket.AF_INET, kind))
                        if self.port:
                            sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                        sockets[-1].bind((address, port))
                    sockets[-1].listen(1024)
            except OSError:
                for one in sockets:
                    one.close()
                continue
            self.port = port
            return sockets
        raise OSError("no port is free")

    def _receive(self, udp: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                wire, extra, _, peer = udp.recvmsg(4096, 64)
                index, _, destination = _PKTINFO.unpack(extra[0][2][: _PKTINFO.size])
                reply = self._reply(socket.inet_ntoa(destination), wire, limit=_UDP_OCTETS)
                if reply:
                    control = (socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(index, destination, b"\0" * 4))
                    udp.sendmsg([reply], [control], 0, peer)

    async def _converse(self, connected: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with connected, contextlib.suppress(OSError):
            wire = await loop.sock_recv(connected, 4096)
            reply = self._reply(connected.getsockname()[0], wire[2:], limit=65535) if wire else None
            if reply:
                await loop.sock_sendall(connected, len(reply).to_bytes(2) + reply)
            await loop.sock_recv(connected, 1)  # until the client closes

    def _reply(self, address: str, wire: bytes, *, limit: int) -> bytes | None:
        self.packets[address] += 1
        if quick := self.quick_answer(address, wire):
            self.answers[address] += 1
            return quick
        query = dns.message.from_wire(wire)
        key = (frozenset(self.served.get(address, {address})), wire[2:])
        octets = self._composed.get(key)
        if octets is None:
            message = self.answer(address, query)
            if message is None:
                return None
            octets = message if isinstance(message, bytes) else message.to_wire(max_size=65535)
            if self.answer == self.authoritative:  # servers of the same zones give the same answers
                self._composed[key] = octets
        self.answers[address] += 1
        octets = wire[:2] + octets[2:]
        if len(octets) <= max(limit, query.payload if limit == _UDP_OCTETS else 0):
            return octets
        truncated = dns.message.make_response(query)
        truncated.flags |= dns.flags.TC | int.from_bytes(octets[2:4]) & dns.flags.AA
        return truncated.to_wire()

    # -- answering ------------------------------------------------------------------------------------------------

    def authoritative(self, address: str, query: dns.message.Message) -> dns.message.Message | None:
        """Answer as a server of the closest enclosing zone at the address."""
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower() if question.name != dns.name.root else ""
        zone = next((each for each in _ancestors(name) if each in self.served.get(address, ())), None)
        if zone is None and address not in self.served and address not in self.refusing:
            return None
        response = dns.message.make_response(query, our_payload=1232)
        if zone is None:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        child = self._child(zone, name)
        if child and not (name == child and question.rdtype == dns.rdatatype.DS):
            self._add(response.authority, child, "NS", self.zones[child])
            self._add_glue(response, child)
            return response
        response.flags |= dns.flags.AA
        self._add_data(response, zone, name, dns.rdatatype.to_text(question.rdtype))
        return response

    def _child(self, zone: str, name: str) -> str | None:
        inside = [each for each in _ancestors(name) if each != zone and _is_in(each, zone) and each in self.zones]
        return inside[-1] if inside else None

    def _add_glue(self, response: dns.message.Message, child: str) -> None:
        targets = self.zones[child].get((child, "NS"), [])
        left = (65_000 - _NS_OCTETS * len(targets)) // _GLUE_OCTETS  # as many records as fit into a message
        for target in targets:
            owner = target.rstrip(".")
            found = self.zones[child].get((owner, "A"), []) if _is_in(owner, child) else []
            if found and len(found) <= left:
                left -= len(found)
                self._add(response.additional, owner, "A", self.zones[child])

    def _add_data(self, response: dns.message.Message, zone: str, name: str, rtype: str) -> None:
        records = self.zones[zone]
        for _ in range(20):
            alias = records.get((name, "CNAME"))
            if not alias or rtype == "CNAME":
                break
            self._add(response.answer, name, "CNAME", records)
            name = alias[0].rstrip(".")
        if (name, rtype) in records:
            self._add(response.answer, name, rtype, records)
            return
        if not response.answer and not any(_is_in(owner, name) for owner, _ in records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self._add(response.authority, zone, "SOA", records)

    def _add(self, section: list[dns.rrset.RRset], owner: str, rtype: str, records: Records) -> None:
        texts = records.get((owner, rtype))
        if texts:
            section.append(dns.rrset.from_text_list(f"{owner}.", 300, "IN", rtype, texts))


def _ancestors(name: str) -> list[str]:
    labels = name.split(".") if name else []
    return [".".join(labels[index:]) for index in range(len(labels))] + [""]


def _is_in(name: str, zone: str) -> bool:
    return not zone or name == zone or name.endswith("." + zone)


def numbered(count: int, *, net: int = 100) -> list[str]:
    """Return `count` different addresses of 127/8."""
    return [f"127.{net}.{index // 250}.{index % 250 + 1}" for index in range(count)]


def settings(**changes: Any) -> dict[str, Any]:
    """Return profile fields for a world of silence on loopback: short timeouts, and silence is not cached."""
    return {"timeout_s": 0.3, "retrans_s": 0.15, "error_cache_ttl_s": 0, "fast_fail_timeout_count": 0, **changes}
