"""DELEGATION05: name server names must not be aliases.

In-domain names are queried at all name servers of the zone; the other names are resolved from the root.

Specification: Zonemaster DELEGATION05. RFC 1912 section 2.4, RFC 2181 section 10.3.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.testcases._aliases import is_alias
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NO_NS_CNAME = Tag("NO_NS_CNAME", Level.INFO)
NO_RESPONSE = Tag("NO_RESPONSE", Level.DEBUG, ("ns", "address", "query_name", "query_type"))
NS_IS_CNAME = Tag("NS_IS_CNAME", Level.ERROR, ("ns",))
UNEXPECTED_RCODE = Tag("UNEXPECTED_RCODE", Level.WARNING, ("ns", "address", "query_name", "query_type", "rcode"))


@case("delegation05", NO_NS_CNAME, NO_RESPONSE, NS_IS_CNAME, UNEXPECTED_RCODE, query_types=("A",))
async def delegation05(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that no name server name is an alias (CNAME)."""
    ns_names = await zone.all_names()
    has_in_domain = any(names.is_in_domain(name, zone.name) for name in ns_names)
    servers = usable(await zone.all_servers()) if has_in_domain else []
    aliases = False
    for name in ns_names:
        if names.is_in_domain(name, zone.name):
            findings = await _query_servers(zone, servers, name)
        else:
            findings = [NS_IS_CNAME(ns=name)] if await _resolves_as_alias(zone, name) else []
        for finding in findings:
            aliases = aliases or finding.tag is NS_IS_CNAME
            yield finding
    if not aliases:
        yield NO_NS_CNAME()


async def _query_servers(zone: Zone, servers: list[Nameserver], name: str) -> list[Finding]:
    pending = [(server, server.query(name, "A")) for server in servers]
    findings = []
    found_alias = False
    for server, answer in pending:
        response = await answer
        about = {"ns": server.name, "address": server.address, "query_name": name, "query_type": "A"}
        if response is None:
            findings.append(NO_RESPONSE(**about))
        elif response.rcode != "NOERROR":
            findings.append(UNEXPECTED_RCODE(**about, rcode=response.rcode))
        elif response.has("CNAME", name):
            found_alias = True
        elif response.is_referral:
            found_alias = found_alias or await _resolves_as_alias(zone, name)
    return [*findings, NS_IS_CNAME(ns=name)] if found_alias else findings


async def _resolves_as_alias(zone: Zone, name: str) -> bool:
    return is_alias(await zone.recursor.resolve(name, "A"), name)
