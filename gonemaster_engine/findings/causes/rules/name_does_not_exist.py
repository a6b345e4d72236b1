"""The name is not a zone that the parent zone delegates."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = ("TLD_NOT_DELEGATED", "NAME_DOES_NOT_EXIST", "B01_NO_CHILD", "DOMAIN_NAME_*")
_FOLLOWS = (
    "NAME_NOT_A_ZONE",
    "B02_NO_DELEGATION",
    "B01_CHILD_IS_ALIAS",
    "B01_INCONSISTENT_ALIAS",
    "CANNOT_CONTINUE",
    "B02_NO_WORKING_NS",
    "A01_NO_NAME_SERVERS_FOUND",
)
_SHOWS = "The NS records that resolvers find; there are none."
_NOT_A_ZONE = Texts(
    "The name is not a zone",
    "The name exists in another zone, which does not delegate it, so it has no name servers.",
    "Test the zone that the name is in. To make the name a zone, publish NS records for it in that zone.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS, "NAME_NOT_A_ZONE")
    if not found:
        return None
    texts = _NOT_A_ZONE if run.has("NAME_NOT_A_ZONE") else None
    shown = () if run.has("DOMAIN_NAME_TOO_LONG") else (command(f"dig NS {run.domain}", _SHOWS),)
    return Found(
        run.find(*_TAGS, *_FOLLOWS),
        responsible=Responsible.ZONE if texts else None,
        texts=texts,
        snippets=shown,
        records=("NS",),
    )


RULE = Rule(
    "name_does_not_exist",
    Harm.DOES_NOT_EXIST,
    Responsible.REGISTRAR,
    Texts(
        "The domain does not exist",
        "Resolvers answer that there is no such name.",
        "Check the spelling. If the domain is registered, check with the registrar why the parent zone has no NS"
        " records for it.",
    ),
    _find,
    variants=(_NOT_A_ZONE,),
    shows=(_SHOWS,),
)
