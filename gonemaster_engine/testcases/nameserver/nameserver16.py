"""NAMESERVER16: how the name servers identify themselves (NSID).

RFC 5001.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import query_all
from gonemaster_engine.net.wire.messages import DNSSEC_PAYLOAD, Edns, Response
from gonemaster_engine.testcases.nameserver._shared import grouped
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

NSID = 3
PROBE = Edns(payload=DNSSEC_PAYLOAD, options=((NSID, b""),))

HAS_NSID = Tag("N16_HAS_NSID", Level.INFO, ("nsid", "servers"))
NOT_REVEALED = Tag("N16_NO_NSID_REVEALED", Level.INFO, ("servers",))
NO_RESPONSE = Tag("N16_NO_RESPONSE", Level.WARNING, ("servers",))
UNEXPECTED_RCODE = Tag("N16_UNEXPECTED_RCODE", Level.WARNING, ("rcode", "servers"))


@case("nameserver16", HAS_NSID, NOT_REVEALED, NO_RESPONSE, UNEXPECTED_RCODE, query_types=("SOA",))
async def nameserver16(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check how the name servers identify themselves (NSID)."""
    servers = usable(await zone.all_servers())
    answers = await query_all(servers, zone.name, "SOA", edns=PROBE)
    groups = grouped([(_judge(response), server) for server, response in answers])
    for tag, text in sorted(groups, key=lambda key: (key[0].name, key[1])):
        found = {"nsid": text} if tag is HAS_NSID else {"rcode": text} if tag is UNEXPECTED_RCODE else {}
        yield tag(**found, servers=groups[tag, text])


def _judge(response: Response | None) -> tuple[Tag, str]:
    """Return the tag for a response, with its identifier or RCODE."""
    if response is None:
        return NO_RESPONSE, ""
    if response.rcode != "NOERROR":
        return UNEXPECTED_RCODE, response.rcode
    value = response.edns.option(NSID) if response.edns else None
    text = _as_text(value or b"")
    return (HAS_NSID, text) if text else (NOT_REVEALED, "")


def _as_text(value: bytes) -> str:
    """Return an identifier as stripped text, or in hexadecimal if it is not text."""
    text = value.decode("utf-8", "replace").strip()
    return text if text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text else value.hex()
