"""The networks of name server addresses could not be determined."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "network_unknown",
    Harm.ADVICE,
    Responsible.TESTER,
    Texts(
        "The networks of some name servers are unknown",
        "The test cannot say whether the name servers are in different networks.",
        "Check that the addresses are announced on the Internet. If they are, the database of networks was"
        " unavailable or is incomplete: test the domain again later.",
    ),
    tagged("EMPTY_ASN_SET", "ERROR_ASN_DATABASE", "CN04_EMPTY_PREFIX_SET", "CN04_ERROR_PREFIX_DATABASE"),
)
