"""The DNS of the demo: a healthy domain, domains with one fault each, and the domains of the cohort.

All addresses are in the network that counts as global in the processes of the demo. The IPv6 addresses are IPv4-mapped
addresses of this network, because a host has only one other loopback address of IPv6.
"""

from collections import deque
from ipaddress import ip_address
from typing import Any

from gonemaster_api.demo.dnsworld import faults
from gonemaster_api.demo.dnsworld.extras import ASN_SOURCES, add_origin_zone, add_reverse_zone
from gonemaster_api.demo.dnsworld.spec import Nsec3, Signing, delegation
from gonemaster_api.demo.dnsworld.world import World
from gonemaster_api.demo.sample.story import OPERATORS, Story, Truth

STORY = Story(domains=250, months=6)
HEALTHY = "healthy.xa"
_SIGNED = Signing(publish_cds=True)
_HOSTS = "@ A 192.0.2.1\nwww A 192.0.2.1\n"
_MAIL = 'mail A 192.0.2.1\n@ MX 10 mail\n@ TXT "v=spf1 mx -all"\n'
_CAA = '@ CAA 0 issue "ca.example"\n'
# Each domain, and the changes to a healthy zone; _break_servers has the faults of the name servers.
DOMAINS: dict[str, dict[str, Any]] = {
    HEALTHY: {},
    "unsigned.xa": {"signed": False},
    "expired.xa": {"signed": Signing.expired(publish_cds=True)},
    "wrongds.xa": {"delegation": delegation(ds=[f"4711 13 2 {'ab' * 32}"])},
    "lame.xa": {},
    "silent.xa": {},
    "notcp.xa": {},
    "noglue.xa": {"delegation": delegation(glue=False)},
    "serials.xa": {},
    "single.xa": {},
    "parted.xa": {"apex_ns": ["ns1.parted.xa", "ns2.healthy.xa"]},
    "alias.xa": {"signed": False, "records": f"{_HOSTS}{_MAIL}{_CAA}".replace("@ A 192.0.2.1", "@ CNAME www")},
    "mailalias.xa": {"records": f"{_HOSTS}{_MAIL}{_CAA}".replace("mail A 192.0.2.1", "mail CNAME www")},
    "refused.xa": {},
}
# The second octets of the addresses of the first and the second name server; mapped addresses have 4 more.
_INFRASTRUCTURE, _NAMED, _OPERATED = (16, 17), (18, 19), (24, 25)
_MAPPED = 4
_RESPONSE_S = {16: 0.002, 17: 0.003, 18: 0.009, 19: 0.016}


def demo_world(port: int = 0) -> World:
    """Describe the world. It is served while it is entered as a context manager."""
    world = World(port=port)
    world.zone(".", ns=_servers("root-servers.net", _INFRASTRUCTURE, 1), signed=True)
    for number, name in enumerate(("xa", "test", "example"), start=2):
        servers = _servers(f"nic.{name}", _INFRASTRUCTURE, number)
        world.zone(name, ns=servers, signed=Signing(nsec3=Nsec3(opt_out=True)))
    for number, (name, fields) in enumerate(DOMAINS.items(), start=1):
        servers = _servers(name, _NAMED, number)
        if name == "single.xa":
            del servers["ns2.single.xa"]
        usual: dict[str, Any] = {"ns": servers, "records": _HOSTS + _MAIL + _CAA, "signed": _SIGNED}
        world.zone(name, **usual | fields)
    _break_servers(world)
    _add_cohort(world)
    infrastructure = _servers("nic.xa", _INFRASTRUCTURE, 2)
    for source in ASN_SOURCES:
        add_origin_zone(world, source, _origins(), ns=infrastructure)
    add_reverse_zone(world, ns=infrastructure)
    for address, server in world.servers.items():
        server.log = deque(maxlen=0)  # the demo may run for days
        server.response_s = _response_s(address)
    return world


