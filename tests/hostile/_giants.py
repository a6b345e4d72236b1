"""Expensive zones: many servers, and responses of the maximum message size to every query."""

from __future__ import annotations

import hashlib
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from cryptography.hazmat.primitives.asymmetric import ec
from dns.rdatatype import RdataType

from gonemaster_engine.dnssec.records import key_tag
from tests.hostile._counting import ARPA, CountingDns, Records, numbered

ZONE = "giant.xa"
GOOD_ZONE = "good.xa"
OCTETS = 65_000
A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, DNAME, DS, RRSIG, NSEC, DNSKEY, NSEC3, NSEC3PARAM, CDS, CDNSKEY, CAA = (
    int(rdtype)
    for rdtype in (
        RdataType.A,
        RdataType.NS,
        RdataType.CNAME,
        RdataType.SOA,
        RdataType.PTR,
        RdataType.MX,
        RdataType.TXT,
        RdataType.AAAA,
        RdataType.DNAME,
        RdataType.DS,
        RdataType.RRSIG,
        RdataType.NSEC,
        RdataType.DNSKEY,
        RdataType.NSEC3,
        RdataType.NSEC3PARAM,
        RdataType.CDS,
        RdataType.CDNSKEY,
        RdataType.CAA,
    )
)


def name(text: str) -> bytes:
    """Return a name in wire format."""
    return dns.name.from_text(text).to_wire() or b""


def record(owner: bytes, rtype: int, rdata: bytes) -> bytes:
    return owner + struct.pack("!HHIH", rtype, 1, 300, len(rdata)) + rdata


def host(number: int) -> bytes:
    """Return a name of the zone that ends with a pointer to the question."""
    label = f"h{number:05d}".encode()
    return bytes([len(label)]) + label + b"\xc0\x0c"


class Algorithm(NamedTuple):
    """Keys of one algorithm that share a key tag, and the length of their signatures."""

    number: int
    keys: tuple[bytes, ...]  # rdata of DNSKEY records
    signature_octets: int

    @property
    def tag(self) -> int:
        return key_tag(self.keys[0])

    def signature(self, covered: int, number: int) -> bytes:
        """Return the rdata of an RRSIG whose signature proves wrong only at the end of the computation."""
        head = struct.pack("!HBBIIIH", covered, self.number, 2, 300, 0x7FFFFFFF, 0, self.tag)
        return (
            head
            + name(ZONE)
            + random.Random(number).randbytes(self.signature_octets - 1).rjust(self.signature_octets, b"\x3f")
        )


def _point(number: int, curve: ec.EllipticCurve, algorithm: int) -> bytes:
    """Return the DNSKEY whose private key is the given number."""
    numbers = ec.derive_private_key(number, curve).public_key().public_numbers()
    octets = curve.key_size // 8
    return struct.pack("!HBB", 257, 3, algorithm) + numbers.x.to_bytes(octets) + numbers.y.to_bytes(octets)


def _modulus(number: int, octets: int, exponent: bytes) -> bytes:
    """Return an RSA key with the key tag of all others: the number added at one position is subtracted at another.

    The cost of a signature does not depend on whether the modulus is a product of two primes.
    """
    head = struct.pack("!HBB", 257, 3, 8) + bytes([len(exponent)]) + exponent
    material = bytearray(b"\xf1" + random.Random(number).randbytes(octets - 5) + b"\0\0\0\1")
    at = len(material) - 4 + (len(head) + len(material)) % 2  # an even position in the rdata
    for value in range(0x10000):
        material[at - 2 : at] = struct.pack("!H", value)
        if key_tag(head + material) == RSA_TAG:
            return head + bytes(material)
    raise AssertionError("no such key")


RSA_TAG = 4711


@cache
def algorithm_of(kind: str) -> Algorithm:
    """Return four keys of a kind: a validator tries four keys for one signature."""
    if kind == "p384":  # a search found these private keys, whose public keys have the same key tag
        return Algorithm(14, tuple(_point(number, ec.SECP384R1(), 14) for number in (616, 2709, 4821, 9337)), 96)
    if kind == "p256":
        return Algorithm(13, tuple(_point(number, ec.SECP256R1(), 13) for number in (3627, 4402, 5348, 6279)), 64)
    octets, exponent = (512, b"\1\0\1") if kind == "rsa4096" else (2048, b"\x7f" + b"\xff" * 7)
    return Algorithm(8, tuple(_modulus(number, octets, exponent) for number in range(4)), octets)


