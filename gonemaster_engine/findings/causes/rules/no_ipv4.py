"""No name server has an IPv4 address."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "no_ipv4",
    Harm.SOME,
    Responsible.ZONE,
    Texts(
        "No name server has an IPv4 address",
        "Resolvers without IPv6 cannot reach the domain.",
        "Give at least two name servers an IPv4 address, and publish it in the zone and, as glue, in the parent zone.",
    ),
    tagged("NO_IPV4_NS_DEL", "NO_IPV4_NS_CHILD"),
)
