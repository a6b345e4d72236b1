"""Mutations for dnssec21: faults in the parent's signatures over the DS RRset."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import dns.dnssectypes
import dns.message
import dns.name
import dns.rrset

from tests.reference.mutations.mutation import Mutation, names, numbered
from tests.support.case_runs import example_world
from tests.support.dnssec_worlds import P1, P2, edit, secure, signatures, tags, with_fault, without
from tests.support.dnsworld import Fault, KeySpec, Nsec3, Signing, World, faults

CASE = "dnssec21"
DAY_S = 86400
OF_DS = "RRSIG/DS"


def parent(fault: Fault, kind: str, *addresses: str, signing: Any = True, **conditions: Any) -> World:
    return with_fault(secure(xa=signing), fault, *(addresses or (P1, P2)), qtype=kind, **conditions)


def one(
    fault: Fault, *reaches: str, kind: str = "DS", at: tuple[str, ...] = (), without: tuple[str, ...] = ()
) -> Mutation:
    return Mutation(CASE, partial(parent, fault, kind, *at), names("DS21_", " ".join(reaches)), without)


def twofold(**fields: Any) -> Fault:
    """Add to each signature over the DS RRset a copy with other values."""

    def change(message: dns.message.Message) -> None:
        for number, rrset in enumerate(message.answer):
            if rrset.covers == dns.rdatatype.DS:
                both = [*rrset, *(rdata.replace(**fields) for rdata in rrset)]
                message.answer[number] = dns.rrset.from_rdata_list(rrset.name, rrset.ttl, both)

    return edit(change)


def _signatures() -> Iterator[tuple[str, Mutation]]:
    well, none = names("DS21_", "DS_RRSIG_VERIFIED"), names("DS21_", "DS_RRSIG_NOT_VERIFIABLE")
    yield "ds", Mutation(CASE, secure, well, none)
    yield "ds-nsec3", Mutation(CASE, partial(secure, xa=Signing(nsec3=Nsec3())), well)
    for algorithm in (8, 10, 13, 14, 15, 16):
        yield f"ds-algorithm-{algorithm}", Mutation(CASE, partial(secure, xa=Signing(algorithm=algorithm)), well)
    now = int(time.time())
    kinds: dict[str, tuple[dict[str, Any], str]] = {
        "future": ({"inception": now + DAY_S, "expiration": now + 2 * DAY_S}, "DS_RRSIG_NOT_YET_VALID"),
        "future-and-past": ({"inception": now + DAY_S, "expiration": now - DAY_S}, "DS_RRSIG_NOT_YET_VALID"),
        "past": ({"inception": now - 2 * DAY_S, "expiration": now - DAY_S}, "DS_RRSIG_EXPIRED"),
        "unlisted": ({"key_tag": 1}, "NO_DNSKEY_FOR_DS_RRSIG"),
        "changed": ({"signature": b"\1" * 64}, "DS_RRSIG_NOT_VALID_BY_DNSKEY"),
        "short": ({"signature": b"\1"}, "DS_RRSIG_NOT_VALID_BY_DNSKEY"),
        "other-ttl": ({"original_ttl": 7}, "DS_RRSIG_NOT_VALID_BY_DNSKEY"),
        "labels": ({"labels": 1}, "DS_RRSIG_NOT_VALID_BY_DNSKEY"),
        "other-tag": ({"key_tag": tags(zone="xa")[0]}, "DS_RRSIG_NOT_VALID_BY_DNSKEY"),
        "other-algorithm": ({"algorithm": 8}, "DS_RRSIG_NOT_VALID_BY_DNSKEY"),
    }
    for name, (fields, tag) in kinds.items():
        yield f"ds-{name}", one(signatures(OF_DS, **fields), tag, "DS_RRSIG_NOT_VERIFIABLE", without=well)
        yield f"ds-{name}-one", one(signatures(OF_DS, **fields), tag, "DS_RRSIG_VERIFIED", at=(P1,), without=none)
        yield f"ds-{name}-beside", one(twofold(**fields), tag, "DS_RRSIG_VERIFIED", without=none)
    for algorithm in (1, 3, 6, 12, 17, 23, 123, 200, 252, 253, 254, 255):
        fault = signatures(OF_DS, algorithm=dns.dnssectypes.Algorithm.make(algorithm))
        unknown = ("ALGO_NOT_SUPPORTED",) if algorithm == 17 else ()
        yield f"ds-unknown-{algorithm}", one(fault, "DS_RRSIG_NOT_VERIFIABLE", *unknown)
    for name in ("root", "zone", "elsewhere"):
        signer = {"root": ".", "zone": "example.xa.", "elsewhere": "xb."}[name]
        fault = signatures(OF_DS, signer=dns.name.from_text(signer))
        yield f"ds-signer-{name}", one(fault, "DS_RRSIG_NOT_VERIFIABLE")
        yield f"ds-signer-{name}-beside", one(twofold(signer=dns.name.from_text(signer)), "DS_RRSIG_VERIFIED")


def _rest() -> Iterator[tuple[str, Mutation]]:
    none = names("DS21_", "DS_RRSIG_NOT_VERIFIABLE")
    yield "ds-bare", one(without(OF_DS), "NO_DS_RRSIG")
    yield "ds-bare-one", one(without(OF_DS), "NO_DS_RRSIG", "DS_RRSIG_VERIFIED", at=(P1,))
    yield "ds-gone", one(without("DS", OF_DS))
    yield "ds-gone-but-signature", one(without("DS"))
    yield "parent-unsigned", Mutation(CASE, partial(secure, xa=False), (), none)
    yield "delegation-unsigned", Mutation(CASE, partial(secure, False), (), none)
    spoilers = {
        "refused": faults.rcode("REFUSED"),
        "nxdomain": faults.rcode("NXDOMAIN"),
        "not-aa": faults.no_aa(),
        "silent": faults.silence(),
        "no-opt": faults.without_edns(),
        "no-do": faults.edns(),
        "empty": faults.empty_answer(),
        "truncated": faults.truncated(),
    }
    for name, fault in spoilers.items():
        missing = () if name in ("no-opt", "no-do", "truncated") else ("PARENT_DNSKEY_MISSING",)
        yield f"parent-keys-{name}", one(fault, *missing, kind="DNSKEY")
        yield f"parent-keys-{name}-one", one(fault, "DS_RRSIG_VERIFIED", kind="DNSKEY", at=(P1,))
        yield f"parent-ds-{name}", one(fault)
        yield f"parent-ds-{name}-one", one(fault, "DS_RRSIG_VERIFIED", at=(P1,))
    bare_and_gone = partial(with_fault, parent(without(OF_DS), "DS"), faults.empty_answer(), P1, P2, qtype="DNSKEY")
    yield "ds-bare-keys-gone", Mutation(CASE, bare_and_gone, names("DS21_", "PARENT_DNSKEY_MISSING"))
    yield "root", Mutation(CASE, secure, names("DS21_", "NO_PARENT_ZONE"), zone=".")
    yield "tld", Mutation(CASE, secure, names("DS21_", "DS_RRSIG_VERIFIED"), zone="xa")
    supplied = {"supplied": {"ns1.example.xa": ["127.9.1.1"]}}
    yield "undelegated", Mutation(CASE, secure, (), names("DS21_", "DS_RRSIG_VERIFIED"), options=supplied)
    yield "v4-off", Mutation(CASE, secure, (), (), options={"ipv6": False})
    two = Signing(keys=(KeySpec("ksk"), KeySpec("zsk", 256), KeySpec("other", 256, 8)))
    yield "two-signatures", Mutation(CASE, partial(secure, xa=two), names("DS21_", "DS_RRSIG_VERIFIED"))
    not_zone = Signing(keys=(KeySpec("ksk"), KeySpec("zsk", 0)))
    yield "key-not-of-zone", Mutation(CASE, partial(secure, xa=not_zone), ())
    revoked = Signing(keys=(KeySpec("ksk"), KeySpec("zsk", 256 + 128)))
    yield "key-revoked", Mutation(CASE, partial(secure, xa=revoked), ())
    for number in (17, 253, 12, 200, 1, 3):
        shown = partial(secure, xa=Signing(shown_algorithm=number))
        yield f"shown-algorithm-{number}", Mutation(CASE, shown, ())
    yield "unrelated", Mutation(CASE, example_world, ())


MUTATIONS = numbered((*_signatures(), *_rest()))
