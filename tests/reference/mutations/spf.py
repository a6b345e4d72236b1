"""Mutations for zone13: SPF policies with few and many lookups, loops, macros and dead ends."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.reference.mutations.mutation import Mutation, names, numbered
from tests.support.case_runs import A1, A2, example_world
from tests.support.dnssec_worlds import with_fault
from tests.support.dnsworld import World, faults

CASE = "zone13"
OK, EXCEEDED = names("Z13_SPF_LOOKUP_COUNT_", "OK"), names("Z13_SPF_LOOKUP_COUNT_", "EXCEEDED")


def world_of(own: str, **others: str) -> World:
    """Serve policies at the apex and at names below; "_" in a name means a dot."""
    lines = [f'@ TXT "{own}"'] if own else []
    lines += [f'{name} TXT "{text}"' for name, text in others.items()]
    world = example_world(records="\n".join(lines))
    world.zone("other.xa", ns={"ns1.other.xa": "127.9.7.1"}, records='@ TXT "v=spf1 a mx -all"\nalias CNAME @')
    return world


def one(own: str, *reaches: str, limit: int = 10, **others: str) -> Mutation:
    reached = names("Z13_", " ".join(reaches))
    return Mutation(CASE, partial(world_of, own, **others), reached, options={"spf_limit": limit})


def _counts() -> Iterator[tuple[str, Mutation]]:
    for term in ("a", "mx", "exists:a.b", "a:b.xa/24", "a/24//64", "mx:b.xa", "-a", "~mx", "?a", "+a", "A", "Mx"):
        for count in (10, 11):
            reached = "SPF_LOOKUP_COUNT_OK" if count == 10 else "SPF_LOOKUP_COUNT_EXCEEDED"
            yield f"spf-{term}-{count}", one("v=spf1 " + " ".join([term] * count) + " -all", reached)
    for limit in (1, 2, 3):
        reached = "SPF_LOOKUP_COUNT_EXCEEDED" if limit < 2 else "SPF_LOOKUP_COUNT_OK"
        yield f"spf-limit-{limit}", one("v=spf1 a mx", reached, limit=limit)
    free = "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 exp=a.b all x=y"
    yield "spf-free", one(free, "SPF_LOOKUP_COUNT_OK")
    yield "spf-empty", one("v=spf1", "SPF_LOOKUP_COUNT_OK")
    yield "spf-ptr", one("v=spf1 ptr ptr:example.xa -all", "SPF_PTR_DEPRECATED")
    yield "spf-ptr-below", one("v=spf1 include:a.example.xa", "SPF_PTR_DEPRECATED", a="v=spf1 ptr")
    yield "spf-after-all", one("v=spf1 -all a mx", "SPF_LOOKUP_COUNT_OK")
    yield "spf-redirect-with-all", one("v=spf1 redirect=a.example.xa -all", "SPF_LOOKUP_COUNT_OK", a="v=spf1 a a")
    yield "spf-upper", one("V=SPF1 A INCLUDE:A.EXAMPLE.XA", "SPF_LOOKUP_COUNT_OK", a="v=spf1 a")
    yield "spf-blanks", one("v=spf1  a   mx ", "SPF_LOOKUP_COUNT_OK")
    yield "spf-other-version", one("v=spf10 a", "NO_SPF_FOUND")
    yield "spf-spf2", one("spf2.0/mfrom a", "NO_SPF_FOUND")
    yield "spf-none", one("", "NO_SPF_FOUND")
    yield "spf-unlike-a", one("v=spf1 all a=b mx=c exists=d ab", "SPF_LOOKUP_COUNT_OK")


def _targets() -> Iterator[tuple[str, Mutation]]:
    yield "spf-include", one("v=spf1 include:a.example.xa", "SPF_LOOKUP_COUNT_OK", a="v=spf1 mx a")
    yield "spf-include-dot", one("v=spf1 include:a.example.xa.", "SPF_LOOKUP_COUNT_OK", a="v=spf1 mx a")
    for count in (9, 10):
        reached = "SPF_LOOKUP_COUNT_OK" if count == 9 else "SPF_LOOKUP_COUNT_EXCEEDED"
        yield f"spf-include-{count}", one("v=spf1 include:a.example.xa", reached, a="v=spf1" + " a" * count)
    yield "spf-elsewhere", one("v=spf1 include:other.xa include:alias.other.xa", "SPF_LOOKUP_COUNT_OK")
    yield "spf-self", one("v=spf1 include:example.xa", "SPF_LOOKUP_LOOP")
    yield "spf-self-case", one("v=spf1 include:EXAMPLE.xa", "SPF_LOOKUP_LOOP")
    yield "spf-twice", one("v=spf1 include:a.example.xa include:a.example.xa", "SPF_LOOKUP_LOOP", a="v=spf1 a")
    circle = {"a": "v=spf1 include:b.example.xa", "b": "v=spf1 redirect=a.example.xa"}
    found = names("Z13_", "SPF_LOOKUP_LOOP")
    yield "spf-circle", Mutation(CASE, partial(world_of, "v=spf1 include:a.example.xa", **circle), found)
    yield "spf-redirect", one("v=spf1 redirect=a.example.xa", "SPF_LOOKUP_COUNT_OK", a="v=spf1 a")
    yield "spf-macro", one("v=spf1 include:%{d}.a.xa redirect=%{d}.b.xa exists:%{i}.c", "SPF_MACRO_TARGET")
    yield "spf-missing", one("v=spf1 include:missing.example.xa", "SPF_RECURSIVE_ERROR")
    yield "spf-missing-tld", one("v=spf1 include:a.missing", "SPF_RECURSIVE_ERROR")
    yield "spf-missing-twice", one("v=spf1 include:a.missing include:a.missing", "SPF_RECURSIVE_ERROR")
    yield "spf-without-policy", one("v=spf1 include:a.example.xa", "SPF_RECURSIVE_ERROR", a="no policy")
    yield "spf-empty-target", one("v=spf1 include: redirect=", "SPF_LOOKUP_COUNT_OK")
    yield "spf-long-label", one(f"v=spf1 include:{'a' * 64}.xa", "SPF_RECURSIVE_ERROR")
    yield "spf-empty-label", one("v=spf1 include:a..xa", "SPF_RECURSIVE_ERROR")
    yield "spf-two-below", Mutation(CASE, two_below, ())
    yield "spf-two", Mutation(CASE, zone_with_two_policies, ())


def two_below() -> World:
    return example_world(records='@ TXT "v=spf1 include:a.example.xa"\na TXT "v=spf1 a"\na TXT "v=spf1 mx mx"')


def zone_with_two_policies() -> World:
    return example_world(records='@ TXT "v=spf1 a"\n@ TXT "v=spf1 mx"')


def _servers() -> Iterator[tuple[str, Mutation]]:
    spoilt: dict[str, Any] = {
        "refused": faults.rcode("REFUSED"),
        "silent": faults.silence(),
        "not-aa": faults.no_aa(),
        "nxdomain": faults.rcode("NXDOMAIN"),
    }
    policy = "v=spf1 a -all"
    for name, fault in spoilt.items():
        build = partial(lambda fault, at: with_fault(world_of(policy), fault, *at, qtype="TXT"), fault)
        yield f"spf-{name}", Mutation(CASE, partial(build, (A1, A2)), names("Z13_", "UNABLE_TO_CHECK"))
        yield f"spf-{name}-one", Mutation(CASE, partial(build, (A1,)), OK)
    yield "spf-strings", Mutation(CASE, lambda: example_world(records='@ TXT "v=spf1 a m" "x -all"'), OK)
    yield "spf-long", one("v=spf1 " + "a " * 100, "SPF_LOOKUP_COUNT_EXCEEDED")


MUTATIONS = numbered((*_counts(), *_targets(), *_servers()))
