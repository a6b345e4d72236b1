"""Zones that testers query in addition to the tested zone: reverse names and the origin of addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Final

from .world import Given, World

ASN_SOURCES: Final = ("asnlookup.zonemaster.net", "asn.cymru.com")


def add_reverse_zone(world: World, *, without: tuple[str, ...] = (), ns: Given | None = None) -> None:
    """Add in-addr.arpa, and ip6.arpa if needed, with a PTR record for each name server address described so far."""
    found = {
        ipaddress.ip_address(address): name
        for zone in world.zones.values()
        for name, addresses in zone.spec.ns.items()
        for address in addresses
        if address not in without
    }
    for version, origin in ((4, "in-addr.arpa"), (6, "ip6.arpa")):
        records = {f"{one.reverse_pointer}. PTR {name}" for one, name in found.items() if one.version == version}
        if records or version == 4:
            world.zone(origin, ns=ns, records="\n".join(sorted(records)))


def add_origin_zone(world: World, source: str, origins: Mapping[str, int], *, ns: Given | None = None) -> None:
    """Add a zone with AS numbers of addresses in Cymru's format, for prefixes that end on an octet (127.9.0.0/16)."""
    records = []
    for text, asn in origins.items():
        prefix = ipaddress.ip_network(text)
        answer = f'TXT "{asn} | {prefix} | ZZ | loopback | 2026-01-01"'
        if prefix.version == 6:
            nibbles = prefix.network_address.packed.hex()[: prefix.prefixlen // 4]
            own, where = ".".join(reversed(nibbles)), "origin6"
        else:
            octets = str(prefix.network_address).split(".")[: prefix.prefixlen // 8]
            own, where = ".".join(reversed(octets)), "origin"
        host = prefix.prefixlen == prefix.max_prefixlen
        records.append(f"{own if host else f'*.{own}'}.{where} {answer}")
    world.zone(source, ns=ns, records="\n".join(records))
