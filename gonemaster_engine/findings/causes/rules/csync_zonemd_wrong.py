"""CSYNC or ZONEMD records are wrong."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "csync_zonemd_wrong",
    Harm.STANDARD,
    Responsible.ZONE,
    Texts(
        "CSYNC or ZONEMD records are wrong",
        "The parent zone ignores a wrong CSYNC record, and secondary name servers may reject a zone with a wrong"
        " ZONEMD record.",
        "Create these records again with the serial number of the zone, or remove them.",
    ),
    tagged("Z12_*", "Z14_*"),
)
