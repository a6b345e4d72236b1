"""ZONE08: mail exchanges in MX records must not be aliases.

The name servers of the zone are queried for each mail exchange; names that they do not serve are not checked.

Specification: Zonemaster ZONE08. RFC 2181 section 10.3, RFC 5321 section 5.1, RFC 7505 (null MX).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.zone import Zone

IS_CNAME = Tag("MX_RECORD_IS_CNAME", Level.ERROR, ("mx",))
IS_NOT_CNAME = Tag("MX_RECORD_IS_NOT_CNAME", Level.INFO, ("mx",))
NOT_CHECKED = Tag("MX_RECORD_NOT_CHECKED", Level.INFO, ("mx",))
NO_RESPONSE = Tag("NO_RESPONSE_MX_QUERY", Level.DEBUG)


@case("zone08", IS_CNAME, IS_NOT_CNAME, NOT_CHECKED, NO_RESPONSE)
async def zone08(zone: Zone) -> AsyncIterator[Finding]:
    """Check that no mail exchange in an MX record is an alias (CNAME)."""
    response = await zone.query_auth(zone.name, "MX")
    if response is None:
        yield NO_RESPONSE()
        return
    hosts = {record.target for record in response.records("MX", zone.name)} - {names.ROOT}
    for host in zone.mail_servers(hosts):
        answer = await _query(zone, host)
        if answer is None:
            yield NOT_CHECKED(mx=host)
        else:
            tag = IS_CNAME if answer.has("CNAME", host) else IS_NOT_CNAME
            yield tag(mx=host)


async def _query(zone: Zone, host: str) -> Response | None:
    """Return the first authoritative answer about a host."""
    if names.is_in_domain(host, zone.name):
        return await zone.query_auth(host, "A")
    # Usually no server has data for the name, so all servers are queried concurrently.
    return next((answer for _, answer in await zone.query_all(host, "A") if answer and answer.aa), None)
