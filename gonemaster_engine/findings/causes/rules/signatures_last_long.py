"""Signatures are valid for a very long time."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "signatures_last_long",
    Harm.STANDARD,
    Responsible.ZONE,
    Texts(
        "Signatures are valid for very long",
        "Attackers can replay old answers for as long as their signatures are valid.",
        "Let the signer create signatures that are valid for some weeks, and renew them well before they expire (RFC"
        " 6781 section 4.4.2).",
    ),
    tagged("REMAINING_LONG", "DURATION_LONG"),
)
