"""Name servers reveal the version of their software."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "version_revealed",
    Harm.ADVICE,
    Responsible.DNS_OPERATOR,
    Texts(
        "Name servers reveal the version of their software",
        "Attackers learn which known vulnerabilities to try.",
        "Turn off answers to queries for version.bind and version.server, and keep the software up to date.",
    ),
    tagged("N15_SOFTWARE_VERSION"),
)
