"""DNSSEC07: signed or unsigned, with or without DS records."""

from __future__ import annotations

import dns.rcode
import pytest

from gonemaster_engine.context import DSInfo
from tests.support.case_runs import A1, A2, BOTH, NS1, S1, S2, Scenario, findings
from tests.support.dnssec_worlds import (
    P1,
    PARENT1,
    PARENT2,
    PARENTS,
    ZONE,
    edit,
    secure,
    with_fault,
    without,
)
from tests.support.dnsworld import Nsec3, Signing, World, delegation, faults


def not_delegated(xa: Signing, *, ds: bool = True) -> World:
    """Describe a parent whose servers also serve the zone, without a delegation."""
    world = World()
    world.zone(".", signed=True)
    world.zone("xa", ns={"ns1.nic.xa": P1}, signed=xa, delegation=delegation(ds=ds))
    world.zone(ZONE, ns={NS1: P1}, signed=True, delegation=False)
    return world


SCENARIOS: dict[str, Scenario] = {
    "signed, with DS record": (
        secure(),
        [
            ("DS07_SIGNED_ON_SERVER", {"servers": BOTH}),
            ("DS07_SIGNED", {}),
            ("DS07_DS_ON_PARENT_SERVER", {"servers": PARENTS}),
            ("DS07_DS_FOR_SIGNED_ZONE", {}),
        ],
    ),
    "signed, without DS record": (
        secure(delegation=delegation(ds=False)),
        [
            ("DS07_SIGNED_ON_SERVER", {"servers": BOTH}),
            ("DS07_SIGNED", {}),
            ("DS07_NO_DS_ON_PARENT_SERVER", {"servers": PARENTS}),
            ("DS07_NO_DS_FOR_SIGNED_ZONE", {}),
        ],
    ),
    "not signed": (secure(False), [("DS07_NOT_SIGNED_ON_SERVER", {"servers": BOTH}), ("DS07_NOT_SIGNED", {})]),
    "signed on one server, and the parent's servers differ": (
        with_fault(
            with_fault(secure(), without("RRSIG"), A1, qtype="DNSKEY"),
            faults.empty_answer(),
            P1,
            qname=ZONE,
            qtype="DS",
        ),
        [
            ("DS07_SIGNED_ON_SERVER", {"servers": [S2]}),
            ("DS07_NOT_SIGNED_ON_SERVER", {"servers": [S1]}),
            ("DS07_INCONSISTENT_SIGNED", {}),
            ("DS07_NO_DS_ON_PARENT_SERVER", {"servers": [PARENT1]}),
            ("DS07_DS_ON_PARENT_SERVER", {"servers": [PARENT2]}),
            ("DS07_INCONSISTENT_DS", {}),
        ],
    ),
    "no answer and an error": (
        with_fault(
            with_fault(secure(), faults.silence(), A1, qtype="DNSKEY"), faults.rcode("SERVFAIL"), A2, qtype="DNSKEY"
        ),
        [
            ("DS07_NOT_SIGNED", {}),
            ("DS07_NO_RESPONSE_DNSKEY", {"servers": [S1]}),
            ("DS07_NON_AUTH_RESPONSE_DNSKEY", {"servers": [S2]}),
        ],
    ),
    "error with authority": (
        with_fault(secure(), edit(lambda message: message.set_rcode(dns.rcode.SERVFAIL)), A1, qtype="DNSKEY"),
        [
            ("DS07_UNEXP_RCODE_RESP_DNSKEY", {"rcode": "SERVFAIL", "servers": [S1]}),
            ("DS07_SIGNED_ON_SERVER", {"servers": [S2]}),
            ("DS07_SIGNED", {}),
            ("DS07_DS_ON_PARENT_SERVER", {"servers": PARENTS}),
            ("DS07_DS_FOR_SIGNED_ZONE", {}),
        ],
    ),
    "without authority": (
        with_fault(secure(), faults.no_aa(), A1, qtype="DNSKEY"),
        [
            ("DS07_NON_AUTH_RESPONSE_DNSKEY", {"servers": [S1]}),
            ("DS07_SIGNED_ON_SERVER", {"servers": [S2]}),
            ("DS07_SIGNED", {}),
            ("DS07_DS_ON_PARENT_SERVER", {"servers": PARENTS}),
            ("DS07_DS_FOR_SIGNED_ZONE", {}),
        ],
    ),
    "supplied DS data": (
        secure(),
        [
            ("DS07_SIGNED_ON_SERVER", {"servers": BOTH}),
            ("DS07_SIGNED", {}),
            ("DS07_DS_ON_PARENT_SERVER", {"servers": ["-"]}),
            ("DS07_DS_FOR_SIGNED_ZONE", {}),
        ],
        {"supplied": {NS1: (A1,)}, "ds": (DSInfo(4711, 13, 2, "ab" * 32),)},
    ),
    "not delegated, as the parent proves": (
        not_delegated(Signing()),
        [
            ("DS07_SIGNED_ON_SERVER", {"servers": [{"ns": "ns1.example.xa", "address": "127.8.1.1"}]}),
            ("DS07_SIGNED", {}),
            ("DS07_PARENT_PROVES_NO_DELEGATION", {"parent": "xa", "servers": [PARENT1]}),
        ],
    ),
    "not delegated, as the parent proves by NSEC3": (
        not_delegated(Signing(nsec3=Nsec3())),
        [
            ("DS07_SIGNED_ON_SERVER", {"servers": [{"ns": "ns1.example.xa", "address": "127.8.1.1"}]}),
            ("DS07_SIGNED", {}),
            ("DS07_PARENT_PROVES_NO_DELEGATION", {"parent": "xa", "servers": [PARENT1]}),
        ],
    ),
    "not delegated, under opt-out": (
        not_delegated(Signing(nsec3=Nsec3(opt_out=True))),
        [
            ("DS07_SIGNED_ON_SERVER", {"servers": [{"ns": "ns1.example.xa", "address": "127.8.1.1"}]}),
            ("DS07_SIGNED", {}),
        ],
    ),
    "not delegated, by a parent that is not secure": (
        not_delegated(Signing(), ds=False),
        [
            ("DS07_SIGNED_ON_SERVER", {"servers": [{"ns": "ns1.example.xa", "address": "127.8.1.1"}]}),
            ("DS07_SIGNED", {}),
        ],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec07(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec07", **(options[0] if options else {})) == expected
