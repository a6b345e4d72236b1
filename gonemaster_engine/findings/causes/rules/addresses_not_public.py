"""Name servers have addresses that cannot be reached from the whole Internet."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import MANY, address_record
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Snippet, SnippetKind, Texts

_TAGS = ("A01_ADDR_NOT_GLOBALLY_REACHABLE", "A01_DOCUMENTATION_ADDR", "A01_LOCAL_USE_ADDR")
_SHOWS = "Remove this record, because other networks cannot reach the address."


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    addresses = run.addresses(found)
    private_world = addresses & run.answering  # the run allows such targets, and they respond
    dead = run.has("A01_NO_GLOBALLY_REACHABLE_ADDR")
    follows = run.find(
        "A01_NO_GLOBALLY_REACHABLE_ADDR", "NON_GLOBAL_QUERY_BLOCKED", "EMPTY_ASN_SET", "CN04_EMPTY_PREFIX_SET"
    )
    if dead and not private_world:
        follows += run.find("B02_*", "CANNOT_CONTINUE")
    removed = sorted((run.servers.get(address, ""), address) for address in addresses)[:MANY]
    return Found(
        sorted({*found, *follows}),
        harm=Harm.ADVICE if private_world else Harm.EVERYONE if dead else None,
        addresses=addresses,
        snippets=tuple(Snippet(SnippetKind.REMOVE, address_record(*pair), _SHOWS) for pair in removed),
        records=("A", "AAAA"),
    )


RULE = Rule(
    "addresses_not_public",
    Harm.SOME,
    Responsible.ZONE,
    Texts(
        "Name servers have addresses that are not public",
        "Resolvers in other networks cannot reach these addresses.",
        "Give the name servers addresses that can be reached from the whole Internet, or remove them from the NS"
        " records.",
    ),
    _find,
    shows=(_SHOWS,),
)
