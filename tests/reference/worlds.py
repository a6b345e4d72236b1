"""Random worlds for the fourteen cases: the same seed gives the same world."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import dns.name

from tests.reference.mutations.records import INVALID_ISSUE, VALID_ISSUE, Raw, caa, csync, zonemd
from tests.reference.mutations.servers import COOKIE, ERROR, NSID, options
from tests.reference.mutations.signals import OP1, OP2, bootstrapping, texts
from tests.reference.mutations.sizes import padded
from tests.reference.subject import Options
from tests.support.case_runs import A1, A2
from tests.support.dnssec_worlds import P1, P2, retyped, signatures, without
from tests.support.dnsworld import Fault, Nsec3, Signing, World, delegation, faults

ZONE: Final = "example.xa"
A3: Final = "127.9.3.1"
SERIAL: Final = 2026112501

POLICIES: Final = (
    "v=spf1 -all",
    "v=spf1 a mx ptr include:sub.example.xa redirect=example.xa",
    "v=spf1" + " a" * 10,
    "v=spf1" + " mx" * 11,
    "v=spf1 include:%{i}.xa exists:a.xa include:missing.xa",
    "not a policy",
)
TYPES: Final = (
    "SOA", "A", "AAAA", "MX", "TXT", "DS", "DNSKEY", "NSEC", "NSEC3PARAM", "CDS", "CDNSKEY", "CSYNC", "ZONEMD", "CAA",
)  # fmt: skip

FAULTS: Final[tuple[Callable[[Random], Fault], ...]] = (
    lambda random: faults.rcode(random.choice(("REFUSED", "SERVFAIL", "NXDOMAIN", "FORMERR"))),
    lambda _: faults.no_aa(),
    lambda _: faults.empty_answer(),
    lambda _: faults.without_edns(),
    lambda _: faults.edns(),
    lambda _: faults.alias("www.example.xa."),
    lambda _: faults.upper_case(),
    lambda _: faults.refer_upward(),
    lambda random: without(f"RRSIG/{random.choice(TYPES)}"),
    lambda random: without(random.choice(("NSEC", "NSEC3", "RRSIG"))),
    lambda random: signatures(f"RRSIG/{random.choice(TYPES)}", signature=b"\1" * 64),
    lambda random: signatures(f"RRSIG/{random.choice(TYPES)}", key_tag=random.randrange(3)),
    lambda random: signatures(
        f"RRSIG/{random.choice(TYPES)}", signer=dns.name.from_text(random.choice((".", "xa", "a.xa")))
    ),
    lambda random: retyped("NSEC", remove=random.choice(("A", "MX", "TXT", "NS", "SOA"))),
    lambda random: retyped("NSEC3", add=random.choice(("DS", "NS", "LOC"))),
    lambda random: options((NSID, random.randbytes(random.randrange(6)))),
    lambda random: options((COOKIE, random.randbytes(random.randrange(44)))),
    lambda random: options((ERROR, random.randrange(40).to_bytes(2) + random.randbytes(random.randrange(5)))),
    lambda _: faults.flags(add=0x0200),
)  # fmt: skip


@dataclass(frozen=True)
class Generated:
    """A world and the options of a run on it."""

    world: World
    options: Options


def generated(seed: int) -> Generated:
    """Return the world of a seed."""
    random = Random(seed)
    addresses: tuple[str, ...] = (OP1, OP2)
    if random.random() < 0.3:
        world = _bootstrapping(random)
    else:
        world, addresses = _delegated(random)
    for _ in range(random.randrange(4)):
        _spoil(world, random, addresses)
    arguments: dict[str, Any] = {"ipv6": random.random() < 0.8, "spf_limit": random.choice((3, 10, 10, 10))}
    if random.random() < 0.05:
        arguments |= {"supplied": {"ns1.nic.xa": [addresses[0]]}, "ds": random.random() < 0.5}
    return Generated(world, Options(**arguments))


def _spoil(world: World, random: Random, addresses: Sequence[str]) -> None:
    at = random.choice([addresses, addresses[:1], addresses[1:2], (P1, P2), (P1,)])
    above = at[0] == P1
    types = random.sample(("DS", "DNSKEY") if above else TYPES, 1)
    fault = random.choice(FAULTS)(random)
    if random.random() < 0.03:
        fault = faults.silence()
    elif types == ["DNSKEY"] and random.random() < 0.3:
        fault, types = padded(random.choice((600, 1232, 1233, 1280, 2000, 4096, 4097))), ["DNSKEY"]
        # over another name it would not be an answer
        for address in at:
            world.server(address).fault(fault, qtype=types, qname=ZONE, transport=random.choice((None, "udp")))
        return
    for address in at:
        world.server(address).fault(fault, qtype=types, transport=random.choice((None, None, None, "udp")))


def signing(random: Random) -> Any:
    """Return a random way to sign, or None."""
    if random.random() < 0.2:
        return False
    kinds = ("A", "AAAA", "SOA", "DS", "DNSKEY", "NSEC", "NSEC3", "CDS", "CDNSKEY")
    return Signing(
        algorithm=random.choice((13, 13, 13, 13, 14, 15, 16, 8)),
        nsec3=random.choice((None, None, Nsec3(), Nsec3(iterations=2, salt="ab"), Nsec3(opt_out=True))),
        inception_s=random.choice((-86400, -86400, -86400, -86400, -86400, 86400)),
        expiration_s=random.choice((14 * 86400,) * 6 + (-100,)),
        combined_key=random.random() < 0.2,
        rsa_bits=1024,
        digests=random.choice(((2,), (2,), (2,), (1, 2), (4,))),
        unsigned_types=tuple(random.sample(kinds, random.choice((0, 0, 0, 1, 2)))),
        bogus_types=tuple(random.sample(kinds, random.choice((0, 0, 0, 1)))),
        publish_cds=random.random() < 0.6,
        shown_algorithm=random.choice((None,) * 14 + (17, 253)),
    )


def raw_records(random: Random) -> tuple[Raw, ...]:
    """Return some records of the types that the cases test."""
    made: list[Raw] = [
        csync(SERIAL + random.randrange(-1, 2), random.randrange(4)) for _ in range(random.choice((0, 1, 1, 2)))
    ]
    made += [
        zonemd(SERIAL - random.randrange(2), random.randrange(1, 3), random.randrange(1, 4))
        for _ in range(random.choice((0, 1, 1, 2)))
    ]
    for _ in range(random.choice((0, 1, 2, 3))):
        prop = random.choice(("issue", "issue", "issuewild", "issuemail", "iodef", "tbs", "contactemail", "is_sue"))
        value = random.choice((";", "ca.net", *VALID_ISSUE, *INVALID_ISSUE, "mailto:a@example.net", "http://a"))
        made.append(caa(prop, value, random.choice((0, 0, 0, 128, 1))))
    return tuple(made)


def _records(random: Random) -> str:
    lines = ["www A 192.0.2.1", 'sub TXT "v=spf1 a"']
    lines += [f'@ TXT "{random.choice(POLICIES)}"'] if random.random() < 0.8 else []
    some = ("@ A 192.0.2.1", "@ AAAA 2001:db8::1", "@ MX 10 www", "*.wild A 192.0.2.2")
    return "\n".join([*lines, *random.sample(some, random.randrange(4))])


def _delegated(random: Random) -> tuple[World, tuple[str, ...]]:
    world = World()
    world.zone(".", signed=True)
    above = signing(random) if random.random() < 0.3 else Signing()
    world.zone("xa", ns={"ns1.nic.xa": P1, "ns2.nic.xa": P2}, signed=above)
    servers: dict[str, Any] = {"ns1.example.xa": A1, "ns2.example.xa": A2}
    if random.random() < 0.2:
        servers["ns1.example.xa"] = (A1, "::1")
    has_cut = random.random() < 0.4
    if has_cut:
        servers["ns3.sub.example.xa"] = A3
    ds: Any = random.choice((True, True, True, True, False, ["1 13 2 " + "ab" * 32], ["1 17 2 " + "ab" * 32]))
    zone = world.zone(
        ZONE,
        ns=servers,
        signed=signing(random),
        records=_records(random),
        raw=raw_records(random),
        delegation=delegation(ds=ds),
    )
    if random.random() < 0.4:
        changes = {"raw": raw_records(random)} if random.random() < 0.7 else {"signed": signing(random)}
        zone.on(A2, **changes)
    if has_cut:
        _cut(world, random)
    return world, (A1, A2, A3) if has_cut else (A1, A2)


def _cut(world: World, random: Random) -> None:
    below = world.zone("sub.example.xa", ns={"ns3.sub.example.xa": A3}, signed=signing(random))
    if random.random() < 0.4:
        below.on(A1)
    if random.random() < 0.5:
        world.zone_of(ZONE).not_on(A3)


def _bootstrapping(random: Random) -> World:
    own = signing(random)
    shown = own if isinstance(own, Signing) else Signing()
    other = texts(signing=Signing(key_seed="other"))
    signals = [
        texts(signing=shown) if random.random() < 0.7 else random.choice(([], other, texts("CDS"))) for _ in "12"
    ]
    return bootstrapping(
        first=signals[0],
        second=signals[1],
        signing=own,
        operator=signing(random) if random.random() < 0.4 else True,
        xb=signing(random) if random.random() < 0.2 else True,
        signal_zones=random.random() < 0.4,
        signal_signing=signing(random) if random.random() < 0.5 else True,
        hosts=random.choice((("ns1.op.xb", "ns2.op.xb"),) * 4 + (("ns1.op.xb", "ns1.example.xa"), ("ns1.example.xa",))),
        records=_records(random),
    )
