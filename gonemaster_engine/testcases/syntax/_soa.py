"""The SOA record that the syntax cases look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gonemaster_engine.entries import Level
from gonemaster_engine.registry import Tag

if TYPE_CHECKING:
    from gonemaster_engine.zone import Zone

NO_RESPONSE_SOA_QUERY = Tag("NO_RESPONSE_SOA_QUERY", Level.DEBUG)


async def first_soa(zone: Zone) -> Any:
    """Return the rdata of the SOA record in the first authoritative answer, None without one."""
    response = await zone.query_auth(zone.name, "SOA")
    records = response.records("SOA", zone.name) if response is not None else []
    return records[0].rdata if records else None
