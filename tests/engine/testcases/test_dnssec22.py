"""DNSSEC22: the addresses of in-domain name servers validate."""

from __future__ import annotations

import dns.name
import pytest

from tests.support.case_runs import A1, A2, BOTH, NS1, NS2, S1, S2, Scenario, findings
from tests.support.dnssec_worlds import ZONE, secure, signatures, with_fault, without
from tests.support.dnsworld import Nsec3, Signing, World, delegation, faults

IN_SUB = {"ns1.sub.example.xa": A1, NS2: A2}
SUB_SERVER = "127.9.3.1"


def below(
    sub: Signing | bool, *, ds: bool | tuple[str, ...] = True, signed: Signing | bool = True, own: bool = True
) -> World:
    """Delegate sub.example.xa, which contains the name of a server of the zone, to that server or to a separate one."""
    world = secure(signed, ns=IN_SUB)
    ns = {"ns1.sub.example.xa": A1} if not own else {"ns9.sub.example.xa": SUB_SERVER}
    records = f"ns1 A {A1}" if own else ""
    world.zone(f"sub.{ZONE}", ns=ns, records=records, signed=sub, delegation=delegation(ds=ds))
    return world


def orphan() -> World:
    """Serve a signed zone below the zone that is not delegated."""
    world = secure(ns=IN_SUB)
    world.zone(f"sub.{ZONE}", ns={"ns1.sub.example.xa": A1}, signed=True, delegation=False)
    for address in (A2,):
        world.zone_of(f"sub.{ZONE}").on(address)
    return world


def elsewhere() -> World:
    world = secure(ns=("ns1.other.xa", "ns2.other.xa"))
    world.zone("other.xa", ns={"ns1.other.xa": A1, "ns2.other.xa": A2})
    world.zone_of(ZONE).on(A1).on(A2)
    return world


def silent(world: World) -> World:
    world.server(SUB_SERVER).fault(faults.silence())
    return world


