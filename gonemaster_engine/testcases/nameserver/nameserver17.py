"""NAMESERVER17: name servers should support DNS Cookies and accept their own server cookies.

RFC 7873 sections 5.2 and 5.3, RFC 9018.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.answers import COOKIE_OPTION
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import DNSSEC_PAYLOAD, Edns, Response
from gonemaster_engine.testcases.nameserver._shared import grouped
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

FULL_OCTETS = range(16, 41)

_KEYS = ("servers",)
CLIENT_ONLY = Tag("N17_COOKIE_CLIENT_ONLY", Level.WARNING, _KEYS)
ENFORCED = Tag("N17_COOKIE_ENFORCED", Level.INFO, _KEYS)
MALFORMED = Tag("N17_COOKIE_MALFORMED", Level.WARNING, ("cookie_bytes", "servers"))
ROUNDTRIP_OK = Tag("N17_COOKIE_ROUNDTRIP_OK", Level.INFO, _KEYS)
SELF_REJECT = Tag("N17_COOKIE_SELF_REJECT", Level.WARNING, _KEYS)
SUPPORTED = Tag("N17_COOKIE_SUPPORTED", Level.INFO, _KEYS)
NO_COOKIE = Tag("N17_NO_COOKIE", Level.INFO, _KEYS)
NO_RESPONSE = Tag("N17_NO_RESPONSE", Level.WARNING, _KEYS)

Observation: TypeAlias = tuple[Tag, int]
"""A tag, and the length of a malformed cookie."""


@case(
    "nameserver17",
    CLIENT_ONLY,
    ENFORCED,
    MALFORMED,
    ROUNDTRIP_OK,
    SELF_REJECT,
    SUPPORTED,
    NO_COOKIE,
    NO_RESPONSE,
    query_types=("SOA",),
)
async def nameserver17(zone: Zone, usable: ServerFilter) -> AsyncIterator[Finding]:
    """Check that the name servers support DNS Cookies and accept their own server cookies."""
    servers = usable(await zone.all_servers())
    observed = await asyncio.gather(
        *(_observe(zone, server, server.server.cache.client_cookie()) for server in servers)
    )
    groups = grouped(
        (seen, server) for server, observations in zip(servers, observed, strict=True) for seen in observations
    )
    for tag, length in sorted(groups, key=lambda key: (key[0].name, key[1])):
        found = {"cookie_bytes": length} if tag is MALFORMED else {}
        yield tag(**found, servers=groups[tag, length])


async def _observe(zone: Zone, server: Nameserver, client: bytes) -> list[Observation]:
    response = await _query(zone, server, client)
    if response is None or response.tc:
        return [(NO_RESPONSE, 0)]
    cookie = _cookie(response)
    full = cookie if cookie and _is_full(cookie, client) else None
    if response.rcode == "BADCOOKIE":
        return [(ENFORCED, 0), *await _return(zone, server, client, full)] if full else []
    if response.rcode != "NOERROR":
        return []
    if full:
        return [(SUPPORTED, 0), *await _return(zone, server, client, full)]
    if cookie is None:
        return [(NO_COOKIE, 0)]
    return [(CLIENT_ONLY, 0)] if cookie == client else [(MALFORMED, len(cookie))]


async def _return(zone: Zone, server: Nameserver, client: bytes, cookie: bytes) -> list[Observation]:
    """Return the cookie to the server; if it has expired in the meantime, use its replacement once."""
    for _ in range(2):
        response = await _query(zone, server, cookie)
        if response is None or response.rcode not in {"NOERROR", "BADCOOKIE"}:
            return []
        if response.rcode == "NOERROR":
            return [(ROUNDTRIP_OK, 0)]
        fresh = _cookie(response)
        cookie = fresh if fresh and _is_full(fresh, client) else cookie
    return [(SELF_REJECT, 0)]


async def _query(zone: Zone, server: Nameserver, cookie: bytes) -> Response | None:
    edns = Edns(payload=DNSSEC_PAYLOAD, options=((COOKIE_OPTION, cookie),))
    return await server.query(zone.name, "SOA", edns=edns, fallback=False)


def _cookie(response: Response) -> bytes | None:
    return response.edns.option(COOKIE_OPTION) if response.edns else None


def _is_full(cookie: bytes, client: bytes) -> bool:
    return len(cookie) in FULL_OCTETS and cookie.startswith(client)
