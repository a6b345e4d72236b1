"""ZONE01: the server in the MNAME."""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import pytest

from tests.engine.testcases.versions import soa, two_versions
from tests.support.case_runs import A1, A2, S1, S2, Found, example_world, findings
from tests.support.dnsworld import World, faults

HIDDEN, ADDRESS = "hidden.example.xa", "127.9.5.1"
SERVER = {"ns": HIDDEN, "address": ADDRESS}
NOT_LISTED = ("Z01_MNAME_NOT_IN_NS_LIST", {"ns": HIDDEN})


def master(*servers: dict[str, str]) -> Found:
    return ("Z01_MNAME_IS_MASTER", {"servers": list(servers)})


def not_master(*servers: dict[str, str], serial: int, serials: str) -> Found:
    return ("Z01_MNAME_NOT_MASTER", {"servers": list(servers), "soaserial": serial, "soaserial_list": serials})


def hidden(*made: faults.Fault, serial: int = 5) -> Callable[[], World]:
    """Return the description of a hidden primary server with these faults."""

    def build() -> World:
        world = example_world(soa=soa(mname="hidden"), records=f"hidden A {ADDRESS}")
        world.zones[dns.name.from_text("example.xa")].on(ADDRESS, soa=soa(mname="hidden", serial=serial))
        for fault in made:
            world.server(ADDRESS).fault(fault, qtype="SOA")
        return world

    return build


def dead() -> World:
    world = hidden()()
    world.server(ADDRESS).set(udp=False, tcp=False)
    return world


def two_mnames() -> World:
    """Describe servers with different primaries, the second of which does not resolve."""
    return two_versions({"soa": soa()}, {"soa": soa(mname="zzz.example.xa.")})


SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "a name server with the newest version": (lambda: example_world(soa=soa()), [master(S1)]),
    "another server is newer": (
        lambda: two_versions({"soa": soa()}, {"soa": soa(serial=10)}),
        [not_master(S1, serial=5, serials="5;10")],
    ),
    "newer past the wrap": (
        lambda: two_versions({"soa": soa(serial=4294967295)}, {"soa": soa(serial=2)}),
        [not_master(S1, serial=4294967295, serials="2;4294967295")],
    ),
    "two primaries, one behind": (
        lambda: two_versions({"soa": soa()}, {"soa": soa(mname="ns2.example.xa.", serial=6)}),
        [not_master(S1, serial=5, serials="5;6"), master(S2)],
    ),
    "hidden, ahead": (hidden(serial=9), [NOT_LISTED, master(SERVER)]),
    "hidden, behind": (hidden(serial=4), [NOT_LISTED, not_master(SERVER, serial=4, serials="5")]),
    "hidden, not authoritative": (hidden(faults.no_aa()), [NOT_LISTED, ("Z01_MNAME_NOT_AUTHORITATIVE", SERVER)]),
    "hidden, without SOA": (hidden(faults.empty_answer()), [NOT_LISTED, ("Z01_MNAME_MISSING_SOA_RECORD", SERVER)]),
    "hidden, refusing": (
        hidden(faults.rcode("REFUSED")),
        [NOT_LISTED, ("Z01_MNAME_UNEXPECTED_RCODE", {**SERVER, "rcode": "REFUSED"})],
    ),
    "hidden, dead": (dead, [NOT_LISTED, ("Z01_MNAME_NO_RESPONSE", SERVER)]),
    "name without address": (
        lambda: example_world(soa=soa(mname="hidden")),
        [NOT_LISTED, ("Z01_MNAME_NOT_RESOLVE", {"ns": HIDDEN})],
    ),
    "name without address after one that has some": (
        two_mnames,
        [
            ("Z01_MNAME_NOT_IN_NS_LIST", {"ns": "zzz.example.xa"}),
            ("Z01_MNAME_NOT_RESOLVE", {"ns": "zzz.example.xa"}),
            master(S1),
        ],
    ),
    "loopback": (
        lambda: example_world(soa=soa(mname="hidden"), records="hidden A 127.0.0.1"),
        [NOT_LISTED, ("Z01_MNAME_HAS_LOCALHOST_ADDR", {"ns": HIDDEN, "address": "127.0.0.1"})],
    ),
    "localhost": (
        lambda: example_world(soa=soa(mname="LocalHost.")),
        [("Z01_MNAME_IS_LOCALHOST", {"addresses": [A1, A2]})],
    ),
    "dot": (
        lambda: two_versions({"soa": soa()}, {"soa": soa(mname=".")}),
        [("Z01_MNAME_IS_DOT", {"addresses": [A2]}), master(S1)],
    ),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_zone01(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "zone01") == expected


def test_servers_without_usable_soa_do_not_count() -> None:
    world = two_versions({"soa": soa()}, {"soa": soa(mname="gone.xa.", serial=9)})
    world.server(A2).fault(faults.no_aa(), qtype="SOA")
    assert findings(world, "zone01") == [master(S1)]
