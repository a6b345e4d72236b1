"""The SOA record of the zone, for cases that need a single record and not the record of each server."""

from __future__ import annotations

from typing import Any

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Tag
from gonemaster_engine.zone.zone import Zone

NO_RESPONSE_SOA_QUERY = Tag("NO_RESPONSE_SOA_QUERY", Level.DEBUG)


async def first_soa(zone: Zone) -> Any:
    """Return the rdata of the SOA record in the first authoritative answer that has one, or None."""
    for server in await zone.servers():
        response = await server.query(zone.name, "SOA")
        if response and response.aa and (records := response.records("SOA", zone.name)):
            return records[0].rdata
    return None
