"""Priming: ask a server of the root hints for the current root servers and keys of the root.

Source: RFC 9609. Priming tells an operator that the hints or the trust anchors need an update, and workers use the
primed root servers. A run on the command line starts from the hints: it would prime for itself alone, and the same
recorded packets must always give the same result.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from gonemaster_engine import names
from gonemaster_engine.dnssec.chain import Trust, validate_keys, validate_set
from gonemaster_engine.dnssec.digests import digest_matches
from gonemaster_engine.dnssec.records import Dnskey, Ds, dnskeys, rrset, signatures
from gonemaster_engine.dnssec.verify import Verifier
from gonemaster_engine.net.query import Query, QueryOutcome, Timing
from gonemaster_engine.net.transport import Transport
from gonemaster_engine.net.wire.messages import Edns, Response, query_body
from gonemaster_engine.net.wire.rrtypes import IN, type_number
from gonemaster_engine.resources import Hints

TIMING = Timing(timeout_s=1.2, retrans_s=0.6, tries=2)
_PAYLOAD = 1232
_SERVERS = 2  # per family; RFC 9609 section 3.2: another server, chosen at random, if one does not answer
_ROOT = names.to_wire(names.ROOT)
_LAST_UPDATE = re.compile(r"last update:\s+([A-Z][a-z]+ [0-9]{1,2}, [0-9]{4})")


@dataclass(frozen=True, slots=True)
class PrimedRoot:
    """The answer of a root server: root servers with their addresses as far as they were sent, and keys of the root."""

    address: str
    servers: Hints
    keys: tuple[Dnskey, ...]
    ttl_s: int = 0  # of the NS records
    is_signed: bool = False  # by a key that a trust anchor matches


async def current_hints(
    hints: Hints,
    anchors: Sequence[Ds],
    *,
    port: int = 53,
    sources: tuple[str, str] = ("", ""),
    timing: Timing = TIMING,
    now: float | None = None,
) -> tuple[Hints, int] | None:
    """Return the current root servers and their TTL in seconds; None if two signed answers cannot be had.

    The names are signed with the root. The addresses are not (RFC 9609 section 3.3), so an address that the hints lack
    counts only if two servers of the hints send the same addresses.
    """
    options = {"anchors": anchors, "port": port, "sources": sources, "timing": timing, "now": now}
    first = await prime(hints, **options)  # type: ignore[arg-type]
    if first is None or not first.is_signed:
        return None
    others = {name: tuple(each for each in found if each != first.address) for name, found in hints.items()}
    second = await prime(others, **options)  # type: ignore[arg-type]
    if second is None or not second.is_signed:
        return None
    found = {}
    for server in sorted(first.servers.keys() & second.servers.keys()):
        sent = [each.get(server, ()) for each in (first.servers, second.servers, hints)]
        addresses = (*_agreed(*sent, is_ipv6=False), *_agreed(*sent, is_ipv6=True))
        if addresses:
            found[server] = addresses
    return (found, min(first.ttl_s, second.ttl_s)) if found else None


def _agreed(*addresses: Sequence[str], is_ipv6: bool) -> list[str]:
    """Return the addresses of a family that both answers have, or those of the hints."""
    first, second, hinted = ({each for each in found if (":" in each) == is_ipv6} for found in addresses)
    return sorted(first if first and first == second else hinted)


async def prime(
    hints: Hints,
    *,
    anchors: Sequence[Ds] = (),
    port: int = 53,
    sources: tuple[str, str] = ("", ""),
    timing: Timing = TIMING,
    now: float | None = None,
) -> PrimedRoot | None:
    """Ask servers of the hints in random order until one answers; return None if no server does."""
    addresses = [address for found in hints.values() for address in found]
    families = [[each for each in addresses if (":" in each) == is_ipv6] for is_ipv6 in (False, True)]
    transport = Transport(port=port)
    try:
        for address in (each for family in families for each in random.sample(family, min(_SERVERS, len(family)))):
            source = sources[":" in address]
            answers = await asyncio.gather(
                *(_ask(transport, address, qtype, source, timing) for qtype in ("NS", "DNSKEY"))
            )
            if answers[0] is not None:
                is_signed = await _is_signed(
                    answers[0], answers[1], anchors, now=int(time.time() if now is None else now)
                )
                ttl_s = min(record.ttl for record in answers[0].records("NS", names.ROOT))
                return PrimedRoot(address, _servers(answers[0]), _keys(answers[1]), ttl_s, is_signed)
    finally:
        await transport.close()
    return None


async def _ask(transport: Transport, address: str, qtype: str, source: str, timing: Timing) -> Response | None:
    """Return the authoritative answer, over TCP if it is truncated."""
    for send in (transport.send_udp, transport.send_tcp):
        ended: asyncio.Future[QueryOutcome] = asyncio.get_running_loop().create_future()
        query = Query(
            address,
            query_body(_ROOT, type_number(qtype), IN, 0, Edns(payload=_PAYLOAD, do=True)),
            timing,
            lambda outcome, ended=ended: None if ended.done() else ended.set_result(outcome),  # type: ignore[misc]
            question_octets=len(_ROOT) + 4,
            source_address=source,
        )
        send(query)
        response = (await ended).response
        if response is None or not response.tc:
            is_answer = response is not None and not response.rcode_number and response.has(qtype, names.ROOT)
            return response if is_answer else None
    return None


async def _is_signed(ns: Response | None, keys: Response | None, anchors: Sequence[Ds], *, now: int) -> bool:
    """Return whether the keys of the root match an anchor and sign the NS records."""
    if ns is None or keys is None or not anchors:
        return False
    verifier = Verifier()
    if await validate_keys(verifier, keys, anchors, zone=names.ROOT, now=now) is not Trust.SECURE:
        return False
    signed, rrsigs = rrset(ns, "NS", names.ROOT), signatures(ns, type_number("NS"), names.ROOT)
    trust = await validate_set(verifier, signed, rrsigs, _keys(keys), zone=names.ROOT, now=now)
    return trust is Trust.SECURE


def _servers(response: Response) -> Hints:
    found = {}
    for server in sorted(record.target for record in response.records("NS", names.ROOT)):
        records = [*response.records("A", server, "additional"), *response.records("AAAA", server, "additional")]
        found[server] = tuple(record.address for record in records)
    return found


def _keys(response: Response | None) -> tuple[Dnskey, ...]:
    return () if response is None else tuple(dnskeys(response, names.ROOT))


def hint_differences(hints: Hints, current: Hints) -> Iterator[str]:
    """Yield a phrase for each difference of the hints from the current servers.

    Addresses of a server are compared only for the families that the current data has, because an answer may lack
    addresses that did not fit into it (RFC 9609 section 4.1).
    """
    for server in sorted({*hints, *current}):
        if server not in current:
            yield f"{server} is no longer a root server"
        elif server not in hints:
            yield f"{server} is missing"
        else:
            for is_ipv6 in (False, True):
                old, new = ({each for each in found[server] if (":" in each) == is_ipv6} for found in (hints, current))
                if new and old != new:
                    shown = (", ".join(sorted(each)) or "none" for each in (new, old))
                    yield f"{server} has the address {' instead of '.join(shown)}"


def unknown_keys(keys: Sequence[Dnskey], anchors: Sequence[Ds]) -> list[Dnskey]:
    """Return the key-signing keys that match none of the anchors; revoked keys are retired and do not count."""
    signing = [key for key in keys if key.is_sep and not key.is_revoked]
    return [key for key in signing if not any(digest_matches(names.ROOT, key, ds) for ds in anchors)]


def hints_date(text: str) -> date | None:
    """Return the date in the comment of IANA's file, or None if the file has none."""
    found = _LAST_UPDATE.search(text)
    return datetime.strptime(found[1], "%B %d, %Y").replace(tzinfo=UTC).date() if found else None
