"""CAA records are malformed or contradict each other."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_NONE = ("Z15_NO_CAA", "Z15_NO_CAA_TLD")
_SHOWS = "The certification authorities that may issue certificates for the domain."


def _find(run: Evidence) -> Found | None:
    found = [place for place in run.find("Z15_*") if run.entries[place].tag not in _NONE]  # none is a choice
    if not found:
        return None
    return Found(found, snippets=(command(run.dig("+short", "CAA", run.domain), _SHOWS),), records=("CAA",))


RULE = Rule(
    "caa_wrong",
    Harm.STANDARD,
    Responsible.ZONE,
    Texts(
        "CAA records are malformed or contradictory",
        "Certification authorities may refuse certificates for the domain, or may not observe the limits that you"
        " intended.",
        "Correct the CAA records as the findings say (RFC 8659).",
    ),
    _find,
    shows=(_SHOWS,),
)
