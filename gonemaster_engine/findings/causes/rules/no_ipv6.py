"""Too few name servers have an IPv6 address."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "no_ipv6",
    Harm.ADVICE,
    Responsible.ZONE,
    Texts(
        "Too few name servers have an IPv6 address",
        "Resolvers without IPv4 need address translation to reach the domain, or depend on one name server.",
        "Give at least two name servers an IPv6 address, and publish it in the zone and, as glue, in the parent zone.",
    ),
    tagged("NO_IPV6_NS_DEL", "NO_IPV6_NS_CHILD", "NOT_ENOUGH_IPV6_NS_DEL", "NOT_ENOUGH_IPV6_NS_CHILD"),
)