def rrsig(covered: int, number: int) -> bytes:
    return algorithm_of("p256").signature(covered, number)


def key(number: int) -> bytes:
    """Return a DNSKEY: one of the four keys first, then copies with other flags, so that all records differ."""
    keys = algorithm_of("p256").keys
    return keys[number] if number < len(keys) else struct.pack("!H", number) + keys[number % len(keys)][2:]


RDATA: dict[int, Callable[[int], bytes]] = {
    A: lambda number: struct.pack("!I", 0x7F640000 | number),
    AAAA: lambda number: b"\xfd" + number.to_bytes(15),
    NS: host,
    CNAME: host,
    DNAME: host,
    PTR: host,
    MX: lambda number: b"\0\x0a" + host(number),
    TXT: lambda number: b"\x0b" + f"v=spf1{number:05d}".encode(),
    SOA: lambda number: host(number) + host(number) + struct.pack("!5I", number, 1, 1, 1, 1),
    CAA: lambda number: b"\0\x05issue" + str(number).encode(),
    DNSKEY: key,
    CDNSKEY: key,
    DS: lambda number: struct.pack("!HBB", algorithm_of("p256").tag, 13, 2) + number.to_bytes(32),
    CDS: lambda number: struct.pack("!HBB", algorithm_of("p256").tag, 13, 2) + number.to_bytes(32),
    NSEC3PARAM: lambda number: struct.pack("!BBHB", 1, 0, 65535, 2) + number.to_bytes(2),
    NSEC: lambda number: name(f"n{number}.{ZONE}") + b"\0\x01\x40",
}


@cache
def giant_answer(rtype: int, share: float = 0.7) -> tuple[bytes, int]:
    """Return records of a type and signatures over them that fill a message, and the number of records."""
    make = RDATA.get(rtype, RDATA[TXT])
    rdata_type = rtype if rtype in RDATA else TXT
    records: list[bytes] = []
    size = 0
    for number in range(8_000):
        one = record(b"\xc0\x0c", rdata_type, make(number))
        if size + len(one) > OCTETS * share:
            break
        records.append(one)
        size += len(one)
    for number in range(2_000):
        one = record(b"\xc0\x0c", RRSIG, rrsig(rdata_type, number))
        if size + len(one) > OCTETS:
            break
        records.append(one)
        size += len(one)
    return b"".join(records), len(records)


@cache
def nsec3_authority() -> tuple[bytes, int]:
    """Return NSEC3 records with the maximum number of iterations, each with another salt."""
    soa = record(name(ZONE), SOA, name(ZONE) + name(ZONE) + struct.pack("!5I", 1, 1, 1, 1, 1))
    made = [soa]
    for number in range(600):
        rdata = struct.pack("!BBHB", 1, 0, 65535, 2) + number.to_bytes(2) + b"\x14" + bytes(20) + b"\0\x01\x40"
        made.append(record(name(f"{number:032x}.{ZONE}"), NSEC3, rdata))
    return b"".join(made), len(made)


def reply(
    query: dns.message.Message, *, answer: tuple[bytes, int] = (b"", 0), authority: tuple[bytes, int] = (b"", 0)
) -> bytes:
    """Return an authoritative response with these sections."""
    flags = dns.flags.QR | dns.flags.AA
    question = query.question[0]
    asked = (question.name.to_wire() or b"") + struct.pack("!HH", question.rdtype, question.rdclass)
    header = struct.pack("!6H", query.id, flags, 1, answer[1], authority[1], 0)
    return header + asked + answer[0] + authority[0]


def large_sets(query: dns.message.Message) -> bytes | None:
    """Answer every query with an RRset of maximum message size, and signatures."""
    return reply(query, answer=giant_answer(int(query.question[0].rdtype)))


def large_sets_unsigned(query: dns.message.Message) -> bytes | None:
    return reply(query, answer=giant_answer(int(query.question[0].rdtype), 1.0))


