"""The parent zone lacks glue, or its glue differs from the addresses in the zone."""

from __future__ import annotations

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import MANY, address_record, has_level
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Snippet, SnippetKind, Texts

_TAGS = (
    "IN_DOMAIN_GLUE_MISSING",
    "IN_DOMAIN_ADDR_MISMATCH",
    "NOT_IN_DOMAIN_ADDR_MISMATCH",
    "EXTRA_ADDRESS_CHILD",
    "MISSING_ADDRESS_CHILD",
    "CS05_MISSING_GLUE_*",
)
_SHOWS = "The address record that the registrar has to set as glue."


def _find(run: Evidence) -> Found | None:
    aliases = {entry.args.get("ns") for entry in run.all("NS_IS_CNAME")}
    found = [place for place in run.find(*_TAGS) if run.entries[place].args.get("ns") not in aliases]
    if not found or (aliases and not has_level(run, found, Level.ERROR)):
        return None
    if run.has("IN_DOMAIN_GLUE_MISSING") and not run.has("NOT_ENOUGH_NS_CHILD"):
        found += run.find("NOT_ENOUGH_IPV4_NS_DEL", "NOT_ENOUGH_IPV6_NS_DEL", "NO_IPV4_NS_DEL", "NO_IPV6_NS_DEL")
    names = {run.entries[place].args.get("ns") for place in found}
    wanted = sorted((name, address) for address, name in run.servers.items() if name in names)
    return Found(
        sorted(found),
        harm=None if has_level(run, found, Level.WARNING) else Harm.STANDARD,
        snippets=tuple(Snippet(SnippetKind.RECORD, address_record(*pair), _SHOWS) for pair in wanted[:MANY]),
        records=("A", "AAAA"),
    )


RULE = Rule(
    "glue_wrong",
    Harm.SOME,
    Responsible.REGISTRAR,
    Texts(
        "The parent zone has wrong or missing addresses of name servers",
        "Resolvers that start with the addresses in the parent zone may not reach these name servers, or reach old"
        " ones.",
        "Decide which addresses are right. Have the registrar set them as glue in the parent zone, and publish the"
        " same address records in the zone.",
    ),
    _find,
    shows=(_SHOWS,),
)
