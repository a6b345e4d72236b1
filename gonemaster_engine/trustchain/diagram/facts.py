"""The facts about zones, keys and records, as texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from gonemaster_engine.dnssec.algorithms import algorithm
from gonemaster_engine.trustchain.diagram.marks import for_status
from gonemaster_engine.trustchain.diagram.model import Fact
from gonemaster_engine.trustchain.diagram.reading import ChainView, DsView, Key, Name, ServerView, Signature, ZoneView
from gonemaster_engine.trustchain.diagram.texts import DiagramTexts, instant

_MAX_LISTED = 16  # items in one value


def for_key(
    words: DiagramTexts, key: Key, rrsigs: Iterable[Signature], *, role: str, is_anchor: bool, total: int
) -> list[Fact]:
    """Return the facts about a key.

    `rrsigs` holds its signatures, `total` is the number of servers that returned keys.
    """
    flags = words.fact("revoked", flags=key.flags) if key.revoked else str(key.flags)
    facts = [
        Fact(words.fact("role"), words.fact(role)),
        Fact(words.fact("key_tag"), str(key.key_tag)),
        Fact(words.fact("algorithm"), _algorithm(key.algorithm)),
        Fact(words.fact("flags"), flags),
    ]
    if key.size is not None:
        facts.append(Fact(words.fact("size"), words.fact("bits", count=key.size)))
    if is_anchor:
        facts.append(Fact(words.fact("trust_anchor"), words.fact("yes")))
    facts += [
        Fact(words.fact("signs"), text) for text in islice((_signature(words, each) for each in rrsigs), _MAX_LISTED)
    ]
    return [*facts, *seen_on(words, key.servers, total)]


def for_ds(words: DiagramTexts, ds: DsView, rrsigs: Iterable[Signature], *, total: int) -> list[Fact]:
    """Return the facts about a DS record; `rrsigs` holds the signatures over its set."""
    name = f"{ds.digest_type}, {ds.digest_type_name}" if ds.digest_type_name else str(ds.digest_type)
    facts = [
        Fact(words.fact("key_tag"), str(ds.key_tag)),
        Fact(words.fact("algorithm"), _algorithm(ds.algorithm)),
        Fact(words.fact("digest_type"), name),
        Fact(words.fact("digest"), ds.digest),
    ]
    if ds.verdict:
        facts.append(Fact(words.fact("result"), words.coded("link", ds.verdict)))
    return [*facts, *signed_by(words, rrsigs), *seen_on(words, ds.servers, total)]


def for_names(words: DiagramTexts, found: Sequence[Name]) -> list[Fact]:
    """Return each name with the status of its addresses and the servers that returned them."""
    return [
        Fact(name.name, f"{words.coded('names', name.status)}: {', '.join(name.servers[:_MAX_LISTED])}")
        for name in found[:_MAX_LISTED]
    ]


def for_zone(words: DiagramTexts, chain: ChainView, cut: ZoneView) -> list[Fact]:
    """Return the facts about a zone; for the tested zone also the status of its servers and of its parent's."""
    facts = [Fact(words.fact("zone"), cut.name)]
    if cut is chain.cuts[-1]:
        servers = (*chain.parent_servers, *chain.child_servers)
        facts += [_server(words, each) for each in servers[: 4 * _MAX_LISTED]]
    return facts


def left_out(words: DiagramTexts, label: str, word: str) -> list[Fact]:
    """Return the fact that a box is not shown."""
    return [Fact(words.fact("not_shown"), f"{label}: {word}")]


def signed_by(words: DiagramTexts, rrsigs: Iterable[Signature]) -> list[Fact]:
    """Return the signatures over a set."""
    texts = (
        words.fact(
            "signature_by",
            key_tag=each.key_tag,
            verdict=words.coded("verdict", each.verdict),
            inception=instant(each.inception),
            expiration=instant(each.expiration),
        )
        for each in rrsigs
    )
    return [Fact(words.fact("signed_by"), text) for text in islice(texts, _MAX_LISTED)]


def seen_on(words: DiagramTexts, servers: Sequence[str], total: int) -> list[Fact]:
    """Return the servers that returned a record; empty if unknown."""
    if not servers:
        return []
    if len(servers) >= total:
        return [Fact(words.fact("seen_on"), words.fact("all_servers", count=len(servers)))]
    listed = ", ".join(servers[:_MAX_LISTED])
    return [Fact(words.fact("seen_on"), words.fact("servers", count=len(servers), total=total, servers=listed))]


def _signature(words: DiagramTexts, rrsigs: Signature) -> str:
    return words.fact(
        "signature",
        covers=rrsigs.covers,
        verdict=words.coded("verdict", rrsigs.verdict),
        inception=instant(rrsigs.inception),
        expiration=instant(rrsigs.expiration),
    )


def _server(words: DiagramTexts, server: ServerView) -> Fact:
    name = words.fact("server", nameserver=server.nameserver, address=server.address)
    reasons = " ".join(map(words.reason, server.reasons[:3]))
    status = words.mark(for_status(server.status))
    return Fact(name, f"{status}: {reasons}" if reasons else status)


def _algorithm(number: int) -> str:
    return f"{number}, {algorithm(number).description}" if number < 256 else str(number)
