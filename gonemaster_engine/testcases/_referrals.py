"""Referrals from the parent's servers: NS names and glue, without data from other lookups."""

from __future__ import annotations

from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.zone.zone import Zone


async def referrals(zone: Zone) -> list[tuple[Nameserver | None, Response]]:
    """Return the complete referrals to the zone: not truncated and with an empty answer section.

    For an undelegated zone the referral is built from the supplied data, and the server is None.
    """
    if zone.undelegated:
        supplied = await zone.query_parent("NS")
        return [(None, supplied)] if supplied is not None and _is_complete(supplied, zone.name) else []
    servers = await zone.parent_servers() or (await zone.walk()).servers()
    return [
        (server, response)
        for server, response in await zone.query_delegation(servers)
        if response is not None and _is_complete(response, zone.name)
    ]


def _is_complete(response: Response, zone_name: str) -> bool:
    """Return whether the referral is a complete delegation of the zone; some servers set AA by mistake."""
    delegates = response.rcode == "NOERROR" and response.has("NS", zone_name, "authority")
    return delegates and not response.tc and not response.answer


def delegated_names(zone: Zone, response: Response) -> list[str]:
    """Return the name server names of a referral to the zone, sorted."""
    return zone.admitted_names(record.target for record in response.records("NS", zone.name, "authority"))


def glue_addresses(response: Response, name: str) -> set[str]:
    """Return the addresses of a name in a referral."""
    return {record.address for rtype in ("A", "AAAA") for record in response.records(rtype, name, "additional")}
