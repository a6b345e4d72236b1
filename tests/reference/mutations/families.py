"""Mutations for all cases: a disabled address family, several names of one address, zones without a matching parent."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.reference.judge import CASES
from tests.reference.mutations.mutation import Mutation, numbered
from tests.support.case_runs import A1, A2, NS1, NS2
from tests.support.dnssec_worlds import secure
from tests.support.dnsworld import Signing, World, delegation

A3 = "127.9.3.1"
RECORDS = '@ TXT "v=spf1 a -all"\n@ CAA 0 issue "ca.example.net"'
# zone13 queries any server; the servers of the parent zone are the servers queried on the path to that zone.
WITH_TAGS = sorted(set(CASES) - {"zone13", "dnssec21"})


def dual(**fields: Any) -> World:
    """Serve a zone and its ancestors at IPv4 and IPv6 addresses."""
    world = World()
    world.zone(".", ns={"a.root-servers.net": ("127.0.0.53", "::1")}, signed=True)
    world.zone("xa", ns={"ns1.nic.xa": ("127.8.1.1", "::1"), "ns2.nic.xa": "127.8.2.1"}, signed=True)
    parts = {"ns": {NS1: (A1, "::1"), NS2: A2}, "signed": Signing(publish_cds=True), "records": RECORDS}
    world.zone("example.xa", **{**parts, **fields})
    return world


def one_address() -> World:
    """Serve a zone at one address with two names, one of them in another zone."""
    return secure(ns={NS1: A1, NS2: A1, "ns3.example.xa": A2}, records=RECORDS)


def parted() -> World:
    """Let parent and zone list different servers."""
    return secure(
        ns={NS1: A1, NS2: A2, "ns3.example.xa": A3},
        apex_ns=[NS2, "ns3.example.xa"],
        delegation=delegation(ns={NS1: A1, NS2: A2}),
        records=RECORDS,
    )


def elsewhere(*, signed: bool = True) -> World:
    """Name the servers of a zone in another zone of the same TLD."""
    world = secure(signed, ns={"ns1.other.xa": (), "ns2.other.xa": ()}, records=RECORDS)
    world.zone("other.xa", ns={"ns1.other.xa": A1, "ns2.other.xa": A2})
    world.zone_of("example.xa").on(A1).on(A2)
    return world


def referred() -> World:
    """Put names of servers below a cut that has a separate server on IPv6."""
    world = secure(ns={NS1: A1, "ns3.sub.example.xa": A3})
    world.zone("sub.example.xa", ns={"ns3.sub.example.xa": A3, "ns4.sub.example.xa": "::1"}, signed=True)
    world.zone_of("example.xa").not_on(A3)
    return world


def _families() -> Iterator[tuple[str, Mutation]]:
    for case in CASES:
        no_ds = partial(dual, delegation=delegation(ds=False))
        build = no_ds if case == "dnssec24" else dual
        no_v4, no_v6 = (("IPV4_DISABLED",), ("IPV6_DISABLED",)) if case in WITH_TAGS else ((), ())
        yield f"dual-{case}", Mutation(case, build, (), ("IPV6_DISABLED", "IPV4_DISABLED"))
        yield f"ipv6-off-{case}", Mutation(case, build, no_v6, options={"ipv6": False})
        yield f"ipv4-off-{case}", Mutation(case, build, no_v4, options={"ipv4": False})
        yield f"one-address-{case}", Mutation(case, one_address, ())
        yield f"parted-{case}", Mutation(case, parted, ())
        yield f"elsewhere-{case}", Mutation(case, elsewhere, ())
        yield f"elsewhere-unsigned-{case}", Mutation(case, partial(elsewhere, signed=False), ())
        for name, supplied in {
            "same": {NS1: [A1], NS2: [A2]},
            "less": {NS1: [A1]},
            "no-address": {NS1: []},
            "elsewhere": {"ns1.nic.xa": []},
        }.items():
            for ds in (False, True):
                options = {"supplied": supplied, "ds": ds}
                yield f"supplied-{name}{'-ds' * ds}-{case}", Mutation(case, dual, (), options=options)
        yield f"tld-{case}", Mutation(case, dual, (), zone="xa")
        yield f"root-{case}", Mutation(case, dual, (), zone=".")
    yield "referred-ipv6-off", Mutation("dnssec22", referred, ("IPV6_DISABLED",), options={"ipv6": False})
    yield "referred", Mutation("dnssec22", referred, ())


MUTATIONS = numbered(_families())
