"""Worlds with random faults: the same seed gives the same faults."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final

from . import faults
from .extras import ASN_SOURCES, add_origin_zone
from .faults import Fault
from .server import Server
from .spec import Nsec3, Signing, delegation
from .world import ROOT_SERVERS, World

DOMAIN: Final = "broken.xa"
TYPES: Final = ("SOA", "NS", "A", "AAAA", "MX", "DS", "DNSKEY", "TXT", "CDS", "CDNSKEY", "NSEC3PARAM", "AXFR", "CNAME")
MAX_DELAY_S: Final = 0.3

RECORDS: Final = (
    "@ MX 10 mail\nmail A 192.0.2.1",
    "@ MX 0 .",
    "@ MX 10 alias\nalias CNAME mail.example.net.",
    '@ TXT "v=spf1 -all"\n@ TXT "v=spf1 +all"',
    '@ TXT "v=spf1 include:broken.xa include:a.broken.xa"\na TXT "v=spf1 redirect=b.broken.xa"\nb CNAME a',
    '@ TXT "v=spf1 ' + "a:x.broken.xa " * 15 + '" " ?all"',
    '@ TXT "\\000\\255" ""\n_dmarc TXT "v=DMARC1" "\\200"',
    "@ MX 0 mail\n" + "\n".join(f"@ MX {i} mx{i}\nmx{i} CNAME mx{i + 1}" for i in range(12)),
    "@ CNAME other.xa.",
    "* A 192.0.2.2",
    "@ DNAME other.xa.",
    "@ CDS 0 0 0 00\n@ CDNSKEY 0 3 0 AA==",
    "@ NSEC3PARAM 1 0 5000 ab",
    '_dmarc TXT "v=DMARC1; p=none"',
    r"@ DNSKEY 257 3 8 AwEAAQ==",
)

RAW: Final = (
    ("@", "MX", r"\# 1 00"),
    ("@", "DNSKEY", r"\# 3 010003"),
    ("@", "DNSKEY", r"\# 4 01010308"),
    ("@", "RRSIG", r"\# 20 0006080200000e1000000000000000000001c00c"),
    ("@", "TXT", r"\# 2 0561"),
    ("@", "NSEC3PARAM", r"\# 5 0100000105"),
    ("@", "CDS", r"\# 2 0000"),
    ("@", "SPF", r"\# 0"),
)
DS: Final[tuple[bool | tuple[str, ...], ...]] = (
    True,
    True,
    False,
    (r"\# 5 0001080200",),
    ("4711 13 2 " + "ab" * 32,),
    (r"\# 3 010203",),
)

FAULTS: Final[tuple[Callable[[Random], Fault], ...]] = (
    lambda _: faults.silence(),
    lambda random: faults.delay(random.uniform(0, MAX_DELAY_S)),
    lambda random: faults.rcode(random.choice(["REFUSED", "SERVFAIL", "FORMERR", "NOTIMP", "NXDOMAIN", "YXDOMAIN"])),
    lambda _: faults.no_aa(),
    lambda _: faults.recursive(),
    lambda _: faults.without_edns(),
    lambda random: faults.edns(version=random.randrange(3), ednsflags=random.randrange(65536)),
    lambda _: faults.truncated(),
    lambda _: faults.empty_answer(),
    lambda _: faults.echo(),
    lambda _: faults.wrong_id(),
    lambda _: faults.no_question(),
    lambda _: faults.upper_case(),
    lambda _: faults.pointer_loop(),
    lambda random: faults.cut(random.randrange(60)),
    lambda random: faults.random_octets(random.randrange(12, 400), seed=random.randrange(1000)),
    lambda random: faults.flipped_octets(random.randrange(1, 6), seed=random.randrange(1000)),
    lambda _: faults.refer_upward(),
    lambda _: faults.refer(f"{DOMAIN}.", {f"ns1.{DOMAIN}.": "127.21.0.1"}),
    lambda _: faults.alias(f"www.{DOMAIN}."),
    lambda _: faults.endless_alias(DOMAIN),
    lambda _: faults.hang_up(),
    lambda random: faults.drip(random.choice([0.0001, 0.01])),
    lambda random: faults.from_address(random.choice(["127.21.0.1", "127.99.99.99"])),
    lambda _: faults.other_question("www.example.net", "MX"),
    lambda random: faults.after(faults.rcode("NXDOMAIN"), faults.random_octets(80, seed=random.randrange(1000))),
    lambda random: faults.tcp_length(random.randrange(65536)),
    lambda random: faults.answers(answer=random.choice(["", "other.example. A 192.0.2.1", f"{DOMAIN}. NS ."])),
)


def broken_world(seed: int) -> World:
    """Describe a world in which `DOMAIN` and its servers, sometimes also those of its parent, are broken."""
    random = Random(seed)
    world = World()
    world.zone(".", ns=ROOT_SERVERS, signed=True)
    world.zone("xa", ns={"ns1.nic.xa": "127.20.0.1"}, signed=Signing(nsec3=Nsec3(opt_out=random.random() < 0.5)))
    for source in ASN_SOURCES:
        add_origin_zone(world, source, {"127.0.0.0/8": 64500})
    servers = {f"ns{i}.{DOMAIN}": f"127.{20 + i}.0.{i}" for i in range(1, random.randrange(2, 5))}
    zone = world.zone(DOMAIN, ns=servers, **_fields(random))
    sound = random.choice(list(servers.values())) if random.random() < 0.6 else None
    for address in servers.values():
        if random.random() < 0.3:
            zone.on(address, **{key: value for key, value in _fields(random).items() if key != "delegation"})
        if address != sound:
            _break(world.server(address), random)
    if random.random() < 0.2:
        _break(world.server("127.20.0.1"), random, below=DOMAIN)
    return world


def _fields(random: Random) -> dict[str, Any]:
    records = random.sample(RECORDS, random.randrange(5))
    return {
        "records": "\n".join(records),
        "raw": random.sample(RAW, random.randrange(3)) if random.random() < 0.4 else (),
        "signed": _signing(random) if random.random() < 0.7 else None,
        "serial": random.randrange(2**32),
        "axfr": random.random() < 0.3,
        "delegation": delegation(
            glue=random.random() < 0.95,
            ds=random.choice(DS),
        ),
    }


def _signing(random: Random) -> Signing:
    return Signing(
        algorithm=random.choice([8, 10, 13, 14, 15, 16]),
        nsec3=random.choice([None, Nsec3(), Nsec3(iterations=150, salt="abcd"), Nsec3(opt_out=True)]),
        expiration_s=random.choice([-100, 100, 14 * 86400, 3 * 365 * 86400]),
        combined_key=random.random() < 0.3,
        rsa_bits=1024,
        unsigned_types=tuple(random.sample(["SOA", "NS", "DNSKEY", "NSEC", "NSEC3", "CDS"], random.randrange(3))),
        bogus_types=tuple(random.sample(["SOA", "A", "DNSKEY", "MX"], random.randrange(3))),
        publish_cds=random.random() < 0.5,
        shown_algorithm=random.choice([None, None, None, 1, 12, 17, 253]),
    )


def _break(server: Server, random: Random, *, below: str | None = None) -> None:
    for _ in range(random.randrange(4)):
        server.fault(
            random.choice(FAULTS)(random),
            below=below,
            qtype=random.sample(TYPES, random.randrange(1, 6)) if random.random() < 0.7 else None,
            transport=random.choice([None, None, "udp", "tcp"]),
            edns=random.choice([None, None, True, False]),
            nth=range(1, 20, random.randrange(1, 4)) if random.random() < 0.3 else None,
        )