def dnssec_only(query: dns.message.Message) -> bytes | None:
    """Answer as a small zone, with many keys of one tag, signatures, and NSEC3 records with many iterations."""
    rtype = int(query.question[0].rdtype)
    if rtype in {DNSKEY, DS, CDS, CDNSKEY, NSEC3PARAM}:
        return reply(query, answer=giant_answer(rtype, 0.5))
    if rtype in {SOA, NS, A}:
        return None
    return reply(query, authority=nsec3_authority())


@cache
def _signed(kind: str, rtype: int) -> tuple[bytes, int]:
    """Return the keys of a kind, or one record of that type, with as many signatures as fit; the last may be valid."""
    algorithm = algorithm_of(kind)
    keys = [record(b"\xc0\x0c", rtype, each) for each in algorithm.keys]
    made = keys if rtype in {DNSKEY, CDNSKEY} else [record(b"\xc0\x0c", rtype, RDATA[rtype](0))]
    size = sum(map(len, made))
    for number in range(2_000):
        one = record(b"\xc0\x0c", RRSIG, algorithm.signature(rtype, number))
        size += len(one)
        if size > OCTETS:
            break
        made.append(one)
    return b"".join(made), len(made)


def _key_trap(kind: str) -> Callable[[dns.message.Message], bytes | None]:
    def answer(query: dns.message.Message) -> bytes | None:
        """Answer with as many signatures as fit; a validator must try each one fully with four keys."""
        rtype = int(query.question[0].rdtype)
        return reply(query, answer=_signed(kind, rtype)) if rtype in RDATA else None

    return answer


def policies(query: dns.message.Message) -> bytes | None:
    """Answer TXT queries with a policy of 60 KiB whose terms refer to many names."""
    if int(query.question[0].rdtype) != TXT:
        return None
    text = "v=spf1 " + " ".join(f"include:p{number}.{ZONE} a:%{{i}}.x mx" for number in range(1_500)) + " -all"
    octets = text.encode()
    strings = b"".join(
        bytes([len(part)]) + part for part in (octets[at : at + 255] for at in range(0, len(octets), 255))
    )
    return reply(query, answer=(record(b"\xc0\x0c", TXT, strings), 1))


def mail(query: dns.message.Message) -> bytes | None:
    return reply(query, answer=giant_answer(MX, 1.0)) if int(query.question[0].rdtype) == MX else None


def mail_aliases(query: dns.message.Message) -> bytes | None:
    """Return thousands of mail servers; the address of each is at the end of a chain that fills a message."""
    question = query.question[0]
    if int(question.rdtype) == MX:
        return reply(query, answer=giant_answer(MX, 1.0))
    if question.name == dns.name.from_text(ZONE) or int(question.rdtype) not in {A, AAAA}:
        return None
    return reply(query, answer=_chain(zlib.crc32(question.name.labels[0]) % 3))


@cache
def _chain(kind: int) -> tuple[bytes, int]:
    """Return 1,001 aliases in a chain; the last leads to an address, back to the start, or to another zone."""
    links = [record(b"\xc0\x0c", CNAME, name(f"l0.{ZONE}"))]
    links += [record(name(f"l{number}.{ZONE}"), CNAME, name(f"l{number + 1}.{ZONE}")) for number in range(1_000)]
    owner = name(f"l1000.{ZONE}")
    end = (record(owner, A, RDATA[A](1)), record(owner, CNAME, name(f"l0.{ZONE}")), record(owner, CNAME, name("v.xa")))
    return b"".join([*links, end[kind]]), len(links) + 1


def pointers(query: dns.message.Message) -> bytes | None:
    """For each address, return as many names as fit into a message, half of them in other zones."""
    return reply(query, answer=_pointers()) if int(query.question[0].rdtype) == PTR else None


@cache
def _pointers() -> tuple[bytes, int]:
    made = [record(b"\xc0\x0c", PTR, name(f"p{number}.{'xa' if number % 2 else ZONE}")) for number in range(2_000)]
    return b"".join(made), len(made)


