"""Signed worlds for the DNSSEC cases, and faults in the signed data of one server."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any, Final

import dns.dnssec
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.rdataclass import IN
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from tests.support.case_runs import A1, A2, NS1, NS2
from tests.support.dnsworld import Fault, Signing, World, faults
from tests.support.dnsworld.faults import _records
from tests.support.dnsworld.signing import keys_of

ZONE: Final = "example.xa"
P1, P2 = "127.8.1.1", "127.8.2.1"
PARENT1: Final = {"ns": "ns1.nic.xa", "address": P1}
PARENT2: Final = {"ns": "ns2.nic.xa", "address": P2}
PARENTS: Final = [PARENT1, PARENT2]
ADDRESSES: Final = [A1, A2]
DAY_S: Final = 86400
LATER: Final = Signing(inception_s=DAY_S, expiration_s=14 * DAY_S)


def secure(signed: bool | Signing = True, *, xa: bool | Signing = True, **fields: Any) -> World:
    """Describe a signed root, the signed TLD xa with two servers, and example.xa with two servers."""
    world = World()
    world.zone(".", signed=True)
    world.zone("xa", ns={"ns1.nic.xa": P1, "ns2.nic.xa": P2}, signed=xa)
    world.zone(ZONE, **{"ns": {NS1: A1, NS2: A2}, **fields}, signed=signed)
    return world


def with_fault(world: World, fault: Fault, *addresses: str, **conditions: Any) -> World:
    """Add a fault to servers, by default to both servers of the zone."""
    for address in addresses or (A1, A2):
        world.server(address).fault(fault, **conditions)
    return world


def edit(change: Callable[[dns.message.Message], None]) -> Fault:
    """Edit the response in place."""

    def changed(message: dns.message.Message) -> dns.message.Message:
        change(message)
        return message

    return faults.on_message(changed)


def _is(rrset: dns.rrset.RRset, kind: str) -> bool:
    """Return whether an RRset has a type ("SOA") or signs one ("RRSIG/SOA")."""
    rtype, _, covered = kind.partition("/")
    if dns.rdatatype.to_text(rrset.rdtype) != rtype:
        return False
    return not covered or dns.rdatatype.to_text(rrset[0].type_covered) == covered


def without(*kinds: str) -> Fault:
    """Remove the RRsets of these kinds."""

    def change(message: dns.message.Message) -> None:
        for section in message.sections[1:]:
            section[:] = [rrset for rrset in section if not any(_is(rrset, kind) for kind in kinds)]

    return edit(change)


def signatures(kind: str, **fields: Any) -> Fault:
    """Replace fields of the signatures of a kind ("RRSIG/SOA")."""

    def change(message: dns.message.Message) -> None:
        for section in message.sections[1:]:
            for number, rrset in enumerate(section):
                if _is(rrset, kind):
                    changed = [rdata.replace(**fields) for rdata in rrset]
                    section[number] = dns.rrset.from_rdata_list(rrset.name, rrset.ttl, changed)

    return edit(change)


def added(text: str, *, section: int = 1) -> Fault:
    """Add records in zone file format, by default to the answer section; 2 is the authority section."""
    return edit(lambda message: message.sections[section].extend(_records(text)))


def renamed(kind: str, owner: str) -> Fault:
    """Change the owner of the RRsets of a kind."""

    def change(message: dns.message.Message) -> None:
        for section in message.sections[1:]:
            for rrset in section:
                if _is(rrset, kind):
                    rrset.name = dns.name.from_text(owner)

    return edit(change)


def retyped(kind: str, *, add: str = "", remove: str = "") -> Fault:
    """Change the type bitmaps of NSEC or NSEC3 RRsets; their signatures no longer verify."""

    def change(message: dns.message.Message) -> None:
        for section in message.sections[1:]:
            for number, rrset in enumerate(section):
                if _is(rrset, kind):
                    words = [word for word in rrset[0].to_text().split() if word != remove]
                    text = " ".join([*words, *([add] if add else [])])
                    section[number] = dns.rrset.from_text(rrset.name, rrset.ttl, "IN", kind, text)

    return edit(change)


def tags(signing: Signing | None = None, *, zone: str = ZONE) -> list[int]:
    """Return the tags of a zone's keys, by default of its key signing and its zone signing key."""
    return [dns.dnssec.key_id(key.dnskey) for key in keys_of(dns.name.from_text(zone), signing or Signing())]


def ds_text(tag: int, algorithm: int, digest_type: int, digest: str) -> str:
    """Return a DS or CDS record in the generic format, which allows any numbers (RFC 3597)."""
    octets = tag.to_bytes(2) + bytes((algorithm, digest_type)) + bytes.fromhex(digest)
    return rf"\# {len(octets)} {octets.hex()}"


def key_of(rdata: bytes) -> DNSKEY:
    made = dns.rdata.from_wire(IN, dns.rdatatype.DNSKEY, rdata, 0, len(rdata))
    assert isinstance(made, DNSKEY)
    return made


def tag_of(rdata: bytes) -> int:
    return dns.dnssec.key_id(key_of(rdata))


def ds_of(rdata: bytes) -> str:
    return dns.dnssec.make_ds(
        dns.name.from_text(ZONE), key_of(rdata), "SHA256", policy=dns.dnssec.allow_all_policy
    ).to_text()


def only_key(*keys: bytes) -> Fault:
    """Answer DNSKEY queries with other keys; sign everything in the name of the first key with random signatures."""

    def change(message: dns.message.Message) -> None:
        question = message.question[0]
        owner, covered = question.name, dns.rdatatype.to_text(question.rdtype)
        if covered == "DNSKEY":
            message.answer = [dns.rrset.from_rdata_list(owner, 60, [key_of(key) for key in keys])]
        else:
            message.answer = [rrset for rrset in message.answer if not _is(rrset, "RRSIG")]
        now = int(time.time())
        noise = base64.b64encode(bytes(range(1, 65))).decode()
        times = f"{now + DAY_S} {now - DAY_S}"
        text = f"{covered} 8 {len(owner) - 1} 60 {times} {tag_of(keys[0])} {ZONE}. {noise}"
        message.answer.append(dns.rrset.from_text(owner, 60, "IN", "RRSIG", text))

    return edit(change)
