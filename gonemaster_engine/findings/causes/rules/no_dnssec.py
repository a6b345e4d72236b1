"""The zone is not signed."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "no_dnssec",
    Harm.ADVICE,
    Responsible.ZONE,
    Texts(
        "The zone is not signed with DNSSEC",
        "Resolvers cannot detect forged answers.",
        "Sign the zone, then have the registrar publish the DS record in the parent zone.",
    ),
    tagged(
        "DS05_ZONE_NO_DNSSEC",
        "DS07_NOT_SIGNED",
        "DS07_NOT_SIGNED_ON_SERVER",
        "DS10_ZONE_NO_DNSSEC",
        "DS20_NO_DNSSEC",
        "DS03_NO_DNSSEC_SUPPORT",
    ),
)