def aliases(query: dns.message.Message) -> bytes | None:
    """Answer address queries below the zone with an alias to the next name."""
    question = query.question[0]
    first = question.name.labels[0]
    if question.name == dns.name.from_text(ZONE) or int(question.rdtype) not in {A, AAAA, TXT, MX}:
        return None
    following = name(f"c{zlib.crc32(first)}.{ZONE}")
    return reply(query, answer=(record(b"\xc0\x0c", CNAME, following), 1))


@cache
def _long_names() -> tuple[bytes, int]:
    """Return NS records whose owners and targets extend one name of nearly maximum length that is hard to print."""
    start = 12 + len(name(ZONE)) + 4  # the start of the answer section if the question is for the zone
    made = [record(b"\x3f" + b"\xff" * 63 + b"\x3f" + b"\xfe" * 63 + b"\x3f" + b"\xfd" * 63 + b"\0", TXT, b"\x01x")]
    for number in range(2_500):
        owner = b"\x04" + struct.pack("!IH", number | 0x80000000, 0xC000 | start)
        made.append(record(owner, NS, owner))
    return b"".join(made), len(made)


def _unlike(query: dns.message.Message, make: Callable[[random.Random], bytes], number: int) -> bytes:
    """Answer with a signed RRset of different records at each query, so that caches do not help."""
    rtype, source = int(query.question[0].rdtype), random.Random(query.id)
    made = [record(b"\xc0\x0c", rtype, make(source)) for _ in range(number)]
    made.append(record(b"\xc0\x0c", RRSIG, rrsig(rtype, 0)))
    return reply(query, answer=(b"".join(made), len(made)))


def _rsa_key(source: random.Random) -> bytes:
    """Return a key of 4,096 bits with an equally long exponent: the check for weak keys takes milliseconds."""
    exponent, modulus = source.randbytes(500), source.randbytes(512)
    return (
        struct.pack("!HBB", 257, 3, 8) + b"\0" + struct.pack("!H", 500) + b"\x7f" + exponent[1:] + b"\xff" + modulus[1:]
    )


def _md5_key(source: random.Random) -> bytes:
    """Return a key of the algorithm whose key tag is a part of the key, so that all keys have the same tag."""
    return struct.pack("!HBB", 257, 3, 1) + source.randbytes(400) + struct.pack("!HB", RSA_TAG, 1)


def weak_keys(query: dns.message.Message) -> bytes | None:
    return _unlike(query, _rsa_key, 60) if int(query.question[0].rdtype) == DNSKEY else None


def keys_of_one_tag(query: dns.message.Message) -> bytes | None:
    """Answer with other keys each time, which all have the key tag of the DS records."""
    rtype = int(query.question[0].rdtype)
    if rtype == CDS:
        return _unlike(query, lambda source: struct.pack("!HBB", RSA_TAG, 1, 2) + source.randbytes(32), 128)
    return _unlike(query, _md5_key, 128) if rtype in {DNSKEY, CDNSKEY} else None


_ALL_TYPES = b"".join(bytes([window, 32]) + b"\xff" * 32 for window in range(256))


def type_bitmaps(query: dns.message.Message) -> bytes | None:
    """Deny with NSEC records that list all types: 9 KiB each."""
    rtype = int(query.question[0].rdtype)
    if rtype == DNSKEY:
        return _unlike(query, _md5_key, 2)
    if rtype in {SOA, NS, A}:
        return None
    made = [record(name(ZONE), SOA, name(ZONE) + name(ZONE) + struct.pack("!5I", 1, 1, 1, 1, 1))]
    for number in range(7):
        owner = name(f"n{query.id}x{number}.{ZONE}") if number else name(ZONE)
        made.append(record(owner, NSEC, name(f"m{query.id}x{number}.{ZONE}") + _ALL_TYPES))
    return reply(query, authority=(b"".join(made), len(made)))


def long_names(query: dns.message.Message) -> bytes | None:
    """Answer with names that take a dozen octets in the message and some 900 as text."""
    return reply(query, answer=_long_names()) if query.question[0].name == dns.name.from_text(ZONE) else None


