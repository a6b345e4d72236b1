"""CONNECTIVITY05: the DNSKEY response of each name server should arrive, regardless of its size.

The result depends on the path between this host and the name server, so a lost response is only a warning.

RFC 6891 sections 6.2.3 and 6.2.5, RFC 9715 section 3.1, RFC 10001 section 4.1, RFC 7766 section 5, RFC 2181 section 9.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.net.wire.messages import DNSSEC_PAYLOAD, PLAIN_PAYLOAD, Edns, Response
from gonemaster_engine.testcases.registry import case
from gonemaster_engine.waiting import SILENCE_TIMEOUT_S, first_done
from gonemaster_engine.zone.families import ServerFilter
from gonemaster_engine.zone.zone import Zone

MAX_PAYLOAD = 4096  # octets; the largest payload size to try
PROBE_STEP = 256  # octets; the granularity of payload sizes to try
SMALL = Edns(payload=PLAIN_PAYLOAD, do=True)

_KEYS = ("size", "payload", "query_type", "servers")
FITS = Tag("CN05_ANSWER_FITS_UDP", Level.INFO, _KEYS)
NEEDS_TCP = Tag("CN05_ANSWER_NEEDS_TCP", Level.NOTICE, _KEYS)
DELIVERED = Tag("CN05_LARGE_ANSWER_DELIVERED_UDP", Level.INFO, _KEYS)
NO_UDP_ANSWER = Tag("CN05_LARGE_ANSWER_NO_UDP_ANSWER", Level.WARNING, _KEYS)
CAPPED = Tag("CN05_SERVER_CAPS_UDP_ANSWER", Level.INFO, _KEYS)
TRUNCATED = Tag("CN05_TCP_ANSWER_TRUNCATED", Level.ERROR, _KEYS)
LOST = Tag("CN05_UDP_LOSS_SIZE_DEPENDENT", Level.WARNING, _KEYS)
TAGS = (FITS, NEEDS_TCP, DELIVERED, NO_UDP_ANSWER, CAPPED, TRUNCATED, LOST)


class AddressObservation(NamedTuple):
    """The observation at one address."""

    tag: Tag
    size: int  # size of the answer in octets
    payload: int = DNSSEC_PAYLOAD  # announced, in octets


@case("connectivity05", *TAGS, query_types=("DNSKEY",))
async def connectivity05(zone: Zone, usable: ServerFilter) -> list[Finding]:
    """Check that the DNSKEY response of each name server arrives over UDP or TCP, regardless of its size."""
    servers = usable(await zone.all_servers())
    observed = await asyncio.gather(*(_observe(zone, server) for server in servers))
    return _grouped(zip(servers, observed, strict=True))


def _grouped(observed: Iterable[tuple[Nameserver, Sequence[AddressObservation]]]) -> list[Finding]:
    groups: dict[AddressObservation, list[Nameserver]] = defaultdict(list)
    fitting: dict[Nameserver, int] = {}
    for server, observations in observed:
        for observation in observations:
            if observation.tag is FITS:
                fitting[server] = observation.size
            else:
                groups[observation].append(server)
    if fitting:
        groups[AddressObservation(FITS, max(fitting.values()))] = list(fitting)
    order = sorted(groups, key=lambda seen: (TAGS.index(seen.tag), seen.size, seen.payload))
    return [seen.tag(size=seen.size, payload=seen.payload, query_type="DNSKEY", servers=groups[seen]) for seen in order]


async def _observe(zone: Zone, server: Nameserver) -> list[AddressObservation]:
    answer = asyncio.ensure_future(server.query(zone.name, "DNSKEY", dnssec=True))
    await first_done([answer], until=zone.context.loop.time() + SILENCE_TIMEOUT_S)
    # The response may be lost because of its size; this is checked while the wait continues.
    loss = None if answer.done() else zone.context.start(_observe_loss(zone, server))
    response = await answer
    if response is None:
        return await (loss or _observe_loss(zone, server))
    if response.tc and not response.over_tcp:
        response = await _query_over_tcp(zone, server)
    if response is None or response.rcode != "NOERROR":
        return []
    if response.tc:
        return [AddressObservation(TRUNCATED, response.size)]
    if not response.over_tcp:
        return [AddressObservation(FITS, response.size)]
    needs_tcp = AddressObservation(NEEDS_TCP, response.size)
    if not DNSSEC_PAYLOAD < response.size <= MAX_PAYLOAD:
        return [needs_tcp]  # another announced size would not change the result
    return [needs_tcp, *await _probe(zone, server, response.size)]


async def _query_over_tcp(zone: Zone, server: Nameserver) -> Response | None:
    return await server.query(zone.name, "DNSKEY", dnssec=True, tcp=True)


async def _probe(zone: Zone, server: Nameserver, size: int) -> list[AddressObservation]:
    """Query with an announced payload size that is large enough for the answer."""
    payload = min((size // PROBE_STEP + 1) * PROBE_STEP, MAX_PAYLOAD)
    edns = Edns(payload=payload, do=True)
    response = await server.query(zone.name, "DNSKEY", edns=edns, fallback=False, probing=True)
    if response is None:
        return [AddressObservation(NO_UDP_ANSWER, size, payload)]
    if response.tc:
        return [AddressObservation(CAPPED, size, payload)]
    return [AddressObservation(DELIVERED, response.size, payload)] if response.rcode == "NOERROR" else []


async def _observe_loss(zone: Zone, server: Nameserver) -> list[AddressObservation]:
    """Determine whether only large answers are lost."""
    small = await server.query(zone.name, "DNSKEY", edns=SMALL, fallback=False)
    if small is None or not small.tc:
        return []
    response = await _query_over_tcp(zone, server)
    if response is None or response.rcode != "NOERROR":
        return []
    return [AddressObservation(TRUNCATED if response.tc else LOST, response.size)]
