"""Addresses of name servers have no PTR record, or one that names another host."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "reverse_missing",
    Harm.ADVICE,
    Responsible.DNS_OPERATOR,
    Texts(
        "Addresses of name servers lack matching PTR records",
        "Resolvers do not need them. Some filters and tools distrust addresses without a PTR record.",
        "Request PTR records with the names of the name servers from the operator of the network.",
    ),
    tagged("NAMESERVER_IP_WITHOUT_REVERSE", "NAMESERVER_IP_PTR_MISMATCH", "NO_RESPONSE_PTR_QUERY"),
)
