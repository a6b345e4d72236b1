"""RST's test cases about single records of the zone: host names, signing algorithms, DS digests, NSEC3 parameters.

Source: icann/rst-test-specs v2026.05, inc/dns/cases.yaml and inc/dnssec/cases.yaml.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TypeGuard, cast

from dns.rdtypes.ANY.NSEC3PARAM import NSEC3PARAM
from dns.rdtypes.ANY.SOA import SOA

from gonemaster_engine.dnssec.records import dnskey
from gonemaster_engine.entries import Entry
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response, from_dns_name
from gonemaster_engine.rst.codes import DS_DIGESTS, IDNA, NSEC3_PARAMETERS, SIGNING_ALGORITHMS, make_entry
from gonemaster_engine.rst.hostnames import invalid_labels
from gonemaster_engine.rst.tld import Tld
from gonemaster_engine.zone.zone import Zone

LOWEST_ALGORITHM = 8
FORBIDDEN_DIGESTS = {1: "SHA-1", 12: "GOST R 34.11-2012"}
_MAX_SHOWN = 20


async def idna2008(zone: Zone, tld: Tld) -> AsyncIterator[Entry]:
    """Check that MNAME, RNAME and the NS names of the apex consist of valid host name labels."""
    servers = zone_servers(zone, tld)
    answers = await zone.query_all(zone.name, "SOA", servers)
    if not any(_usable(response) and response.has("SOA", zone.name) for _, response in answers):
        yield make_entry(IDNA, "DNS_IDNA2008_QUERY_FAILED", query_type="SOA", servers=_listed(servers))
        return  # CRITICAL: the case cannot continue
    mnames, rnames, targets = set[str](), set[str](), set[str]()
    for _, response in answers:
        for record in response.records("SOA", zone.name) if _usable(response) else ():
            soa = cast("SOA", record.rdata)
            mnames.add(from_dns_name(soa.mname))
            rnames.add(from_dns_name(soa.rname))
    for _, response in await zone.query_all(zone.name, "NS", servers):
        if _usable(response):
            targets.update(record.target for record in response.records("NS", zone.name))
    for tag, found in (
        ("DNS_IDNA2008_INVALID_MNAME", mnames),
        ("DNS_IDNA2008_INVALID_RNAME", rnames),
        ("DNS_IDNA2008_INVALID_NS_NSDNAME", targets),
    ):
        for name in sorted(found)[:_MAX_SHOWN]:
            if labels := invalid_labels(name):
                yield make_entry(IDNA, tag, query_name=name, labels=labels)


async def signing_algorithms(zone: Zone, tld: Tld) -> AsyncIterator[Entry]:
    """Check that no key or signature of the apex uses an algorithm below 8."""
    servers = zone_servers(zone, tld)
    found: dict[int, list[Nameserver]] = {}
    failed = []
    for server, response in await zone.query_all(zone.name, "DNSKEY", servers, dnssec=True):
        if not _usable(response):
            failed.append(server)
            continue
        used = {key.algorithm for record in response.records("DNSKEY", zone.name) if (key := dnskey(record.octets))}
        used |= {record.octets[2] for record in response.records("RRSIG", zone.name) if len(record.octets) > 2}
        for number in used:
            found.setdefault(number, []).append(server)
    if failed:
        yield make_entry(SIGNING_ALGORITHMS, "DNSSEC_DNS_QUERY_ERROR", query_type="DNSKEY", servers=_listed(failed))
    for number in sorted(found):
        if number < LOWEST_ALGORITHM:
            tag = "DNSSEC_INVALID_SIGNING_ALGORITHM"
            yield make_entry(SIGNING_ALGORITHMS, tag, algorithm=number, servers=_listed(found[number]))


async def ds_digests(_: Zone, tld: Tld) -> AsyncIterator[Entry]:
    """Check that no submitted DS record has digest type 1 or 12."""
    for record in tld.ds:
        if record.digtype in FORBIDDEN_DIGESTS:
            tag = "DNSSEC_INVALID_DIGEST_ALGORITHM"
            yield make_entry(DS_DIGESTS, tag, keytag=record.keytag, digest_type=record.digtype)


async def nsec3_parameters(zone: Zone, tld: Tld) -> AsyncIterator[Entry]:
    """Check that the NSEC3PARAM records have no iterations and no salt."""
    servers = zone_servers(zone, tld)
    iterations: dict[int, list[Nameserver]] = {}
    salts: dict[str, list[Nameserver]] = {}
    failed, uses_nsec3 = [], False
    for server, response in await zone.query_all(zone.name, "NSEC3PARAM", servers, dnssec=True):
        if not _usable(response):
            failed.append(server)
            continue
        for record in response.records("NSEC3PARAM", zone.name):
            uses_nsec3 = True
            rdata = cast("NSEC3PARAM", record.rdata)
            if rdata.iterations:
                iterations.setdefault(rdata.iterations, []).append(server)
            if rdata.salt:
                salts.setdefault(rdata.salt.hex(), []).append(server)
    if failed:
        yield make_entry(NSEC3_PARAMETERS, "DNSSEC_DNS_QUERY_ERROR", query_type="NSEC3PARAM", servers=_listed(failed))
    for number, having in sorted(iterations.items()):
        tag = "DNSSEC_NSEC3_ITERATIONS_IS_NOT_ZERO"
        yield make_entry(NSEC3_PARAMETERS, tag, iterations=number, servers=_listed(having))
    for salt, having in sorted(salts.items())[:_MAX_SHOWN]:
        yield make_entry(NSEC3_PARAMETERS, "DNSSEC_NSEC3_SALT_IS_NOT_EMPTY", salt=salt, servers=_listed(having))
    if not failed and not uses_nsec3:
        yield make_entry(NSEC3_PARAMETERS, "RST_CASE_SKIPPED")


def zone_servers(zone: Zone, tld: Tld) -> list[Nameserver]:
    """Return the name servers of the input parameters, of the families that are used, one per address."""
    by_address = {address: server.name for server in tld.servers for address in server.addresses}
    return [
        zone.nameserver(name, address)
        for address, name in by_address.items()
        if zone.context.uses_family(ipv6=":" in address)
    ]


def _usable(response: Response | None) -> TypeGuard[Response]:
    return response is not None and response.aa and response.rcode_number == 0


def _listed(servers: Iterable[Nameserver]) -> list[dict[str, str]]:
    return [{"ns": server.name, "address": server.address} for server in dict.fromkeys(servers)]
