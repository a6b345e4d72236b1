"""The name servers serve different versions or contents of the zone."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_CONTENTS = ("Z09_INCONSISTENT_MX*", "Z11_INCONSISTENT_*", "Z11_DIFFERENT_SPF_*", "Z15_INCONSISTENT_CAA")
_TAGS = (
    "MULTIPLE_SOA_SERIALS",
    "SOA_SERIAL_VARIATION",
    "MULTIPLE_SOA_RNAMES",
    "MULTIPLE_SOA_MNAMES",
    "MULTIPLE_SOA_TIME_PARAMETER_SET",
    "INCONSISTENT_NS_TTL",
    "Z12_INCONSISTENT_CSYNC",
    "Z12_MIXED_PRESENCE",
    "Z14_INCONSISTENT_ZONEMD",
    "Z14_MIXED_PRESENCE",
    "Z15_MIXED_PRESENCE",
)
_SHOWS = "The SOA record of this name server; the third field is the serial number."
_DIFFER = Texts(
    "The name servers answer differently",
    "What users see depends on which name server their resolver queries.",
    "Check the zone transfers, and load the same zone on every name server.",
)


def _find(run: Evidence) -> Found | None:
    contents = run.find(*_CONTENTS)
    found = contents + run.find(*_TAGS)
    if not found:
        return None
    return Found(
        sorted(found),
        harm=Harm.SOME if contents else None,
        texts=_DIFFER if contents else None,
        snippets=tuple(command(run.dig("+short", "SOA", run.domain, at=each), _SHOWS) for each in some(run.serving)),
        records=("SOA",),
    )


RULE = Rule(
    "servers_disagree",
    Harm.RISK,
    Responsible.DNS_OPERATOR,
    Texts(
        "The name servers serve different versions of the zone",
        "Changes do not reach all name servers, or not at the same time, so users may see old data.",
        "Check that secondary name servers receive NOTIFY messages and may transfer the zone, and that its serial"
        " number grows with each change.",
    ),
    _find,
    variants=(_DIFFER,),
    shows=(_SHOWS,),
)
