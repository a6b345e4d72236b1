"""Shared parts of rules: scopes, snippets and the simplest way to find a cause."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.evidence import Evidence, ReadEntry
from gonemaster_engine.findings.causes.model import Found, Harm, Snippet, SnippetKind

_SILENCE = ("NO_RESPONSE", "NO_ANSWER", "NO_UDP_ANSWER", "QUERY_DROPPED", "UNABLE_TO_CHECK", "QUERY_RESPONSE_ERR")
_NOT_OF_ANSWERS = ("IPV4_", "IPV6_", "CN04_", "A01_", "NAMESERVER_", "DISTINCT_", "SAME_IP", "DEL_NS_", "CHILD_NS_")
MANY = 3  # snippets of one kind


def tagged(*patterns: str) -> Callable[[Evidence], Found | None]:
    """Return a function that finds a cause by its tags alone."""

    def find(run: Evidence) -> Found | None:
        explains = run.find(*patterns)
        return Found(explains, addresses=run.addresses(explains)) if explains else None

    return find


def reach(run: Evidence, addresses: Collection[str]) -> Harm:
    """Return the harm of name servers that do not serve the zone."""
    return Harm.EVERYONE if run.servers and run.servers.keys() <= set(addresses) else Harm.SOME


def validation_harm(run: Evidence, addresses: Collection[str], *, unharmed: Collection[str] = ()) -> Harm:
    """Return the harm of answers from `addresses` that do not validate, except those from `unharmed` addresses.

    Without addresses, which some entries lack, all name servers are affected.
    """
    if not run.is_secure:
        return Harm.STANDARD  # no resolver validates the zone
    if addresses and set(addresses) <= set(unharmed):
        return Harm.RISK
    rest = run.serving - set(addresses) - run.without_keys if addresses else frozenset()
    return Harm.SOME if rest else Harm.VALIDATING_RESOLVERS


def harm_to_validation(run: Evidence) -> tuple[Harm | None, list[int]]:
    """Return the harm of unanswered queries for keys (None if enough keys are left), and the entries that follow."""
    withheld = run.within(run.withholding_keys, lambda entry: entry.tag.startswith("DS"))
    if not run.is_without_keys:
        return None, withheld
    return Harm.VALIDATING_RESOLVERS, withheld + run.find("DS07_NOT_SIGNED", "DS11_UNDETERMINED_SIGNED_ZONE")


def without_answer(entry: ReadEntry) -> bool:
    """Return whether an entry reports a query without a response."""
    return any(word in entry.tag for word in _SILENCE)


def about_answers(entry: ReadEntry) -> bool:
    """Return whether an entry is about what a name server answers, not about its name, address or network."""
    return not entry.tag.startswith(_NOT_OF_ANSWERS) and entry.tag not in ("IS_A_RECURSOR", "AXFR_AVAILABLE")


def has_level(run: Evidence, positions: Iterable[int], level: Level) -> bool:
    """Return whether one of the entries has at least a level."""
    return any(run.entries[place].level >= level for place in positions)


def tags_of(run: Evidence, positions: Iterable[int]) -> frozenset[str]:
    """Return the tags of entries."""
    return frozenset(run.entries[place].tag for place in positions)


def command(text: str, shows: str) -> Snippet:
    """Return a command to copy."""
    return Snippet(SnippetKind.COMMAND, text, shows)


def address_record(name: str, address: str) -> str:
    """Return the address record of a name server in zone file syntax."""
    return f"{name}. 3600 IN {'AAAA' if ':' in address else 'A'} {address}"


def some(items: Iterable[str]) -> list[str]:
    """Return the first few items, sorted."""
    return sorted(items)[:MANY]
