"""A single failure would make the domain unreachable."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import tags_of
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

ONE_OPERATOR = (
    "IPV4_ONE_ASN",
    "IPV6_ONE_ASN",
    "IPV4_SAME_ASN",
    "IPV6_SAME_ASN",
    "CN04_IPV4_SAME_PREFIX",
    "CN04_IPV6_SAME_PREFIX",
)
_TAGS = (
    "NOT_ENOUGH_NS_*",
    "NOT_ENOUGH_IPV4_*",
    "CN04_IPV4_SINGLE_PREFIX",
    "CN04_IPV6_SINGLE_PREFIX",
    "SAME_IP_ADDRESS",
    "DEL_NS_SAME_IP",
    "CHILD_NS_SAME_IP",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    one_server = any(tag.startswith("NOT_ENOUGH_NS_") for tag in tags_of(run, found))
    follows = run.find(*ONE_OPERATOR, *(("NOT_ENOUGH_IPV6_*",) if one_server else ()))
    return Found(sorted({*found, *follows}), records=("NS",))


RULE = Rule(
    "single_point_of_failure",
    Harm.RISK,
    Responsible.ZONE,
    Texts(
        "A single failure would make the domain unreachable",
        "The name servers share a server, an address or a network. If it fails, no resolver gets answers.",
        "Use at least two name servers with different addresses in different networks (RFC 2182).",
    ),
    _find,
)