KINDS: dict[str, Callable[[dns.message.Message], bytes | None]] = {
    each.__name__: each
    for each in (
        large_sets,
        large_sets_unsigned,
        dnssec_only,
        policies,
        mail,
        mail_aliases,
        pointers,
        aliases,
        long_names,
    )
} | {f"key_trap_{kind}": _key_trap(kind) for kind in ("p256", "p384", "rsa4096", "rsa16384")}
UNLIKE_KINDS = {each.__name__: each for each in (weak_keys, keys_of_one_tag, type_bitmaps)}
KEY_TRAPS = tuple(kind for kind in KINDS if kind.startswith("key_trap_"))


def giant_world(
    kind: str, *, servers: int = 8, special: Callable[[dns.message.Message], bytes | None] | None = None
) -> CountingDns:
    """Return a world whose zone `ZONE` is served at many addresses and answers as the kind, or `special`, says.

    SOA, NS and addresses of servers are correct, so that the run continues to all test cases.
    """
    own: Records = {(ZONE, "NS"): []}
    for number, address in enumerate(numbered(2 * servers)):
        ns = f"ns{number // 2}.{ZONE}"
        if f"{ns}." not in own[ZONE, "NS"]:
            own[ZONE, "NS"].append(f"{ns}.")
        own.setdefault((ns, "A"), []).append(address)
    good: Records = {(GOOD_ZONE, "NS"): [f"ns.{GOOD_ZONE}."], (f"ns.{GOOD_ZONE}", "A"): ["127.78.0.1"]}
    served = {address: [ZONE] for address in numbered(2 * servers)} | {"127.78.0.1": [GOOD_ZONE]}
    world = CountingDns({ZONE: own, GOOD_ZONE: good}, served)
    special = special or (KINDS | UNLIKE_KINDS)[kind]
    if kind in KEY_TRAPS:
        keys = algorithm_of(kind.removeprefix("key_trap_"))
        digests = [hashlib.sha256(name(ZONE) + each).hexdigest() for each in keys.keys]
        world.zones["xa"][ZONE, "DS"] = [f"{keys.tag} {keys.number} 2 {digest}" for digest in digests]

    if kind in UNLIKE_KINDS:
        octets = {1: 20, 2: 32, 4: 48}  # octets of a digest, by type
        world.zones["xa"][ZONE, "DS"] = [
            f"{RSA_TAG} 1 {digest_type} {number.to_bytes(size).hex()}"
            for number in range(42)
            for digest_type, size in octets.items()
        ]

    def answer(address: str, query: dns.message.Message) -> dns.message.Message | bytes | None:
        question = query.question[0]
        asked = question.name.to_text(omit_final_dot=True).lower()
        if address == ARPA and kind == "pointers":
            return pointers(query) or world.authoritative(address, query)
        of_zone = ZONE in world.served.get(address, ()) and (asked == ZONE or asked.endswith("." + ZONE))
        working = asked == ZONE and int(question.rdtype) in {SOA, NS} and kind not in KEY_TRAPS
        if of_zone and not working and (asked, dns.rdatatype.to_text(question.rdtype)) not in own:
            return special(query) or world.authoritative(address, query)
        return world.authoritative(address, query)

    world.answer = answer
    return world


def many_servers(names: int, addresses: int, *, each: int) -> CountingDns:
    """Return a world whose zone `ZONE` has a working server and `names` with `each` of `addresses` silent addresses.

    Its `GOOD_ZONE` has two servers that work.
    """
    silent = numbered(addresses)
    own: Records = {(ZONE, "NS"): [f"a.{ZONE}."], (f"a.{ZONE}", "A"): ["127.77.0.1"]}
    for index in range(names):
        own[ZONE, "NS"].append(f"n{index}.{ZONE}.")
        own[f"n{index}.{ZONE}", "A"] = [silent[(index * each + step) % addresses] for step in range(each)]
    good: Records = {(GOOD_ZONE, "NS"): [f"ns1.{GOOD_ZONE}.", f"ns2.{GOOD_ZONE}."]}
    good |= {(f"ns{number}.{GOOD_ZONE}", "A"): [f"127.78.0.{number}"] for number in (1, 2)}
    served = {"127.77.0.1": [ZONE], "127.78.0.1": [GOOD_ZONE], "127.78.0.2": [GOOD_ZONE]}
    return CountingDns({ZONE: own, GOOD_ZONE: good}, served)


