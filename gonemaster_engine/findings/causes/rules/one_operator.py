"""All name servers are in the network of one operator."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts
from gonemaster_engine.findings.causes.rules.single_point_of_failure import ONE_OPERATOR

RULE = Rule(
    "one_operator",
    Harm.ADVICE,
    Responsible.ZONE,
    Texts(
        "Name servers share the network of one operator",
        "If that network fails, the domain may be unreachable. Many large operators accept that.",
        "For more independence, add a name server in the network of another operator.",
    ),
    tagged(*ONE_OPERATOR),
)