BOGUS_DS = ("4711 13 2 " + "ab" * 32,)
SCENARIOS: dict[str, Scenario] = {
    "good": (secure(), [("DS22_NS_ADDRESS_VALIDATES", {"servers": BOTH})]),
    "names elsewhere": (elsewhere(), [("DS22_NO_IN_DOMAIN_NS", {})]),
    "the root": (secure(), [("DS22_NO_IN_DOMAIN_NS", {})], {"zone": "."}),
    "not secure": (secure(delegation=delegation(ds=False)), [("DS22_ZONE_NOT_SECURE", {})]),
    "not signed": (secure(False), [("DS22_ZONE_NOT_SECURE", {})]),
    "addresses without signature": (
        with_fault(secure(), without("RRSIG/A"), A1, qtype="A"),
        [
            ("DS22_NS_ADDRESS_UNSIGNED", {"ns": "ns1.example.xa", "servers": [S1]}),
            ("DS22_NS_ADDRESS_UNSIGNED", {"ns": "ns2.example.xa", "servers": [S1]}),
        ],
    ),
    "expired": (
        with_fault(secure(), signatures("RRSIG/A", inception=1, expiration=1000000000), A1, qtype="A"),
        [
            ("DS22_NS_ADDRESS_RRSIG_EXPIRED", {"ns": "ns1.example.xa", "keytag": 46291, "servers": [S1]}),
            ("DS22_NS_ADDRESS_RRSIG_EXPIRED", {"ns": "ns2.example.xa", "keytag": 46291, "servers": [S1]}),
        ],
    ),
    "does not verify": (
        secure(Signing(bogus_types=("A",))),
        [
            (
                "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY",
                {"ns": "ns1.example.xa", "signer": "example.xa", "keytag": 46291, "servers": BOTH},
            ),
            (
                "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY",
                {"ns": "ns2.example.xa", "signer": "example.xa", "keytag": 46291, "servers": BOTH},
            ),
        ],
    ),
    "signed by another zone": (
        with_fault(secure(), signatures("RRSIG/A", signer=dns.name.from_text("xa")), A1, qtype="A"),
        [
            (
                "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY",
                {"ns": "ns1.example.xa", "signer": "xa", "keytag": 46291, "servers": [S1]},
            ),
            (
                "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY",
                {"ns": "ns2.example.xa", "signer": "xa", "keytag": 46291, "servers": [S1]},
            ),
        ],
    ),
    "algorithm that is not known": (secure(Signing(shown_algorithm=17)), []),
    "no A record on one server": (
        with_fault(secure(), faults.rcode("NXDOMAIN"), A1, qname=NS1, qtype="A"),
        [("DS22_NS_ADDRESS_VALIDATES", {"servers": BOTH})],
    ),
    "IPv6 only": (
        secure(ns={NS1: A1, NS2: "::1"}),
        [
            ("IPV6_DISABLED", {"ns": "ns2.example.xa", "address": "::1", "query_type": "A"}),
            ("DS22_NS_ADDRESS_VALIDATES", {"servers": [S1]}),
        ],
        {"ipv6": False},
    ),
    "unsigned zone below": (
        below(False),
        [
            (
                "DS22_NS_ADDRESS_INSECURE",
                {"ns": "ns1.sub.example.xa", "servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2]},
            ),
            ("DS22_NS_ADDRESS_VALIDATES", {"servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2]}),
        ],
    ),
    "unsigned zone below, NSEC3": (
        below(False, signed=Signing(nsec3=Nsec3())),
        [
            (
                "DS22_NS_ADDRESS_INSECURE",
                {"ns": "ns1.sub.example.xa", "servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2]},
            ),
            ("DS22_NS_ADDRESS_VALIDATES", {"servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2]}),
        ],
    ),
    "unsigned zone below, opt-out": (
        below(False, signed=Signing(nsec3=Nsec3(opt_out=True))),
        [
            (
                "DS22_NS_ADDRESS_INSECURE",
                {"ns": "ns1.sub.example.xa", "servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2]},
            ),
            ("DS22_NS_ADDRESS_VALIDATES", {"servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2]}),
        ],
    ),
    "signed zone below": (
        below(True),
        [
            (
                "DS22_NS_ADDRESS_VALIDATES",
                {
                    "servers": [
                        {"ns": "ns1.sub.example.xa", "address": "127.9.1.1"},
                        S2,
                        {"ns": "ns9.sub.example.xa", "address": "127.9.3.1"},
                    ]
                },
            )
        ],
    ),
    "signed zone below on the same server": (
        below(True, own=False),
        [("DS22_NS_ADDRESS_VALIDATES", {"servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2]})],
    ),
    "signed zone below, of which no server answers": (
        silent(below(True)),
        [
            (
                "DS22_NS_ADDRESS_REFERRED",
                {
                    "ns": "ns1.sub.example.xa",
                    "zone": "sub.example.xa",
                    "servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2],
                },
            ),
            ("DS22_NS_ADDRESS_VALIDATES", {"servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2]}),
        ],
    ),
    "signed zone below with a wrong DS record": (
        below(True, ds=BOGUS_DS),
        [
            (
                "DS22_NS_ADDRESS_CHAIN_BROKEN",
                {
                    "ns": "ns1.sub.example.xa",
                    "signer": "sub.example.xa",
                    "servers": [{"ns": "ns9.sub.example.xa", "address": "127.9.3.1"}],
                },
            )
        ],
    ),
    "signed zone below with a wrong DS record on the same server": (
        below(True, ds=BOGUS_DS, own=False),
        [
            (
                "DS22_NS_ADDRESS_CHAIN_BROKEN",
                {
                    "ns": "ns1.sub.example.xa",
                    "signer": "sub.example.xa",
                    "servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}],
                },
            )
        ],
    ),
    "DS record of the zone below is not signed well": (
        below(True, signed=Signing(bogus_types=("DS",))),
        [
            (
                "DS22_NS_ADDRESS_CHAIN_BROKEN",
                {
                    "ns": "ns1.sub.example.xa",
                    "signer": "sub.example.xa",
                    "servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2],
                },
            )
        ],
    ),
    "zone below that is not delegated": (
        orphan(),
        [
            (
                "DS22_NS_ADDRESS_ORPHAN_ZONE",
                {
                    "ns": "ns1.sub.example.xa",
                    "signer": "sub.example.xa",
                    "servers": [{"ns": "ns1.sub.example.xa", "address": "127.9.1.1"}, S2],
                },
            )
        ],
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_dnssec22(name: str) -> None:
    world, expected, *options = SCENARIOS[name]
    assert findings(world, "dnssec22", **(options[0] if options else {})) == expected
