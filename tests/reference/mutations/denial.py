"""Mutations for dnssec20 and dnssec23: type bitmaps that lack types, and denials that contradict themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import dns.message
import dns.name
import dns.rcode
import dns.rrset

from tests.reference.mutations.mutation import Mutation, names, numbered
from tests.support.case_runs import A1, A2, example_world
from tests.support.dnssec_worlds import edit, renamed, retyped, secure, signatures, with_fault, without
from tests.support.dnsworld import Fault, Nsec3, Signing, World, faults

RECORDS = '@ A 192.0.2.1\n@ AAAA 2001:db8::1\n@ MX 10 mail\n@ TXT "text"\nmail A 192.0.2.2'
HASHED = Signing(nsec3=Nsec3())
SALTED = Signing(nsec3=Nsec3(iterations=3, salt="abcd"))
PROBED = ("A", "AAAA", "MX", "TXT")


def spoilt(signing: Any, fault: Fault | None = None, *addresses: str, **conditions: Any) -> World:
    world = secure(signing, records=RECORDS)
    return with_fault(world, fault, *addresses, **conditions) if fault is not None else world


def _bitmaps() -> Iterator[tuple[str, Mutation]]:
    kinds: dict[str, Any] = {"NSEC": True, "NSEC3": HASHED}
    ok = names("DS20_", "BITMAP_OK")
    for kind, signing in kinds.items():
        tag = names("DS20_", f"{kind}_BITMAP_MISMATCHES_RRTYPE")
        yield f"bitmap-{kind}", Mutation("dnssec20", partial(spoilt, signing), ok, tag)
        for each in PROBED:
            fault = retyped(kind, remove=each)
            yield f"bitmap-{kind}-{each}", Mutation("dnssec20", partial(spoilt, signing, fault), tag)
            yield f"bitmap-{kind}-{each}-one", Mutation("dnssec20", partial(spoilt, signing, fault, A1), tag + ok)
            more = retyped(kind, add="LOC")
            yield f"bitmap-{kind}-{each}-more", Mutation("dnssec20", partial(spoilt, signing, more), ok, tag)
        gone = without(kind, f"RRSIG/{kind}")
        yield f"bitmap-{kind}-none", Mutation("dnssec20", partial(spoilt, signing, gone), names("DS20_", "NO_BITMAP"))
        bare = without(f"RRSIG/{kind}")
        yield f"bitmap-{kind}-unsigned", Mutation("dnssec20", partial(spoilt, signing, bare), ok)
        parent = signatures(f"RRSIG/{kind}", signer=dns.name.from_text("xa"))
        above = partial(spoilt, signing, parent)
        yield f"bitmap-{kind}-of-parent", Mutation("dnssec20", above, names("DS20_", "NO_BITMAP"))
        away = renamed(kind, "other.example.xa")
        yield f"bitmap-{kind}-elsewhere", Mutation("dnssec20", partial(spoilt, signing, away), ())
        for name, fault in _spoilers():
            for asked in ("NSEC", "NSEC3PARAM", "DNSKEY", "MX"):
                build = partial(spoilt, signing, fault, qtype=asked)
                yield f"bitmap-{kind}-{asked}-{name}", Mutation("dnssec20", build, ())
    yield "bitmap-salted", Mutation("dnssec20", partial(spoilt, SALTED), ok)
    yield "bitmap-unsigned", Mutation("dnssec20", example_world, names("DS20_", "NO_DNSSEC"))
    half = partial(spoilt, True, faults.empty_answer(), A1, qtype="DNSKEY")
    yield "bitmap-half", Mutation("dnssec20", half, ok, names("DS20_", "NO_DNSSEC"))
    owner = "example.xa. 60 IN NSEC a.example.xa. NS SOA"
    in_authority = faults.answers(answer="", authority=owner)
    build = partial(spoilt, True, in_authority, qtype=["NSEC", "NSEC3PARAM"])
    yield "bitmap-in-authority", Mutation("dnssec20", build, names("DS20_", "NSEC_BITMAP_MISMATCHES_RRTYPE"))
    build = partial(spoilt, True, in_authority, qtype="NSEC")
    yield "bitmap-in-authority-of-nsec", Mutation("dnssec20", build, ())
    build = partial(spoilt, True, faults.answers(answer="other.xa. 60 IN MX 1 a."), qtype="MX")
    yield "bitmap-foreign-records", Mutation("dnssec20", build, ok)


def _spoilers() -> Iterator[tuple[str, Fault]]:
    yield "refused", faults.rcode("REFUSED")
    yield "not-aa", faults.no_aa()
    yield "nxdomain", faults.rcode("NXDOMAIN")
    yield "empty", faults.empty_answer()
    yield "silent", faults.silence()


def proof(*lines: str, code: str = "NXDOMAIN") -> Fault:
    """Answer with NSEC or NSEC3 records in zone file format, names below the zone."""

    def change(message: dns.message.Message) -> None:
        message.answer, message.authority = [], []
        for line in lines:
            owner, kind, text = line.split(" ", 2)
            message.authority.append(dns.rrset.from_text(owner, 60, "IN", kind, text))
        message.set_rcode(dns.rcode.from_text(code))

    return edit(change)


ZONE = "example.xa."


def hashes(*pairs: str, salt: str = "-", iterations: int = 0, flags: int = 0) -> list[str]:
    """Return NSEC3 lines for pairs "OWNER-NEXT" of letters, each of which represents a hash of that letter."""
    return [f"{pair[0] * 32}.{ZONE} NSEC3 1 {flags} {iterations} {salt} {pair[2] * 32} A RRSIG" for pair in pairs]


def plain(*pairs: str) -> list[str]:
    return [
        f"{'' if pair[0] == '@' else pair[0] + '.'}{ZONE} NSEC {'' if pair[2] == '@' else pair[2] + '.'}{ZONE} A RRSIG"
        for pair in pairs
    ]


def on_probe(signing: Any, fault: Fault, *addresses: str) -> World:
    world = spoilt(signing)
    for address in addresses or (A1, A2):
        world.server(address).fault(fault, qtype="A", when=_is_probe)
    return world


def _is_probe(exchange: faults.Exchange) -> bool:
    question = exchange.question
    return question is not None and question[0].labels[0].startswith(b"xn--")


def _denials() -> Iterator[tuple[str, Mutation]]:
    well = names("DS23_", "DENIAL_PROOF_CONSISTENT")
    for name, signing in (
        ("nsec", True),
        ("nsec3", HASHED),
        ("salted", SALTED),
        ("opt-out", Signing(nsec3=Nsec3(opt_out=True))),
    ):
        yield f"denial-{name}", Mutation("dnssec23", partial(spoilt, signing), well)
    yield "denial-unsigned", Mutation("dnssec23", example_world, ())

    def one(signing: Any, *lines: str, reaches: str = "", absent: str = "", code: str = "NXDOMAIN") -> Mutation:
        build = partial(on_probe, signing, proof(*lines, code=code))
        return Mutation("dnssec23", build, names("DS23_", reaches), names("DS23_", absent))

    overlap, twice = "NSEC3_RANGES_OVERLAP", "NSEC3_DUPLICATE_NEXT"
    good = "DENIAL_PROOF_CONSISTENT"
    yield "denial-none", one(HASHED, reaches="NO_DENIAL_PROOF")
    yield "denial-none-noerror", one(HASHED, reaches="NO_DENIAL_PROOF", code="NOERROR")
    for name, pairs in {
        "apart": ("0-2", "3-5"),
        "beside": ("0-2", "2-4"),
        "single": ("0-0",),
        "single-round": ("v-0",),
        "round": ("8-2", "3-5"),
        "round-beside": ("8-2", "2-8"),
        "same-twice": ("0-2", "0-2"),
    }.items():
        yield f"denial-hash-{name}", one(HASHED, *hashes(*pairs), reaches=good, absent=f"{overlap} {twice}")
    for name, pairs in {
        "inside": ("0-5", "2-4"),
        "across": ("0-4", "2-6"),
        "round": ("8-4", "2-3"),
        "round-above": ("8-4", "a-b"),
        "whole": ("4-4", "5-6"),
        "same-owner": ("0-4", "0-5", "2-3"),
        "three": ("0-9", "2-3", "4-5"),
        "both-whole": ("1-1", "2-2"),
        "each": ("1-8", "7-2"),
    }.items():
        yield f"denial-hash-over-{name}", one(HASHED, *hashes(*pairs), reaches=overlap, absent=good)
    for name, pairs in {
        "near": ("0-5", "3-5"),
        "round": ("8-2", "1-2"),
        "three": ("0-5", "1-5", "2-5"),
        "whole": ("5-5", "3-5"),
    }.items():
        yield f"denial-hash-next-{name}", one(HASHED, *hashes(*pairs), reaches=twice, absent=good)
    yield "denial-same-owner", one(HASHED, *hashes("0-4", "0-5"))
    mixed = [*hashes("0-2"), *hashes("1-4", salt="ab")]
    yield "denial-mixed", one(HASHED, *mixed, reaches="NSEC3_MIXED_PARAMETERS", absent=overlap)
    yield (
        "denial-mixed-iterations",
        one(HASHED, *hashes("0-2"), *hashes("3-4", iterations=1), reaches="NSEC3_MIXED_PARAMETERS"),
    )
    yield "denial-mixed-flags", one(HASHED, *hashes("0-2"), *hashes("3-4", flags=1), reaches=good)
    yield "denial-other-salt", one(HASHED, *hashes("0-2", salt="ab"), reaches="NSEC3_CHAIN_NOT_PUBLISHED")
    yield "denial-other-iterations", one(HASHED, *hashes("0-2", iterations=1), reaches="NSEC3_CHAIN_NOT_PUBLISHED")
    yield from _plain_denials(one)
    yield from _published()


def _plain_denials(one: Any) -> Iterator[tuple[str, Mutation]]:
    good, overlap = "DENIAL_PROOF_CONSISTENT", "NSEC_RANGES_OVERLAP"
    for name, pairs in {
        "apart": ("a-c", "d-f"),
        "beside": ("a-c", "c-f"),
        "round": ("x-@", "@-c"),
        "single": ("@-@",),
    }.items():
        yield f"denial-name-{name}", one(True, *plain(*pairs), reaches=good, absent=overlap)
    for name, pairs in {
        "inside": ("a-f", "c-d"),
        "across": ("a-d", "c-f"),
        "round": ("x-c", "b-d"),
        "whole": ("@-@", "a-b"),
        "next": ("a-f", "c-f"),
    }.items():
        yield f"denial-name-over-{name}", one(True, *plain(*pairs), reaches=overlap, absent=good)
    upper = [f"A.{ZONE} NSEC F.{ZONE} A", f"C.{ZONE} NSEC d.{ZONE} A"]
    yield "denial-name-upper", one(True, *upper, reaches=overlap)
    deep = [f"a.{ZONE} NSEC d.{ZONE} A", f"x.a.{ZONE} NSEC y.a.{ZONE} A"]
    yield "denial-name-deep", one(True, *deep, reaches=overlap)
    outside = ["a.other.xa. NSEC f.other.xa. A", "c.other.xa. NSEC d.other.xa. A"]
    yield "denial-name-outside", one(True, *outside, reaches="NO_DENIAL_PROOF")
    yield "denial-hash-outside", one(HASHED, f"{'1' * 32}.xa. NSEC3 1 0 0 - {'2' * 32} A", reaches="NO_DENIAL_PROOF")
    deeper = f"{'1' * 32}.a.{ZONE} NSEC3 1 0 0 - {'2' * 32} A"
    yield "denial-hash-deeper", one(HASHED, deeper, reaches="NO_DENIAL_PROOF")
    yield "denial-both-kinds", one(HASHED, *hashes("0-2"), *plain("a-f", "c-d"), reaches=overlap)
    yield "denial-noerror", one(True, *plain("a-c"), reaches=good, code="NOERROR")
    yield "denial-minimal", one(True, rf"\001.{ZONE} NSEC \002.{ZONE} A", reaches=good)


def _published() -> Iterator[tuple[str, Mutation]]:
    good, several = names("DS23_", "DENIAL_PROOF_CONSISTENT"), names("DS23_", "MULTIPLE_NSEC3PARAM")
    unlisted = names("DS23_", "NSEC3_CHAIN_NOT_PUBLISHED")
    own, other = f"{ZONE} 60 IN NSEC3PARAM 1 0 0 -", f"{ZONE} 60 IN NSEC3PARAM 1 0 1 ab"

    def build(*lines: str) -> World:
        return spoilt(HASHED, faults.answers(answer="\n".join(lines)), qtype="NSEC3PARAM")

    yield "denial-two-published", Mutation("dnssec23", partial(build, own, other), good + several)
    yield "denial-other-published", Mutation("dnssec23", partial(build, other), unlisted, good)
    third = f"{ZONE} 60 IN NSEC3PARAM 1 0 2 ab"
    yield "denial-others-published", Mutation("dnssec23", partial(build, other, third), unlisted + several, good)
    yield "denial-none-published", Mutation("dnssec23", build, unlisted, good)
    for name, fault in _spoilers():
        for asked in ("NSEC3PARAM", "DNSKEY", "A"):
            mutation = Mutation("dnssec23", partial(spoilt, HASHED, fault, qtype=asked), ())
            yield f"denial-{asked}-{name}", mutation
            mutation = Mutation("dnssec23", partial(spoilt, HASHED, fault, A1, qtype=asked), ())
            yield f"denial-{asked}-{name}-one", mutation
    always_tc = partial(on_probe, HASHED, faults.flags(add=0x0200))
    yield "denial-tc", Mutation("dnssec23", always_tc, (), good)
    one_side = partial(on_probe, HASHED, proof(*hashes("0-5", "2-4")), A1)
    yield "denial-one-side", Mutation("dnssec23", one_side, names("DS23_", "NSEC3_RANGES_OVERLAP"), good)


MUTATIONS = numbered((*_bitmaps(), *_denials()))
