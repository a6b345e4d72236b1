"""Zones whose servers answer with random combinations of everything that is expensive or malformed, by a seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import zlib
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rrset

from tests.hostile._counting import _IP_PKTINFO, _PKTINFO, CountingDns, Records
from tests.hostile._giants import (
    AAAA,
    CNAME,
    DNAME,
    DNSKEY,
    DS,
    MX,
    NS,
    NSEC,
    NSEC3,
    NSEC3PARAM,
    PTR,
    RRSIG,
    SOA,
    TXT,
    A,
)

VICTIMS = 200  # 127.200 and above: the second octet is 200 plus the number of the zone, and no address there responds
# of the different answers to a name and type, so that composing answers takes less time than reading them
_VARIETIES = 6
_OWNER = b"\xc0\x0c"
_TCP_STYLES = (
    "dribble", "close after length", "close", "too long", "silent", "octets", "half", "others without end",
)  # fmt: skip
_LIMITS = (1, 3, 30, 400, 1_800, 1_800)  # records of a set
_SIZES = (512, 4_096, 16_384, 65_535, 65_535, 65_535)
_WITH_NAMES = (NS, CNAME, DNAME, PTR, MX, SOA, RRSIG, NSEC, 14, 15, 17, 18, 21, 26, 33, 35, 36, 47, 55, 64, 65, 107)
_WITH_DATA = (
    A,
    AAAA,
    TXT,
    DS,
    DNSKEY,
    NSEC3,
    NSEC3PARAM,
    13,
    16,
    29,
    37,
    42,
    44,
    45,
    46,
    52,
    59,
    60,
    61,
    62,
    99,
    257,
    65_280,
)


def zone_of(seed: int) -> str:
    return f"wild{seed}.xa"


def victim_network(seed: int) -> str:
    """Return the /16 of the silent addresses of a zone."""
    return f"127.{VICTIMS + seed % 50}."


class WildZone:
    """The habits of a zone: the shapes that its servers mix, and how often they answer correctly."""

    def __init__(self, seed: int) -> None:
        self.seed, self.zone = seed, zone_of(seed)
        source = random.Random(seed)
        self.servers = [
            f"127.{10 + seed % 50}.{seed // 50}.{number + 1}" for number in range(source.choice([2, 5, 13]))
        ]
        self.correct = source.choice([0.1, 0.3, 0.6])  # part of the queries other than those for SOA and NS
        self.delegation_works = source.random() < 0.8
        self.size = source.choice(_SIZES)
        self.count = source.choice(_LIMITS)
        self.types = source.sample(_WITH_NAMES, 6) + source.sample(_WITH_DATA, 6)
        self.options = source.choice([0, 0, 1, 30, 5_000])
        self.faults = source.sample(sorted(_FAULTS), 3)
        self.fault_part = source.choice([0.0, 0.1, 0.3])
        self.udp = source.choice([*["as asked"] * 6, "truncated", "from another address", "twice", "other id first"])
        self.tcp = source.choice([*["as asked"] * 6, *_TCP_STYLES])
        self.classes = source.choice([(1,), (1,), (1, 1, 0, 3, 4, 254, 255)])
        self.ttls = source.choice([(300,), (0, 300, 2**31 - 1, 2**31, 2**32 - 1)])
        self.opts = source.choice([1, 1, 1, 2, 300])
        self.chains = source.choice([0.0, 0.0, 0.3])  # part of the sets that are chains of aliases
        self._made: dict[object, bytes] = {}

    def records(self) -> Records:
        """Return the delegation: servers in the zone, some with a hundred addresses of the victim."""
        found: Records = {(self.zone, "NS"): []}
        for number, address in enumerate(self.servers):
            found[self.zone, "NS"].append(f"ns{number}.{self.zone}.")
            crowd = [f"{victim_network(self.seed)}{number}.{last}" for last in range(1, 101)] if number % 4 == 3 else []
            found[f"ns{number}.{self.zone}", "A"] = [address, *crowd]
        return found

    def answer(self, query: dns.message.Message) -> bytes | None:
        """Return a random answer, or None for a correct one."""
        question = query.question[0]
        asked = (question.name.to_wire() or b"") + struct.pack("!HH", question.rdtype, question.rdclass)
        is_needed = question.name.to_text(omit_final_dot=True).lower() == self.zone and question.rdtype in {SOA, NS}
        source = random.Random(zlib.crc32(asked.lower()) * 31 + self.seed * 7 + query.id % _VARIETIES)
        if source.random() < (0.95 if is_needed and self.delegation_works else self.correct):
            return None
        key = (asked, query.id % _VARIETIES, query.edns >= 0)
        if key not in self._made:
            self._made[key] = self._message(asked, int(question.rdtype), source, edns=query.edns >= 0)
        made = self._made[key]
        return struct.pack("!H", query.id) + made[2:]

    def _message(self, asked: bytes, rtype: int, source: random.Random, *, edns: bool) -> bytes:
        sections: list[list[bytes]] = [[], [], []]
        left = self.size - 12 - len(asked)
        for _ in range(source.randrange(1, 4)):
            kind = source.choice([rtype, *self.types])
            section = sections[source.choice([0, 0, 0, 1, 2])]
            owner = self._owner(source)
            is_chain = source.random() < self.chains
            for number in range(source.choice([self.count, self.count, 1])):
                data = self._rdata(kind, source)
                if is_chain:
                    kind, owner, data = source.choice([CNAME, DNAME]), _link(number), _link(number + 1)
                fixed = struct.pack("!HHIH", kind, source.choice(self.classes), source.choice(self.ttls), len(data))
                made = (owner or self._owner(source)) + fixed + data
                left -= len(made)
                if left < 0 or len(data) > 65_535:
                    break
                section.append(made)
        if edns and self.options:
            section, options = sections[2], b""
            for _ in range(self.options):
                value = source.randbytes(source.choice([0, 1, 2, 8, 40]))
                code = source.choice([3, 8, 10, 11, 12, 15, 16, 65_001])
                options += struct.pack("!HH", code, len(value)) + value
            options = options[: max(0, min(left - 11, 65_000))]
            version = source.choice([0, 0, 0, 1, 255]) << 16
            section.append(b"\0" + struct.pack("!HHIH", 41, 1_232, version, len(options)) + options)
            sections[source.randrange(3)] += [b"\0" + struct.pack("!HHIH", 41, 512, 0, 0)] * (self.opts - 1)
        flags = dns.flags.QR | source.choice([dns.flags.AA, dns.flags.AA, 0]) | source.choice([0, 0, 0, 2, 3, 5, 15])
        counts = [1, *map(len, sections)]
        message = struct.pack("!6H", 0, flags, *counts) + asked + b"".join(b"".join(each) for each in sections)
        if source.random() < self.fault_part:
            message = _FAULTS[source.choice(self.faults)](message, len(asked), source)
        return message

    def _owner(self, source: random.Random) -> bytes:
        return source.choice([_OWNER, _OWNER, b"\x08%08x" % source.getrandbits(32) + _OWNER, _name(source), b""])

    def _rdata(self, kind: int, source: random.Random) -> bytes:
        """Return rdata of a type: well-formed, filled with names, or random octets."""
        if source.random() < 0.05:
            return source.randbytes(source.choice([0, 1, 7, 40, 300]))
        target = self._target(source)
        forms: dict[int, Callable[[], bytes]] = {
            A: lambda: bytes([127, VICTIMS + self.seed % 50, source.randrange(256), source.randrange(1, 255)]),
            AAAA: lambda: b"\x20\x01\x0d\xb8" + source.randbytes(12),
            MX: lambda: b"\0\x0a" + target,
            SOA: lambda: target + self._target(source) + source.randbytes(20),
            TXT: lambda: self._text(source),
            DS: lambda: struct.pack("!HBB", 4_711, 8, 2) + source.randbytes(32),
            DNSKEY: lambda: struct.pack("!HBB", 257, 3, source.choice([1, 5, 8, 13, 15])) + source.randbytes(68),
            RRSIG: lambda: (
                struct.pack("!HBBIIIH", source.choice([kind, SOA, NS, DNSKEY]), 8, 2, 300, 2**31 - 1, 0, 4_711)
                + self._zone()
                + source.randbytes(64)
            ),
            NSEC: lambda: target + _WINDOWS[: source.choice([34, 34 * 20])],
            NSEC3: lambda: (
                struct.pack("!BBHB", 1, 0, source.choice([0, 150, 65_535]), 255)
                + source.randbytes(255)
                + b"\x14"
                + source.randbytes(20)
                + _WINDOWS[:34]
            ),
            NSEC3PARAM: lambda: struct.pack("!BBHB", 1, 0, 65_535, 255) + source.randbytes(255),
            13: lambda: b"\xff" + source.randbytes(255) + b"\xff" + source.randbytes(255),
            29: lambda: b"\0" + source.randbytes(15),
            42: lambda: b"\0\x01\x18\x03\x7f\0\x01" * source.choice([1, 9_000]),
            55: lambda: b"\4\5\0\4hit.key." + source.choice([b"\0", b"\1a\0"]) * source.choice([1, 20_000]),
            99: lambda: self._text(source),
            26: lambda: b"\0\x0a" + target + self._target(source),
            33: lambda: source.randbytes(6) + target,
            35: lambda: source.randbytes(4) + b"\x01U\x07E2U+sip\xff" + (b"!^(a+)+$!" * 29)[:255] + target,
            59: lambda: struct.pack("!HBB", 4_711, 8, 2) + source.randbytes(32),
            60: lambda: struct.pack("!HBB", 257, 3, 8) + source.randbytes(260),
            64: lambda: b"\0\x01" + target + _service_parameters(source),
            65: lambda: b"\0\x01" + target + _service_parameters(source),
            257: lambda: b"\0\x05issue" + source.choice([b" ", b";", b"a=", b"\xff"]) * 900,
        }
        if kind in forms:
            return forms[kind]()
        return target if kind in _WITH_NAMES else source.randbytes(source.choice([2, 20, 200]))

    def _zone(self) -> bytes:
        return b"".join(bytes([len(label)]) + label.encode() for label in self.zone.split(".")) + b"\0"

    def _target(self, source: random.Random) -> bytes:
        inside = b"\x08%08x" % source.getrandbits(32) + _OWNER
        other = b"\x08%08x" % source.getrandbits(32) + b"\x06wild%02d" % ((self.seed + 1) % 50) + b"\x02xa\0"
        return source.choice(
            [inside, inside, other, _OWNER, _name(source), b"\0", b"\xc0\0", b"\xff\xff", b"\x01a\x80"]
        )

    @staticmethod
    def _text(source: random.Random) -> bytes:
        start = source.choice([b"v=spf1 include:", b"v=DMARC1;p=", b"v=spf1 a:%{i}.", b""])
        if source.random() < 0.5:
            return bytes([len(start) + 4]) + start + source.randbytes(4)
        return b"\x01x" * source.choice([100, 2_000, 30_000])


def _link(number: int) -> bytes:
    return b"\x05%05d" % number + _OWNER if number else _OWNER


def _service_parameters(source: random.Random) -> bytes:
    """Return parameters of an SVCB record: one that is long, or as many as fit."""
    values = {
        0: struct.pack("!30000H", *range(1, 30_001)),
        1: b"\x01a" * 15_000,
        4: bytes(4) * 10_000,
        5: source.randbytes(4_096),
        6: bytes(16) * 2_000,
    }
    key = source.choice([*values, None])
    if key is None:
        return b"".join(struct.pack("!HH", number, 0) for number in range(7, 15_000))
    return struct.pack("!HH", key, len(values[key])) + values[key]


def _name(source: random.Random) -> bytes:
    """Return a name at one of the limits: 127 labels, three labels of 63 binary octets, 255 octets."""
    return source.choice(
        [
            b"\x01a" * 126 + b"\0",
            b"\x01" + source.randbytes(1) + b"\x01b" * 125 + b"\0",
            b"".join(b"\x3f" + source.randbytes(63) for _ in range(3)) + b"\x3d" + source.randbytes(61) + b"\0",
        ]
    )


_WINDOWS = b"".join(bytes([window, 32]) + b"\xff" * 32 for window in range(256))


def _counts(message: bytes, *counts: int) -> bytes:
    return message[:4] + struct.pack("!4H", *counts) + message[12:]


_FAULTS: dict[str, Callable[[bytes, int, random.Random], bytes]] = {
    "no question": lambda message, asked, _: _counts(message, 0, *_of(message)[1:])[:12] + message[12 + asked :],
    "two questions": lambda message, asked, _: (
        _counts(message, 2, *_of(message)[1:])[:12] + message[12 : 12 + asked] * 2 + message[12 + asked :]
    ),
    "other class": lambda message, asked, _: message[: 10 + asked] + b"\0\x03" + message[12 + asked :],
    "other question": lambda message, asked, _: message[:13] + b"\xaa" + message[14:],
    "counts too high": lambda message, asked, _: _counts(message, 1, 65_535, 65_535, 65_535),
    "cut": lambda message, asked, source: message[: source.randrange(12, len(message) + 1)],
    "octets changed": lambda message, asked, source: _changed(message, source),
    "trailing octets": lambda message, asked, source: message + source.randbytes(200),
    "loop of pointers": lambda message, asked, _: message + _OWNER[:1] + bytes([min(len(message), 255)]),
    "pointers anywhere": lambda message, asked, source: _with_pointers(message, source),
    "a query": lambda message, asked, _: message[:2] + b"\0\0" + message[4:],
    "empty": lambda message, asked, _: message[:12],
}


def _of(message: bytes) -> tuple[int, ...]:
    return struct.unpack("!4H", message[4:12])


def _with_pointers(message: bytes, source: random.Random) -> bytes:
    """Replace pointers to the name of the question: by loops, and by pointers forwards and into rdata."""
    first, *others = message.split(_OWNER)
    for other in others:
        place = source.choice([12, len(first), len(first) + 2, source.randrange(len(message))])
        first += struct.pack("!H", 0xC000 | min(place, 0x3FFF)) + other
        if len(first) > 16_384:  # later pointers stay
            break
    return first + message[len(first) :]


def _changed(message: bytes, source: random.Random) -> bytes:
    made = bytearray(message)
    for _ in range(8):
        made[source.randrange(2, len(made))] = source.randrange(256)
    return bytes(made)


class WildDns(CountingDns):
    """A DNS of wild zones, whose servers also deliver their answers in unusual ways."""

    def __init__(self, seeds: list[int]) -> None:
        self.wild = {zone_of(seed): WildZone(seed) for seed in seeds}
        self._of_address = {address: wild for wild in self.wild.values() for address in wild.servers}
        zones = {name: wild.records() for name, wild in self.wild.items()}
        super().__init__(zones, {address: [wild.zone] for address, wild in self._of_address.items()})
        self.answer = self._answer
        self._correct: dict[object, bytes] = {}
        self._rrsets: dict[tuple[str, str, int], list[dns.rrset.RRset]] = {}

    def _add(self, section: list[dns.rrset.RRset], owner: str, rtype: str, records: Records) -> None:
        key = (owner, rtype, id(records))
        if key not in self._rrsets:
            super()._add(self._rrsets.setdefault(key, []), owner, rtype, records)
        section += self._rrsets[key]

    def _answer(self, address: str, query: dns.message.Message) -> dns.message.Message | bytes | None:
        wild = self._of_address.get(address)
        if wild and (made := wild.answer(query)):
            return made
        question = query.question[0]
        key = (address if wild is None else wild.zone, question.name, question.rdtype, query.edns)  # in any letter case
        if key not in self._correct:
            message = self.authoritative(address, query)
            self._correct[key] = message.to_wire(max_size=65_535) if message else b""
        asked = (question.name.to_wire() or b"") + struct.pack("!HH", question.rdtype, question.rdclass)
        made = self._correct[key]
        return struct.pack("!H", query.id) + made[2:12] + asked + made[12 + len(asked) :] if made else None

    def _receive(self, udp: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                wire, extra, _, peer = udp.recvmsg(4096, 64)
                index, _, destination = _PKTINFO.unpack(extra[0][2][: _PKTINFO.size])
                address = socket.inet_ntoa(destination)
                reply = self._reply(address, wire, limit=512)
                if not reply:
                    continue
                style = self._of_address[address].udp if address in self._of_address else "as asked"
                if style == "truncated":
                    reply = reply[:2] + bytes([reply[2] | 2]) + reply[3:]
                if style == "from another address":
                    destination = socket.inet_aton("127.9.9.9")
                replies = [reply]
                if style == "twice":
                    replies = [reply, reply]
                if style == "other id first":
                    replies = [bytes([reply[0] ^ 1]) + reply[1:]] * 3 + [reply]
                control = (socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(index, destination, b"\0" * 4))
                for each in replies:
                    udp.sendmsg([each], [control], 0, peer)

    async def _converse(self, connected: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        address = connected.getsockname()[0]
        style = self._of_address[address].tcp if address in self._of_address else "as asked"
        with connected, contextlib.suppress(OSError):
            wire = await loop.sock_recv(connected, 4096)
            reply = self._reply(address, wire[2:], limit=65_535) if wire else None
            if not reply or style == "close":
                return
            framed = len(reply).to_bytes(2) + reply
            if style == "close after length":
                await loop.sock_sendall(connected, framed[:2])
                return
            if style == "dribble":
                for octet in framed:
                    await loop.sock_sendall(connected, bytes([octet]))
                    await asyncio.sleep(0.2)
            elif style == "octets":
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for octet in framed:
                    await loop.sock_sendall(connected, bytes([octet]))
            elif style == "half":
                await loop.sock_sendall(connected, framed[: len(framed) // 2])
            elif style == "others without end":
                while True:
                    await loop.sock_sendall(connected, framed[:2] + bytes([framed[2] ^ 1]) + framed[3:])
            elif style == "too long":
                await loop.sock_sendall(connected, (framed + framed) * 20)
            elif style != "silent":
                await loop.sock_sendall(connected, framed)
            await loop.sock_recv(connected, 1)  # until the client closes
