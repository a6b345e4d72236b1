"""Anyone may transfer the zone."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SHOWS = "The whole zone, unless the transfer is refused."


def _find(run: Evidence) -> Found | None:
    found = run.find("AXFR_AVAILABLE")
    if not found:
        return None
    addresses = run.addresses(found)
    shown = tuple(command(run.dig("AXFR", run.domain, at=address), _SHOWS) for address in some(addresses))
    return Found(found, addresses=addresses, snippets=shown)


RULE = Rule(
    "zone_transfer_open",
    Harm.ADVICE,
    Responsible.DNS_OPERATOR,
    Texts(
        "Anyone can transfer the zone",
        "All names of the zone are public. That does not harm resolvers, and some operators want it.",
        "If the names are not meant to be public, allow zone transfers to your secondary name servers only, with TSIG.",
    ),
    _find,
    shows=(_SHOWS,),
)
