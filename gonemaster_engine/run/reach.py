"""Says whether this host reaches name servers at all: by IPv4 and IPv6, with small and large answers, over TCP.

The servers are those of the root hints. One that does not answer says nothing, so several are asked.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from gonemaster_engine import names
from gonemaster_engine.net.query import Query, QueryOutcome, Timing
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.net.wire.messages import Edns, query_body
from gonemaster_engine.net.wire.rrtypes import IN, type_number
from gonemaster_engine.resources import Hints

SMALL_OCTETS = 512  # RFC 1035 section 4.2.1: what UDP carries without EDNS
_PAYLOAD = 4096  # larger than any answer of the root; on its way it may come in fragments
_SERVERS = 4  # of each family
_TIMING = Timing(timeout_s=3.0, retrans_s=1.4, tries=2)
_ROOT = names.to_wire(names.ROOT)


@dataclass(frozen=True, slots=True)
class Way:
    """A kind of exchange: address family, transport, and whether the answer is to be larger than 512 octets."""

    family: int
    kind: str  # udp, large, tcp

    @property
    def name(self) -> str:
        """How people call it."""
        kinds = {"udp": "UDP", "large": "UDP with EDNS", "tcp": "TCP"}
        return f"IPv{self.family}, {kinds[self.kind]}"


WAYS = tuple(Way(family, kind) for family in (4, 6) for kind in ("udp", "large", "tcp"))


@dataclass(frozen=True, slots=True)
class PathReach:
    """What came of one way: how many servers answered of those that were asked, and the largest answer in octets.

    `truncated`: the answers over UDP were cut, so that the resolver has to ask over TCP. `error` is that of a server
    that did not answer.
    """

    asked: int
    answered: int
    octets: int = 0
    truncated: bool = False
    error: str = ""


async def probe_reach(
    hints: Hints, *, port: int = 53, source4: str = "", source6: str = "", timing: Timing = _TIMING
) -> dict[Way, PathReach]:
    """Ask some servers of each family in each way, all at once; takes a few seconds at most."""
    transport = Transport(port=port)
    try:
        found = await asyncio.gather(*(_probe(transport, way, hints, (source4, source6), timing) for way in WAYS))
    finally:
        await transport.close()
    return dict(zip(WAYS, found, strict=True))


async def _probe(transport: Transport, way: Way, hints: Hints, sources: tuple[str, str], timing: Timing) -> PathReach:
    known = sorted({address for addresses in hints.values() for address in addresses})
    family = [address for address in known if (":" in address) == (way.family == 6)]
    servers = random.sample(family, min(_SERVERS, len(family)))
    source = sources[way.family == 6]
    outcomes = await asyncio.gather(*(_ask(transport, way, address, source, timing) for address in servers))
    return _summary(outcomes)


def _summary(outcomes: Sequence[QueryOutcome]) -> PathReach:
    responses = [outcome.response for outcome in outcomes if outcome.response is not None]
    answers = [response for response in responses if not response.rcode_number]  # else something else answers for them
    errors = [outcome.error for outcome in outcomes if outcome.response is None]
    errors += [response.rcode for response in responses if response.rcode_number]
    return PathReach(
        asked=len(outcomes),
        answered=len(answers),
        octets=max((answer.size for answer in answers), default=0),
        truncated=bool(answers) and all(answer.tc for answer in answers),
        error=errors[0] if errors else "",
    )


async def _ask(transport: Transport, way: Way, address: str, source: str, timing: Timing) -> QueryOutcome:
    ended: asyncio.Future[QueryOutcome] = asyncio.get_running_loop().create_future()
    # The keys of the root with their signatures are the largest answer that every root server has.
    qtype, edns = ("DNSKEY", Edns(payload=_PAYLOAD, do=True)) if way.kind == "large" else ("SOA", None)
    query = Query(
        address,
        query_body(_ROOT, type_number(qtype), IN, 0, edns),
        timing,
        lambda outcome: None if ended.done() else ended.set_result(outcome),
        question_octets=len(_ROOT) + 4,
        source_address=source,
    )
    (transport.send_tcp if way.kind == "tcp" else transport.send_udp)(query)
    return await ended
