"""The world of the demo: a root, the TLD xa, and good and broken domains in it, each broken in one way."""

from __future__ import annotations

from typing import Any, Final

from . import faults
from .extras import ASN_SOURCES, add_origin_zone, add_reverse_zone
from .spec import Nsec3, Signing, delegation
from .world import ROOT_SERVERS, World

ORIGINS: Final = {
    "127.0.0.0/16": 64500,
    "127.21.0.0/16": 64521,
    "127.22.0.0/16": 64522,
    "127.23.0.0/16": 64523,
    "127.201.0.0/16": 64521,
    "127.202.0.0/16": 64522,
    "::1/128": 64524,
}

DOMAINS: Final = {
    "good.xa": "signed with NSEC, nothing wrong",
    "hashed.xa": "signed with RSA and NSEC3, nothing wrong",
    "plain.xa": "unsigned, nothing wrong",
    "lame.xa": "one of the name servers does not have the zone",
    "serials.xa": "the name servers have different serial numbers",
    "silent.xa": "one of the name servers does not answer",
    "noglue.xa": "the parent has no glue for name servers inside the domain",
    "expired.xa": "the signatures have expired",
    "wrongds.xa": "the DS record at the parent is of no key of the zone",
    "single.xa": "one name server only",
    "alias.xa": "a CNAME record at the apex",
    "parted.xa": "parent and zone have different name servers",
    "noedns.xa": "the name servers do not answer queries with EDNS",
    "notcp.xa": "the name servers refuse TCP",
    "refused.xa": "all name servers refuse",
    "missing.xa": "does not exist",
}


def web_records(number: int) -> str:
    """Return the records of a small site: documentation addresses, mail and SPF."""
    return (
        f'@ A 192.0.2.{number}\nwww A 192.0.2.{number}\n@ MX 10 mail\nmail A 192.0.2.{number}\n@ TXT "v=spf1 mx -all"\n'
    )


def servers(domain: str, number: int, *, count: int = 2) -> dict[str, str]:
    """Return name servers of a domain, each in another network and another AS."""
    return {f"ns{i}.{domain}": f"127.{20 + i}.{number}.53" for i in range(1, count + 1)}


FIELDS: Final[dict[str, dict[str, Any]]] = {
    "good.xa": {"signed": True},
    "hashed.xa": {"signed": Signing(algorithm=8, nsec3=Nsec3())},
    "noglue.xa": {"delegation": delegation(glue=False)},
    "expired.xa": {"signed": Signing.expired()},
    "wrongds.xa": {"signed": True, "delegation": delegation(ds=[f"4711 13 2 {'ab' * 32}"])},
    "single.xa": {"ns": {"ns1.single.xa": "127.21.250.53"}},
    "alias.xa": {"records": "@ CNAME www.plain.xa."},
    "parted.xa": {"apex_ns": ["ns1.parted.xa", "ns1.plain.xa"]},
}


def demo_world(*, port: int = 0) -> World:
    """Describe the world; `with demo_world() as world:` serves it."""
    world = World(port=port)
    world.zone(".", ns=ROOT_SERVERS, signed=True)
    world.zone("xa", ns=servers("nic.xa", 200), signed=Signing(nsec3=Nsec3(opt_out=True)))
    for number, domain in enumerate(DOMAINS, start=1):
        if domain != "missing.xa":
            fields = {"ns": servers(domain, number), "records": web_records(number), **FIELDS.get(domain, {})}
            world.zone(domain, **fields)
    _break_servers(world)
    for source in ASN_SOURCES:
        add_origin_zone(world, source, ORIGINS)
    add_reverse_zone(world)
    return world


def _break_servers(world: World) -> None:
    world.zone_of("lame.xa").not_on(world.address_of("ns2.lame.xa"))
    world.zone_of("serials.xa").on(world.address_of("ns2.serials.xa"), serial=2026112499)
    world.server("ns2.silent.xa").fault(faults.silence())
    for server in world.zone_of("noedns.xa").servers:
        server.fault(faults.silence(), edns=True)
    for server in world.zone_of("notcp.xa").servers:
        server.set(tcp=False)
    for server in world.zone_of("refused.xa").servers:
        server.fault(faults.rcode("REFUSED"))
