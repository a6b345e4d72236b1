"""Values of the SOA record are unusual or break a standard."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = (
    "REFRESH_*",
    "RETRY_*",
    "EXPIRE_*",
    "SOA_DEFAULT_TTL_*",
    "Z01_*",
    "MNAME_*",
    "RNAME_*",
    "MULTIPLE_SOA",
    "SOA_AND_CNAME",
)
_SHOWS = "MNAME, RNAME, serial number, refresh, retry, expire and minimum, in this order."
_ALIAS = Texts(
    "The zone has a CNAME record together with its SOA record",
    "Resolvers follow the CNAME record and lose the zone: its name servers, mail and all other records.",
    "Remove the CNAME record of the zone's own name, and publish address records instead.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    alias = run.has("SOA_AND_CNAME")
    return Found(
        found,
        harm=Harm.EVERYONE if alias else None,
        texts=_ALIAS if alias else None,
        snippets=(command(run.dig("+short", "SOA", run.domain), _SHOWS),),
        records=("SOA",),
    )


RULE = Rule(
    "soa_values",
    Harm.STANDARD,
    Responsible.ZONE,
    Texts(
        "Values of the SOA record should be corrected",
        "Users do not notice it. Secondary name servers or caches may keep data too long or query too often, and"
        " people may not reach the contact in the record.",
        "Correct the values that the findings name, raise the serial number, and load the zone again.",
    ),
    _find,
    variants=(_ALIAS,),
    shows=(_SHOWS,),
)
