"""NAMESERVER15: whether a name server reveals the version of its software.

Specification: Zonemaster NAMESERVER15. RFC 4892, RFC 7208 section 3.3 (joining of strings).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver, query_all
from gonemaster_engine.net.wire.rrtypes import CLASS_NUMBER, type_number
from gonemaster_engine.net.wire.txt import joined_strings
from gonemaster_engine.testcases.nameserver._shared import escape_octets, grouped
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

QUERY_NAMES = ("version.bind", "version.server")
BLANKS = b" \t"

VERSION = Tag("N15_SOFTWARE_VERSION", Level.NOTICE, ("string", "query_name", "servers"))
ERROR = Tag("N15_ERROR_ON_VERSION_QUERY", Level.NOTICE, ("query_name", "servers"))
NOT_REVEALED = Tag("N15_NO_VERSION_REVEALED", Level.INFO, ("servers",))
WRONG_CLASS = Tag("N15_WRONG_CLASS", Level.WARNING, ("servers",))


@dataclass(slots=True)
class Software:
    """The answers of a server to the version queries."""

    versions: list[tuple[str, str]] = field(default_factory=list)  # text, query name
    errors: list[str] = field(default_factory=list)  # query names
    wrong_class: bool = False


@case("nameserver15", VERSION, ERROR, NOT_REVEALED, WRONG_CLASS, query_types=("SOA", "TXT"))
async def nameserver15(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check whether the name servers reveal the version of their software."""
    servers = usable(await zone.all_servers())
    answering = [server for server, response in await query_all(servers, zone.name, "SOA") if response]
    reported = dict(zip(answering, await asyncio.gather(*map(_query_versions, answering)), strict=True))
    return _findings(reported)


def _findings(reported: Mapping[Nameserver, Software]) -> list[Finding]:
    versions = grouped((version, server) for server, reply in reported.items() for version in reply.versions)
    errors = grouped((name, server) for server, reply in reported.items() for name in reply.errors)
    findings = [
        VERSION(string=text, query_name=query_name, servers=servers)
        for (text, query_name), servers in sorted(versions.items())
    ]
    findings += [ERROR(query_name=query_name, servers=servers) for query_name, servers in sorted(errors.items())]
    if undisclosed := [server for server, reply in reported.items() if not reply.versions]:
        findings.append(NOT_REVEALED(servers=undisclosed))
    if wrong := [server for server, reply in reported.items() if reply.wrong_class]:
        findings.append(WRONG_CLASS(servers=wrong))
    return findings


async def _query_versions(server: Nameserver) -> Software:
    reported = Software()
    pending = [(query_name, server.query(query_name, "TXT", qclass="CH")) for query_name in QUERY_NAMES]
    for query_name, answer in pending:
        response = await answer
        if response is None or response.rcode == "SERVFAIL":
            reported.errors.append(query_name)
            continue
        for record in response.answer:
            if record.type != type_number("TXT") or record.owner != query_name:
                continue
            reported.wrong_class |= record.rdclass != CLASS_NUMBER["CH"]
            if text := escape_octets(joined_strings(record.octets).strip(BLANKS)):
                reported.versions.append((text, query_name))
    return reported
