"""SYNTAX06: the SOA RNAME must be a mail address that can receive mail.

Specification: Zonemaster SYNTAX06. RFC 1035 section 8, RFC 1912 section 2.2, RFC 5322 section 3.4.1,
RFC 5321 sections 4.1.2 and 5.1, RFC 7505.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.testcases._aliases import is_alias
from gonemaster_engine.testcases._mailbox import is_mailbox, mail_address
from gonemaster_engine.testcases._soa import NO_RESPONSE_SOA_QUERY
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NO_RESPONSE = Tag("NO_RESPONSE", Level.DEBUG, ("ns", "address", "domain"))
DOMAIN_INVALID = Tag("RNAME_MAIL_DOMAIN_INVALID", Level.NOTICE, ("domain",), optional=("mx",))
DOMAIN_LOCALHOST = Tag("RNAME_MAIL_DOMAIN_LOCALHOST", Level.WARNING, ("domain", "localhost"))
ILLEGAL_CNAME = Tag("RNAME_MAIL_ILLEGAL_CNAME", Level.WARNING, ("domain",))
ADDRESS_INVALID = Tag("RNAME_RFC822_INVALID", Level.WARNING, ("rname",))
ADDRESS_VALID = Tag("RNAME_RFC822_VALID", Level.INFO, ("rname",))

_LOCALHOST = {"A": "127.0.0.1", "AAAA": "::1"}


@case(
    "syntax06",
    NO_RESPONSE,
    NO_RESPONSE_SOA_QUERY,
    DOMAIN_INVALID,
    DOMAIN_LOCALHOST,
    ILLEGAL_CNAME,
    ADDRESS_INVALID,
    ADDRESS_VALID,
    query_types=("SOA",),
)
async def syntax06(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the SOA RNAME is a mail address that can receive mail."""
    addresses, findings = await _addresses(zone, usable(await zone.all_servers()))
    for finding in findings:
        yield finding
    valid = [address for address, is_valid in addresses.items() if is_valid]
    for address, is_valid in addresses.items():
        if not is_valid:
            yield ADDRESS_INVALID(rname=address)
    reachable = True
    for domain in zone.mail_servers(address.rpartition("@")[2] for address in valid):
        for finding in await _check_mail_domain(zone, domain.lower()):
            reachable = reachable and finding.tag is not DOMAIN_INVALID
            yield finding
    if reachable and not zone.omits_mail_servers:
        for address in valid:
            yield ADDRESS_VALID(rname=address)


async def _addresses(zone: Zone, servers: list[Nameserver]) -> tuple[dict[str, bool], list[Finding]]:
    """Return the sorted mail addresses in the SOA records with their validity, and findings about other servers."""
    findings: list[Finding] = []
    addresses = {}
    without_soa = False
    for server, response in await query_all(servers, zone.name, "SOA"):
        await zone.wait_for_turn()
        if response is None:
            findings.append(NO_RESPONSE(ns=server.name, address=server.address, domain=zone.name))
        elif records := response.records("SOA", zone.name):
            soa: Any = records[0].rdata
            addresses[mail_address(soa.rname)] = is_mailbox(soa.rname)
        else:
            without_soa = True
    if without_soa:
        findings.append(NO_RESPONSE_SOA_QUERY())
    return dict(sorted(addresses.items())), findings


async def _check_mail_domain(zone: Zone, domain: str) -> list[Finding]:
    response = (await zone.recursor.resolve(domain, "MX")).response
    if response is None or response.rcode != "NOERROR":
        return [DOMAIN_INVALID(domain=domain)]
    exchanges = {record.target for record in response.records("MX")}
    # A null MX (the domain accepts no mail) is an exchange without an address, even together with others.
    findings = [DOMAIN_INVALID(domain=domain, mx=names.ROOT)] if names.ROOT in exchanges else []
    for host in zone.mail_servers(exchanges - {names.ROOT} if exchanges else {domain}):
        findings += await _check_mail_host(zone, host)
    return findings


async def _check_mail_host(zone: Zone, host: str) -> list[Finding]:
    """Return the faults of a mail exchange."""
    findings = []
    found_alias = has_address = False
    for rtype, localhost in _LOCALHOST.items():
        resolution = await zone.recursor.resolve(host, rtype)
        if is_alias(resolution, host):
            found_alias = True
        elif resolution.response is not None:
            addresses = {record.address for record in resolution.response.records(rtype, host)}
            if localhost in addresses:
                findings.append(DOMAIN_LOCALHOST(domain=host, localhost=localhost))
            else:
                has_address = has_address or bool(addresses)
    if found_alias:
        findings.insert(0, ILLEGAL_CNAME(domain=host))
    return findings if has_address else [*findings, DOMAIN_INVALID(domain=host)]