def _addresses(octet: int, number: int, *, host: int = 53) -> list[str]:
    """Return an IPv4 and an IPv6 address."""
    mapped = ip_address(f"::ffff:127.{octet + _MAPPED}.{number}.{host}")
    return [f"127.{octet}.{number}.{host}", str(mapped)]


def _servers(domain: str, networks: tuple[int, int], number: int) -> dict[str, list[str]]:
    return {f"ns{place}.{domain}": _addresses(octet, number) for place, octet in enumerate(networks, start=1)}


def _break_servers(world: World) -> None:
    world.zone_of("lame.xa").not_on(*_second(world, "lame.xa"))
    for address in _second(world, "serials.xa"):
        world.zone_of("serials.xa").on(address, serial=2026112499)
    for address in _second(world, HEALTHY):
        world.zone_of("parted.xa").on(address)
    for address in _second(world, "silent.xa"):
        world.server(address).fault(faults.silence())
    for server in world.zone_of("notcp.xa").servers:
        server.set(tcp=False)
    for server in world.zone_of("refused.xa").servers:
        server.fault(faults.rcode("REFUSED"))


def _second(world: World, domain: str) -> list[str]:
    """Return the addresses of the second name server of a domain."""
    return world.zone_of(domain).addresses[2:]


def _add_cohort(world: World) -> None:
    """Serve the domains of the cohort as they are in its last month."""
    servers = [_operator_servers(number) for number in range(len(OPERATORS))]
    for operated in servers:
        for domain in {name.partition(".")[2] for name in operated} - {"{domain}"}:
            world.zone(domain, ns=operated, records=_HOSTS, signed=_SIGNED)
    for domain in STORY.domains:
        truth = STORY.truth(domain, STORY.months - 1)
        operated = servers[OPERATORS.index(truth.operator)]
        ns = {name.format(domain=domain): addresses for name, addresses in operated.items()}
        refresh = 14400 if truth.long_refresh else 3600
        soa = f"{next(iter(ns))}. hostmaster.{domain}. 2026112501 {refresh} 3600 1209600 3600"
        records = _HOSTS + _MAIL * truth.has_mail + _CAA * truth.has_caa
        zone = world.zone(domain, ns=ns, records=records, soa=soa, signed=_signing(truth))
        if truth.abandoned:
            for server in zone.servers:
                server.fault(faults.silence(), below=domain)


def _operator_servers(number: int) -> dict[str, list[str]]:
    """Return the name servers of an operator: in two networks if it has two, with IPv6 if it has IPv6."""
    operator, servers = OPERATORS[number], {}
    for place, (name, _, ipv6) in enumerate(operator.servers):
        octet = _OPERATED[place if operator.second_asn != operator.asn else 0]
        servers[name] = _addresses(octet, number, host=53 + place)[: 2 if ipv6 else 1]
    return servers


def _signing(truth: Truth) -> Signing | None:
    nsec3 = None if truth.nsec3_iterations is None else Nsec3(iterations=truth.nsec3_iterations)
    return None if truth.algorithm is None else Signing(algorithm=truth.algorithm, nsec3=nsec3)


def _origins() -> dict[str, int]:
    """Return the AS number of each network, and of each network of an operator."""
    origins = {}
    for mapped in (0, _MAPPED):
        for number, octet in enumerate((*_INFRASTRUCTURE, *_NAMED)):
            origins[f"127.{octet + mapped}.0.0/16"] = 64503 + number
        for number, operator in enumerate(OPERATORS):
            for octet, asn in zip(_OPERATED, (operator.asn, operator.second_asn), strict=True):
                origins[f"127.{octet + mapped}.{number}.0/24"] = asn
    return origins | {
        f"::ffff:{prefix.replace('/16', '/112').replace('/24', '/120')}": asn for prefix, asn in origins.items()
    }


def _response_s(address: str) -> float:
    """Return the response time of a name server; operators take three times that of the story, for longer sweeps."""
    *_, octet, number, _ = ip_address(address).packed
    return _RESPONSE_S.get(octet) or _RESPONSE_S.get(octet - _MAPPED) or 3 * OPERATORS[number].latency_ms / 1000
