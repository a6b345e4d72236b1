"""DELEGATION08: the endpoints to which the parent zone wants notifications of new CDS records.

RFC 9859 sections 2, 3 and 4.1. NOTIFY messages are sent only if the profile says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.wire.rrtypes import type_text
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.dsync import MAX_ENDPOINTS, NOTIFY_SCHEME, Dsync, find_dsync
from gonemaster_engine.zone.notify import MAX_ADDRESSES, notify, obstacle
from gonemaster_engine.zone.zone import Zone

_ENDPOINT = ("target", "port", "address")
FOUND = Tag("DEL08_DSYNC_FOUND", Level.INFO, ("zone", "query_type", "scheme", "port", "target"))
ANSWERS = Tag("DEL08_ENDPOINT_ANSWERS", Level.INFO, (*_ENDPOINT, "rcode"))
NO_RESPONSE = Tag("DEL08_ENDPOINT_NO_RESPONSE", Level.WARNING, _ENDPOINT)
NONE = Tag("DEL08_NO_DSYNC", Level.INFO, ("zone",))
WITHOUT_ADDRESS = Tag("DEL08_TARGET_WITHOUT_ADDRESS", Level.WARNING, ("target",))


@case("delegation08", FOUND, ANSWERS, NO_RESPONSE, NONE, WITHOUT_ADDRESS)
async def delegation08(zone: Zone) -> AsyncIterator[Finding]:
    """Look up where the parent zone wants notifications of new CDS records (DSYNC)."""
    parent, records = await zone.parent_zone(), await find_dsync(zone)
    if parent is None or records is None:  # an unanswered query is no finding about the zone
        return
    if not records:
        yield NONE(zone=parent.name)
    chosen = records[:MAX_ENDPOINTS]
    for each in chosen:
        yield FOUND(
            zone=parent.name,
            query_type=type_text(each.rtype),
            scheme=each.scheme,
            port=each.port,
            target=each.target,
        )
    targets = {each.target: await _addresses(zone, each.target) for each in chosen if each.scheme == NOTIFY_SCHEME}
    for target, addresses in targets.items():
        if addresses == []:
            yield WITHOUT_ADDRESS(target=target)
    if zone.setting("delegation08", "notify"):
        for each in chosen:
            if each.is_for_cds:
                for finding in await _ask(zone, each, targets[each.target] or []):
                    yield finding


async def _addresses(zone: Zone, target: str) -> list[str] | None:
    """Return the addresses of a target; None if they are unknown, because a query was not answered."""
    found = await zone.recursor.addresses(target)
    unanswered = any((target, rtype) in zone.recursor.unanswered for rtype in ("A", "AAAA"))
    return None if not found and unanswered else found


async def _ask(zone: Zone, record: Dsync, addresses: list[str]) -> list[Finding]:
    found: list[Finding] = []
    for address in addresses[:MAX_ADDRESSES]:
        if obstacle(zone, address):
            continue
        of = {"target": record.target, "port": record.port, "address": address}
        answer = await notify(zone, record, address)
        found.append(ANSWERS(**of, rcode=answer.rcode) if answer.rcode else NO_RESPONSE(**of))
    return found
