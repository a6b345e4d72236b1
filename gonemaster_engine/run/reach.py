"""Check whether this host reaches name servers: over IPv4 and IPv6, with small and large answers, over TCP.

The servers are those of the root hints. A single silent server proves nothing, so several are queried.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gonemaster_engine import names
from gonemaster_engine.net.query import Query, QueryOutcome, Timing
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.net.wire.messages import Edns, query_body
from gonemaster_engine.net.wire.rrtypes import IN, type_number
from gonemaster_engine.resources import Hints

SMALL_OCTETS = 512  # RFC 1035 section 4.2.1: the limit of UDP without EDNS
_PAYLOAD = 4096  # larger than any answer of the root; such an answer may be fragmented
_SERVERS = 4  # per address family
_TIMING = Timing(timeout_s=3.0, retrans_s=1.4, tries=2)
_ROOT = names.to_wire(names.ROOT)


@dataclass(frozen=True, slots=True)
class ExchangeKind:
    """A kind of exchange: address family, transport, and whether the answer is to be larger than 512 octets."""

    family: int
    kind: str  # udp, large, tcp

    @property
    def name(self) -> str:
        """The display name."""
        kinds = {"udp": "UDP", "large": "UDP with EDNS", "tcp": "TCP"}
        return f"IPv{self.family}, {kinds[self.kind]}"


EXCHANGE_KINDS = tuple(ExchangeKind(family, kind) for family in (4, 6) for kind in ("udp", "large", "tcp"))


@dataclass(frozen=True, slots=True)
class PathReach:
    """The result of one kind of exchange: servers queried, servers that answered, and the size of the largest answer.

    `truncated`: answers over UDP were truncated, so that a resolver has to retry over TCP. `error` is the error of one
    server that did not answer. Sizes are in octets.
    """

    tried: int
    answered: int
    octets: int = 0
    truncated: bool = False
    error: str = ""


async def probe_reach(
    hints: Hints, *, port: int = 53, source4: str = "", source6: str = "", timing: Timing = _TIMING
) -> dict[ExchangeKind, PathReach]:
    """Query some servers of each address family with each kind of exchange, concurrently; this takes a few seconds."""
    transport = Transport(port=port)
    try:
        found = await asyncio.gather(
            *(_probe(transport, exchange, hints, (source4, source6), timing) for exchange in EXCHANGE_KINDS)
        )
    finally:
        await transport.close()
    return dict(zip(EXCHANGE_KINDS, found, strict=True))


async def probe_families(
    addresses: Iterable[str], *, port: int = 53, sources: tuple[str, str] = ("", ""), timing: Timing = _TIMING
) -> dict[int, bool]:
    """Query some of these addresses; return for each of their families, 4 and 6, whether any message came back."""
    transport = Transport(port=port)
    known = sorted(set(addresses))

    async def answers(family: int, of_family: Sequence[str]) -> bool:
        servers = random.sample(of_family, min(_SERVERS, len(of_family)))
        kind, source = ExchangeKind(family, "udp"), sources[family == 6]
        outcomes = await asyncio.gather(*(_ask(transport, kind, each, source, timing) for each in servers))
        return any(outcome.response for outcome in outcomes)

    by_family = {family: [address for address in known if (":" in address) == (family == 6)] for family in (4, 6)}
    tried = {family: of_family for family, of_family in by_family.items() if of_family}
    try:
        found = await asyncio.gather(*(answers(*each) for each in tried.items()))
    finally:
        await transport.close()
    return dict(zip(tried, found, strict=True))


async def _probe(
    transport: Transport, exchange: ExchangeKind, hints: Hints, sources: tuple[str, str], timing: Timing
) -> PathReach:
    root_addresses = sorted({address for addresses in hints.values() for address in addresses})
    family = [address for address in root_addresses if (":" in address) == (exchange.family == 6)]
    servers = random.sample(family, min(_SERVERS, len(family)))
    source = sources[exchange.family == 6]
    outcomes = await asyncio.gather(*(_ask(transport, exchange, address, source, timing) for address in servers))
    return _summary(outcomes)


def _summary(outcomes: Sequence[QueryOutcome]) -> PathReach:
    responses = [outcome.response for outcome in outcomes if outcome.response is not None]
    answers = [response for response in responses if not response.rcode_number]  # other RCODEs come from a middlebox
    errors = [outcome.error for outcome in outcomes if outcome.response is None]
    errors += [response.rcode for response in responses if response.rcode_number]
    return PathReach(
        tried=len(outcomes),
        answered=len(answers),
        octets=max((answer.size for answer in answers), default=0),
        truncated=bool(answers) and all(answer.tc for answer in answers),
        error=errors[0] if errors else "",
    )


async def _ask(transport: Transport, exchange: ExchangeKind, address: str, source: str, timing: Timing) -> QueryOutcome:
    ended: asyncio.Future[QueryOutcome] = asyncio.get_running_loop().create_future()
    # The root DNSKEY set with its signatures is the largest answer that every root server has.
    qtype, edns = ("DNSKEY", Edns(payload=_PAYLOAD, do=True)) if exchange.kind == "large" else ("SOA", None)
    query = Query(
        address,
        query_body(_ROOT, type_number(qtype), IN, 0, edns),
        timing,
        lambda outcome: None if ended.done() else ended.set_result(outcome),
        question_octets=len(_ROOT) + 4,
        source_address=source,
    )
    (transport.send_tcp if exchange.kind == "tcp" else transport.send_udp)(query)
    return await ended
