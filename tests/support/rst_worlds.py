"""A TLD that passes the rehearsal of RST, and changes of it; the addresses count as global while it is served."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Final

import dns.name

from gonemaster_engine.addresses import classify, count_as_global, counted_as_global, is_global
from gonemaster_engine.rst import sending
from gonemaster_engine.rst.tld import UDP
from tests.support.dnsworld import Signing, World
from tests.support.dnsworld.extras import ASN_SOURCES, add_origin_zone, add_reverse_zone
from tests.support.dnsworld.signing import ds_texts

TLD: Final = "xa"
SERVERS: Final = ("ns1.dns.xa", "ns2.dns.xa")
PATIENCE_S: Final = 8.0
LIMITS_S: Final = (sending.TIMEOUT_S[UDP], sending.OTHER_TIMEOUT_S)
NETWORK: Final = "127.16.0.0/12"
_OCTETS: Final = (18, 19)
_MAPPED: Final = 4  # IPv6 addresses are IPv4-mapped: a host has one loopback address of IPv6 only
SIGNING: Final = Signing(publish_cds=True)


def addresses(octet: int, number: int) -> tuple[str, str]:
    """Return an IPv4 and an IPv6 address."""
    return f"127.{octet}.{number}.53", str(ip_address(f"::ffff:127.{octet + _MAPPED}.{number}.53"))


def servers(names: Sequence[str], number: int) -> dict[str, tuple[str, str]]:
    """Return name servers, each in another network."""
    return {name: addresses(octet, number) for name, octet in zip(names, _OCTETS, strict=True)}


A1, V6_1 = addresses(_OCTETS[0], 2)
A2, V6_2 = addresses(_OCTETS[1], 2)


def rst_world(**changes: Any) -> World:
    """Describe a root, the TLD with two servers and nic.TLD; `changes` are fields of the TLD."""
    world = World()
    world.zone(".", ns=servers(("a.root-servers.net", "b.root-servers.net"), 1), signed=True)
    fields: dict[str, Any] = {"ns": servers(SERVERS, 2), "signed": SIGNING, "soa": _soa()}
    world.zone(TLD, **fields | changes)
    nic = servers((f"ns1.nic.{TLD}", f"ns2.nic.{TLD}"), 3)
    world.zone(f"nic.{TLD}", ns=nic, signed=True, records="@ MX 10 mail\nmail A 192.0.2.1")
    infrastructure = servers(("ns1.net.example", "ns2.net.example"), 4)
    world.zone("example", ns=servers(("ns1.nic.example", "ns2.nic.example"), 5), signed=True)
    world.zone("net.example", ns=infrastructure, signed=True)
    prefixes = {f"127.{octet + mapped}.0.0/16": 64500 + octet for octet in _OCTETS for mapped in (0, _MAPPED)}
    origins = prefixes | {f"::ffff:{prefix.replace('/16', '/112')}": asn for prefix, asn in prefixes.items()}
    for source in ASN_SOURCES:
        add_origin_zone(world, source, origins, ns=infrastructure)
    add_reverse_zone(world, ns=infrastructure)
    return world


def _soa() -> str:
    return f"{SERVERS[0]}. hostmaster.nic.{TLD}. 2026112501 14400 3600 1209600 3600"


def input_of(
    world: World,
    *,
    tld: str = TLD,
    supports: Mapping[str, Sequence[str]] | None = None,
    ds: Sequence[str] | None = None,
    policy: str = "narrow",
) -> dict[str, Any]:
    """Return the input parameters of RST for a TLD of a world; `supports` names encrypted transports by server."""
    spec = world.zone_of(tld).spec
    texts = ds if ds is not None else ds_texts(dns.name.from_text(tld), spec.signed or Signing())
    listed = []
    for name, found in spec.ns.items():
        text = name.to_text(omit_final_dot=True)
        server: dict[str, Any] = {"name": text}
        for key, sign in (("v4Addrs", False), ("v6Addrs", True)):
            if chosen := [address for address in found if (":" in address) == sign]:
                server[key] = chosen
        listed.append(server | {f"supports{protocol}": True for protocol in (supports or {}).get(text, ())})
    return {
        "dns.nameservers": [{"name": tld, "nameservers": listed}],
        "dnssec.dsRecords": [{"name": tld, "dsRecords": [_ds(text) for text in texts]}],
        "dns.gluePolicy": policy,
    }


def _ds(text: str) -> dict[str, Any]:
    tag, algorithm, digest_type, digest = text.split(maxsplit=3)
    return {
        "keyTag": int(tag),
        "alg": int(algorithm),
        "digestType": int(digest_type),
        "digest": digest.replace(" ", ""),
    }


@contextlib.contextmanager
def counted_network() -> Iterator[None]:
    """Let the addresses of the world count as global in this process, and allow late answers: the host may be busy."""
    count_as_global(NETWORK)
    sending.TIMEOUT_S[UDP], sending.OTHER_TIMEOUT_S = PATIENCE_S, PATIENCE_S
    try:
        yield
    finally:
        sending.TIMEOUT_S[UDP], sending.OTHER_TIMEOUT_S = LIMITS_S
        counted_as_global.clear()
        for cached in (classify, is_global):
            cached.cache_clear()
