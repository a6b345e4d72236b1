"""The zones that show RST's own codes: each fails one test case. docs/reference/rst.md has the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.support.dnsworld import Nsec3, Signing, World, faults
from tests.support.rst_worlds import A1, A2, SERVERS, TLD, V6_1, V6_2, input_of, rst_world


@dataclass(frozen=True)
class ShownZone:
    """A zone that shows a code: what is wrong with it, and how it is served."""

    case: str
    wrong: str
    world: Callable[[], World]
    inputs: Mapping[str, Any] | None = None  # arguments of input_of


def _soa(mname: str = f"{SERVERS[0]}.", rname: str = f"hostmaster.nic.{TLD}.") -> World:
    return rst_world(soa=f"{mname} {rname} 2026112501 14400 3600 1209600 3600")


def _with_fault(fault: faults.Fault, *addresses: str, **conditions: Any) -> World:
    world = rst_world()
    for address in addresses:
        world.server(address).fault(fault, **conditions)
    return world


def _other_txt() -> World:
    world = rst_world()
    world.zone_of(TLD).on(A2, records='@ TXT "only here"')
    return world


_IDNA, _CONSISTENCY = "dns-zz-idna2008-compliance", "dns-zz-consistency"
ZONES: Final[dict[tuple[str, str], ShownZone]] = {
    (zone.case, code): zone
    for code, zone in (
        (
            "DNS_IDNA2008_QUERY_FAILED",
            ShownZone(
                _IDNA,
                "all name servers refuse queries for SOA",
                lambda: _with_fault(faults.rcode("REFUSED"), A1, A2, V6_1, V6_2, qtype="SOA", qname=TLD),
            ),
        ),
        (
            "DNS_IDNA2008_INVALID_MNAME",
            ShownZone(_IDNA, "MNAME is `ns_1.dns.xa`, with an underscore", lambda: _soa(mname="ns_1.dns.xa.")),
        ),
        (
            "DNS_IDNA2008_INVALID_RNAME",
            ShownZone(_IDNA, "RNAME is `xn--0.nic.xa`, which is no A-label", lambda: _soa(rname=f"xn--0.nic.{TLD}.")),
        ),
        (
            "DNS_IDNA2008_INVALID_NS_NSDNAME",
            ShownZone(
                _IDNA,
                "the NS set has `ab--cd.dns.xa`, a reserved LDH label",
                lambda: rst_world(apex_ns=[*SERVERS, "ab--cd.dns.xa"], records=f"ab--cd.dns A {A1}"),
            ),
        ),
        (
            "DNS_CONSISTENCY_QUERY_FAILED",
            ShownZone(
                _CONSISTENCY,
                "one name server does not answer queries for TXT over UDP",
                lambda: _with_fault(faults.silence(), A2, qtype="TXT", transport="udp"),
            ),
        ),
        (
            "DNS_INCONSISTENT_RESPONSES",
            ShownZone(_CONSISTENCY, "one name server has a TXT record that the others lack", _other_txt),
        ),
        (
            "DNSSEC_DNS_QUERY_ERROR",
            ShownZone(
                "dnssec-91",
                "one name server answers queries for DNSKEY with SERVFAIL",
                lambda: _with_fault(faults.rcode("SERVFAIL"), A2, qtype="DNSKEY"),
            ),
        ),
        (
            "DNSSEC_INVALID_SIGNING_ALGORITHM",
            ShownZone("dnssec-91", "signed with algorithm 7", lambda: rst_world(signed=Signing(algorithm=7))),
        ),
        (
            "DNSSEC_INVALID_DIGEST_ALGORITHM",
            ShownZone(
                "dnssec-92", "a submitted DS record has digest type 1", rst_world, {"ds": [f"4711 13 1 {'ab' * 20}"]}
            ),
        ),
        (
            "DNSSEC_DNS_QUERY_ERROR",
            ShownZone(
                "dnssec-93",
                "one name server refuses queries for NSEC3PARAM",
                lambda: _with_fault(faults.rcode("REFUSED"), A2, qtype="NSEC3PARAM"),
            ),
        ),
        (
            "DNSSEC_NSEC3_ITERATIONS_IS_NOT_ZERO",
            ShownZone("dnssec-93", "NSEC3 with 5 iterations", lambda: rst_world(signed=_nsec3(iterations=5))),
        ),
        (
            "DNSSEC_NSEC3_SALT_IS_NOT_EMPTY",
            ShownZone("dnssec-93", "NSEC3 with the salt `abcd`", lambda: rst_world(signed=_nsec3(salt="abcd"))),
        ),
    )
}


def _nsec3(**parameters: Any) -> Signing:
    return Signing(nsec3=Nsec3(**parameters))


def healthy() -> World:
    """Describe the zone that passes everything; it uses NSEC3, so that no test case is skipped."""
    return rst_world(signed=Signing(nsec3=Nsec3(), publish_cds=True))


def document_of(zone: ShownZone, world: World) -> dict[str, Any]:
    """Return the input parameters of a zone."""
    return input_of(world, **dict(zone.inputs or {}))
