"""Name servers resolve names of other zones for anyone."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SHOWS = "A name server without recursion answers REFUSED and without the flag ra."


def _find(run: Evidence) -> Found | None:
    found = run.find("IS_A_RECURSOR")
    if not found:
        return None
    addresses = run.addresses(found)
    shown = tuple(command(run.dig("+recurse", "example.com", "A", at=address), _SHOWS) for address in some(addresses))
    return Found(found, addresses=addresses, snippets=shown)


RULE = Rule(
    "open_recursor",
    Harm.RISK,
    Responsible.DNS_OPERATOR,
    Texts(
        "Name servers are open resolvers",
        "Attackers use open resolvers to flood others with traffic, and forged answers in their caches can reach your"
        " users.",
        "Turn off recursion on these name servers, or allow it for your own networks only (RFC 5358).",
    ),
    _find,
    shows=(_SHOWS,),
)