def crowds(count: int, *, answers: str, names: int = 50, addresses: int = 100) -> tuple[CountingDns, list[str]]:
    """Return a world, and its zones: each has `names` in-domain servers that share `addresses`.

    All of them serve the zone. They answer queries other than those for its SOA and NS records with REFUSED, NODATA or
    SERVFAIL.
    """
    zones: dict[str, Records] = {}
    served: dict[str, list[str]] = {}
    for number in range(count):
        zone = f"crowd{number}.xa"
        places = numbered(addresses, net=130 + number)
        zones[zone] = {(zone, "NS"): [f"n{index}.{zone}." for index in range(names)]}
        for index in range(names):
            zones[zone][f"n{index}.{zone}", "A"] = places[index * addresses // names :][: addresses // names]
        served |= {address: [zone] for address in places}
    world = CountingDns(zones, served)
    rcode = dns.rcode.NOERROR if answers == "NODATA" else dns.rcode.from_text(answers)
    flags = dns.flags.QR | (dns.flags.AA if answers == "NODATA" else 0) | rcode

    known: dict[bytes, bytes] = {}  # large answers over UDP, too, so that the servers keep up

    def answer(address: str, wire: bytes) -> bytes | None:
        if address not in served:
            return None
        end = wire.index(b"\0", 12) + 5
        if int.from_bytes(wire[end - 4 : end - 2]) in {SOA, NS}:
            if wire[2:] not in known:
                message = world.authoritative(address, dns.message.from_wire(wire))
                known[wire[2:]] = message.to_wire()[2:] if message else b""
            return wire[:2] + known[wire[2:]]
        return wire[:2] + struct.pack("!5H", flags, 1, 0, 0, 0) + wire[12:end]

    world.quick_answer = answer
    return world, list(zones)


def wide_referrals(depth: int = 24, *, never_asked: int = 0) -> CountingDns:
    """Return a world whose zone has servers with names deep in other zones; each level has 1,000 new addresses.

    A number of the 50 servers have multicast addresses, to which no run sends anything.
    """
    own: Records = {(ZONE, "NS"): [f"a.{ZONE}."], (f"a.{ZONE}", "A"): ["127.77.0.1"]}
    zones: dict[str, Records] = {ZONE: own}
    for number in range(40):
        top = f"wide{number}.xa"
        own[ZONE, "NS"].append(".".join(["ns", *(f"d{level}" for level in range(depth)), f"{top}."]))
        zones[top] = {(top, "NS"): [f"ns.{top}."], (f"ns.{top}", "A"): ["127.120.0.1"]}
    world = CountingDns(zones, {"127.77.0.1": [ZONE]})

    def answer(address: str, query: dns.message.Message) -> dns.message.Message | bytes | None:
        level = int(address.split(".")[1]) - 120
        return _referral(query, level, never_asked) if 0 <= level < depth else world.authoritative(address, query)

    world.answer = answer
    return world


def _referral(query: dns.message.Message, level: int, never_asked: int) -> bytes:
    """Refer to the zone one label below; its 50 servers have 20 addresses each, in the network of the next level."""
    question = query.question[0]
    asked = (question.name.to_wire() or b"") + struct.pack("!HH", question.rdtype, question.rdclass)
    labels = question.name.labels[:-1]
    above = sum(len(label) + 1 for label in labels[: -(level + 3)])
    cut = struct.pack("!H", 0xC000 | 12 + above)
    pick = zlib.crc32(asked) % 60 * 1_000
    authority, glue = [], []
    for number in range(50):
        server = b"\x02%02d" % number + cut
        authority.append(record(cut, NS, server))
        places = range(pick + number * 20, pick + number * 20 + 20)
        start = bytes([224 + level % 15, level] if number < never_asked else [127, 121 + level])
        glue += [record(server, A, start + bytes([place // 250, place % 250 + 1])) for place in places]
    header = struct.pack("!6H", query.id, dns.flags.QR, 1, 0, len(authority), len(glue))
    return header + asked + b"".join(authority + glue)
