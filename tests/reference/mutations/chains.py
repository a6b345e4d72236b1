"""Mutations for dnssec22: the addresses of in-domain name servers, in the zone and below its cuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import dns.dnssectypes
import dns.name

from tests.reference.mutations.mutation import Mutation, names, numbered
from tests.support.case_runs import A1, A2, NS1, NS2
from tests.support.dnssec_worlds import LATER, P1, P2, retyped, secure, signatures, with_fault, without
from tests.support.dnsworld import Fault, KeySpec, Nsec3, Signing, World, delegation, faults

CASE = "dnssec22"
SUB, DEEP = "sub.example.xa", "deep.sub.example.xa"
A3, A4, A5 = "127.9.3.1", "127.9.4.1", "127.9.5.1"
NS3, NS4 = f"ns3.{SUB}", f"ns4.{SUB}"
OF_A = "RRSIG/A"
HASHED, OPT_OUT = Signing(nsec3=Nsec3()), Signing(nsec3=Nsec3(opt_out=True))
ALL = names(
    "DS22_NS_ADDRESS_",
    "CHAIN_BROKEN ORPHAN_ZONE RRSIG_EXPIRED RRSIG_NOT_VALID_BY_DNSKEY UNSIGNED INSECURE REFERRED VALIDATES",
)


def found(*words: str) -> tuple[str, ...]:
    return names("DS22_NS_ADDRESS_", " ".join(words))


def spoilt(fault: Fault, *addresses: str, signing: Any = True, **conditions: Any) -> World:
    return with_fault(secure(signing), fault, *addresses, **{"qtype": "A", **conditions})


def on_servers_and_name(name: str, fault: Fault, *words: str, **more: Any) -> Iterator[tuple[str, Mutation]]:
    """Create a mutation on both servers, one on the first server, and one of a single name."""
    yield name, Mutation(CASE, partial(spoilt, fault, **more), found(*words))
    yield f"{name}-one", Mutation(CASE, partial(spoilt, fault, A1, **more), found(*words))
    yield f"{name}-name", Mutation(CASE, partial(spoilt, fault, qname=NS1, **more), found(*words))


def _signatures() -> Iterator[tuple[str, Mutation]]:
    yield "valid", Mutation(CASE, secure, found("VALIDATES"))
    for name, kind in (("hashed", HASHED), ("opt-out", OPT_OUT), ("one-key", Signing(combined_key=True))):
        yield f"valid-{name}", Mutation(CASE, partial(secure, kind), found("VALIDATES"))
    for algorithm in (8, 10, 14, 15, 16):
        yield f"valid-{algorithm}", Mutation(CASE, partial(secure, Signing(algorithm=algorithm)), found("VALIDATES"))
    yield "expired", Mutation(CASE, partial(secure, Signing.expired()), found("RRSIG_EXPIRED"))
    yield "future", Mutation(CASE, partial(secure, LATER), found("RRSIG_NOT_VALID_BY_DNSKEY"))
    yield "bogus", Mutation(CASE, partial(secure, Signing(bogus_types=("A",))), found("RRSIG_NOT_VALID_BY_DNSKEY"))
    yield from on_servers_and_name("unsigned", without(OF_A), "UNSIGNED")
    yield from on_servers_and_name("changed", signatures(OF_A, signature=b"\1" * 64), "RRSIG_NOT_VALID_BY_DNSKEY")
    yield from on_servers_and_name("unlisted", signatures(OF_A, key_tag=1), "RRSIG_NOT_VALID_BY_DNSKEY")
    yield from on_servers_and_name("past", signatures(OF_A, inception=10, expiration=1_000_000_000), "RRSIG_EXPIRED")
    for signer in (".", "xa.", "xb.", "ns1.example.xa.", "other.example.xa.", "a.ns1.example.xa."):
        fault = signatures(OF_A, signer=dns.name.from_text(signer))
        word = "ORPHAN_ZONE" if signer == "ns1.example.xa." else "RRSIG_NOT_VALID_BY_DNSKEY"
        for signing, suffix in ((True, ""), (HASHED, "-hashed"), (OPT_OUT, "-opt-out")):
            yield from on_servers_and_name(f"signer-{signer}{suffix}", fault, word, signing=signing)
    for algorithm in (1, 3, 12, 17, 200, 253):
        fault = signatures(OF_A, algorithm=dns.dnssectypes.Algorithm.make(algorithm))
        yield from on_servers_and_name(f"unknown-{algorithm}", fault)
    two = Signing(keys=(KeySpec("ksk"), KeySpec("one", 256), KeySpec("two", 256)))
    yield "two-keys", Mutation(CASE, partial(secure, two), found("VALIDATES"))
    for name, flags in (("not-of-zone", 0), ("revoked", 256 + 128)):
        odd = Signing(keys=(KeySpec("ksk"), KeySpec("one", flags)))
        yield f"key-{name}", Mutation(CASE, partial(secure, odd), found("RRSIG_NOT_VALID_BY_DNSKEY"))
    yield "shown-17", Mutation(CASE, partial(secure, Signing(shown_algorithm=17)), ())
    yield (
        "unpublished",
        Mutation(
            CASE,
            partial(secure, Signing(keys=(KeySpec("ksk"), KeySpec("one", 256, published=False)))),
            found("RRSIG_NOT_VALID_BY_DNSKEY"),
        ),
    )


def _answers() -> Iterator[tuple[str, Mutation]]:
    for code in ("REFUSED", "SERVFAIL", "NXDOMAIN"):
        yield from on_servers_and_name(f"a-{code}", faults.rcode(code))
    yield from on_servers_and_name("a-silent", faults.silence())
    yield from on_servers_and_name("a-not-aa", faults.no_aa())
    yield from on_servers_and_name("a-alias", faults.alias("www.example.xa."))
    yield from on_servers_and_name("a-empty", faults.empty_answer())
    yield from on_servers_and_name("a-upward", faults.refer_upward())
    yield from on_servers_and_name("a-to-itself", faults.refer("example.xa.", {"ns1.example.xa.": A1}))
    yield from on_servers_and_name("a-to-name", faults.refer("ns1.example.xa.", {"ns1.example.xa.": A1}))
    yield from on_servers_and_name("a-nodata-unsigned", faults.answers(answer="", authority=""), "UNSIGNED")
    for kind in ("A", "AAAA", "DNSKEY", "DS"):
        for code in ("REFUSED", "silent"):
            fault = faults.silence() if code == "silent" else faults.rcode(code)
            yield f"v6-{kind}-{code}", Mutation(CASE, partial(v6_only, fault, kind), ())
    yield "v6", Mutation(CASE, v6_only, found("VALIDATES"))
    yield "v6-unsigned", Mutation(CASE, partial(v6_only, without("RRSIG/AAAA"), "AAAA"), found("UNSIGNED"))
    for signing, name in ((True, "nsec"), (HASHED, "nsec3"), (OPT_OUT, "opt-out")):
        yield f"bare-{name}", Mutation(CASE, partial(bare, signing), ())
        gone = without("RRSIG/NSEC", "RRSIG/NSEC3", "RRSIG/SOA")
        yield f"bare-{name}-unsigned", Mutation(CASE, partial(bare, signing, gone), found("UNSIGNED"))
        wrong = signatures("RRSIG/NSEC" if name == "nsec" else "RRSIG/NSEC3", signature=b"\1" * 64)
        yield f"bare-{name}-changed", Mutation(CASE, partial(bare, signing, wrong), ())
    yield "alias", Mutation(CASE, partial(with_name, "ns3 CNAME ns1"), ())
    yield "missing", Mutation(CASE, partial(with_name, ""), ())


def v6_only(fault: Fault | None = None, kind: str = "") -> World:
    world = secure(ns={NS1: A1, NS2: "::1"})
    return with_fault(world, fault, A1, "::1", qtype=kind) if fault else world


def bare(signing: Any, fault: Fault | None = None) -> World:
    """Serve a zone whose third server name has other data but no address."""
    world = secure(signing, records="ns3 TXT here", apex_ns=[NS1, NS2, "ns3.example.xa"])
    return with_fault(world, fault, A1, A2, qname="ns3.example.xa") if fault else world


def with_name(text: str) -> World:
    return secure(records=text, apex_ns=[NS1, NS2, "ns3.example.xa"])


def _gates() -> Iterator[tuple[str, Mutation]]:
    outside, not_secure = names("DS22_", "NO_IN_DOMAIN_NS"), names("DS22_", "ZONE_NOT_SECURE")
    yield "gate-root", Mutation(CASE, secure, outside, zone=".")
    yield "gate-tld", Mutation(CASE, secure, found("VALIDATES"), zone="xa")
    yield "gate-outside", Mutation(CASE, outside_names, outside)
    yield "gate-no-keys", Mutation(CASE, partial(secure, False), not_secure)
    yield "gate-no-ds", Mutation(CASE, partial(secure, delegation=delegation(ds=False)), not_secure)
    for kind, addresses in (("DNSKEY", (A1, A2)), ("DS", (P1, P2))):
        for name, fault in (
            ("refused", faults.rcode("REFUSED")),
            ("not-aa", faults.no_aa()),
            ("empty", faults.empty_answer()),
        ):
            for count in (1, 2):
                build = partial(with_fault, secure(), fault, *addresses[:count], qtype=kind)
                yield f"gate-{kind}-{name}-{count}", Mutation(CASE, build, ())
    yield "gate-other-keys", Mutation(CASE, other_keys, ())
    yield "gate-wrong-ds", Mutation(CASE, partial(secure, delegation=delegation(ds=["1 13 2 " + "ab" * 32])), ())


def outside_names() -> World:
    world = secure(ns={"ns1.other.xa": (), "ns2.other.xa": ()})
    world.zone("other.xa", ns={"ns1.other.xa": A1, "ns2.other.xa": A2})
    world.zone_of("example.xa").on(A1).on(A2)
    return world


def other_keys() -> World:
    """Let the second server sign the zone with other keys."""
    world = secure()
    world.zone_of("example.xa").on(A2, signed=Signing(key_seed="other"))
    return world


def below(
    signing: Any = True,
    *,
    parent: Any = True,
    same: bool = False,
    ds: Any = True,
    names_below: Mapping[str, str] | None = None,
    apart: bool = False,
) -> World:
    """Serve a zone with a server name below a cut: the cut on the same servers, or on others."""
    servers = names_below or {NS3: A3, NS4: A4}
    world = secure(parent, ns={NS1: A1, **servers})
    world.zone(SUB, ns=servers, signed=signing, delegation=delegation(ds=ds))
    if same:
        world.zone_of(SUB).on(A1)
    if apart:
        world.zone_of("example.xa").not_on(*servers.values())
    return world


def _cuts() -> Iterator[tuple[str, Mutation]]:
    kinds: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
        "secure": ({}, ()),
        "hashed": ({"signing": HASHED}, ()),
        "unsigned": ({"signing": False}, ("INSECURE",)),
        "signed-without-ds": ({"ds": False}, ("INSECURE",)),
        "unsigned-with-ds": ({"signing": False, "ds": ["1 13 2 " + "ab" * 32]}, ("CHAIN_BROKEN",)),
        "wrong-ds": ({"ds": ["1 13 2 " + "ab" * 32]}, ("CHAIN_BROKEN",)),
        "unknown-ds": ({"ds": ["1 17 2 " + "ab" * 32]}, ()),
        "unknown-digest": ({"ds": ["1 13 99 " + "ab" * 32]}, ()),
        "expired": ({"signing": Signing.expired()}, ()),
        "bogus": ({"signing": Signing(bogus_types=("A",))}, ("RRSIG_NOT_VALID_BY_DNSKEY",)),
        "bogus-keys": ({"signing": Signing(bogus_types=("DNSKEY",))}, ("CHAIN_BROKEN",)),
        "unsigned-keys": ({"signing": Signing(unsigned_types=("DNSKEY",))}, ("CHAIN_BROKEN",)),
        "unsigned-addresses": ({"signing": Signing(unsigned_types=("A",))}, ("UNSIGNED",)),
        "shown-17": ({"signing": Signing(shown_algorithm=17)}, ()),
        "two-digests": ({"signing": Signing(digests=(2, 4))}, ()),
        "sha-1": ({"signing": Signing(digests=(1,))}, ()),
    }
    places: dict[str, dict[str, Any]] = {"": {}, "-same": {"same": True}, "-apart": {"apart": True}}
    parents = {
        "": True,
        "-from-hashed": HASHED,
        "-from-opt-out": OPT_OUT,
        "-from-bogus-ds": Signing(bogus_types=("DS",)),
    }
    for name, (fields, words) in kinds.items():
        for place, where in places.items():
            for above, parent in parents.items():
                reached = found(*words) if above != "-from-bogus-ds" else ()
                build = partial(below, **{**fields, **where}, parent=parent)
                yield f"cut-{name}{place}{above}", Mutation(CASE, build, reached)
    yield from _spoilt_cuts()
    yield from _deep()


def _spoilt_cuts() -> Iterator[tuple[str, Mutation]]:
    spoilers = {
        "refused": faults.rcode("REFUSED"),
        "nxdomain": faults.rcode("NXDOMAIN"),
        "not-aa": faults.no_aa(),
        "silent": faults.silence(),
        "empty": faults.empty_answer(),
        "unsigned": without("RRSIG/DS", "RRSIG/DNSKEY", "RRSIG/NSEC"),
    }
    for name, fault in spoilers.items():
        for kind in ("DS", "DNSKEY", "A"):
            for place, addresses in (("above", (A1,)), ("below", (A3, A4)), ("below-one", (A3,))):
                for where in ("", "same", "apart"):
                    more = {where: True} if where else {}
                    build = partial(_spoilt_below, fault, kind, addresses, more)
                    yield f"cut-{kind}-{name}-{place}-{where or 'plain'}", Mutation(CASE, build, ())
    both_bits = partial(_spoilt_below, retyped("NSEC", add="DS"), "DS", (A1,), {"ds": False})
    yield "cut-both-bits", Mutation(CASE, both_bits, ())
    no_bits = partial(_spoilt_below, retyped("NSEC", remove="NS"), "DS", (A1,), {"ds": False})
    yield "cut-no-ns-bit", Mutation(CASE, no_bits, ())
    foreign = signatures("RRSIG/DS", signer=dns.name.from_text("xa"))
    yield (
        "cut-ds-of-grandparent",
        Mutation(CASE, partial(_spoilt_below, foreign, "DS", (A1,), {"apart": True}), found("CHAIN_BROKEN")),
    )
    itself = signatures("RRSIG/DS", signer=dns.name.from_text(SUB))
    yield (
        "cut-ds-of-itself",
        Mutation(CASE, partial(_spoilt_below, itself, "DS", (A1,), {"apart": True}), found("CHAIN_BROKEN")),
    )
    no_glue = partial(_spoilt_below, faults.answers(additional=""), "A", (A1,), {"apart": True})
    yield "cut-no-glue", Mutation(CASE, no_glue, found("REFERRED"))
    lame = partial(_lame_below)
    yield "cut-lame", Mutation(CASE, lame, found("REFERRED"))
    foreign_signer = signatures(OF_A, signer=dns.name.from_text("example.xa"))
    for where in ("same", "apart", "plain"):
        more = {} if where == "plain" else {where: True}
        build = partial(_spoilt_below, foreign_signer, "A", (A1, A3, A4), more)
        yield f"cut-signed-above-{where}", Mutation(CASE, build, ())


def _spoilt_below(fault: Fault, kind: str, addresses: tuple[str, ...], more: dict[str, Any]) -> World:
    return with_fault(below(**more), fault, *addresses, qtype=kind, below=SUB)


def _lame_below() -> World:
    world = below(apart=True)
    world.zone_of(SUB).not_on(A3, A4)
    return world


def deeper(signing: Any = True, *, below_ds: Any = True, same: bool = False, same_deep: bool = False) -> World:
    """Serve a cut below a cut; the server name is below both."""
    world = secure(ns={NS1: A1, NS2: A2, f"ns5.{DEEP}": A5})
    world.zone(SUB, ns={NS3: A3}, signed=True)
    world.zone(DEEP, ns={f"ns5.{DEEP}": A5}, signed=signing, delegation=delegation(ds=below_ds))
    world.zone_of("example.xa").not_on(A5)
    if same:
        world.zone_of(SUB).on(A1).on(A2)
    if same_deep:
        world.zone_of(DEEP).on(A1).on(A2).on(A3)
    return world


def _deep() -> Iterator[tuple[str, Mutation]]:
    wrong = ["1 13 2 " + "ab" * 32]
    for same in (False, True):
        for same_deep in (False, True):
            kinds: dict[str, dict[str, Any]] = {
                "secure": {},
                "unsigned": {"signing": False},
                "wrong-ds": {"below_ds": wrong},
                "no-ds": {"below_ds": False},
                "hashed": {"signing": HASHED},
            }
            for name, fields in kinds.items():
                build = partial(deeper, **fields, same=same, same_deep=same_deep)
                yield f"deep-{name}{'-same' * same}{'-deep' * same_deep}", Mutation(CASE, build, ())


MUTATIONS = numbered((*_signatures(), *_answers(), *_gates(), *_cuts()))
