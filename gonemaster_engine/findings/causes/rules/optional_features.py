"""Name servers handle optional features, such as cookies or version queries, in an unusual way."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts
from gonemaster_engine.findings.causes.rules.answers_broken import OPTIONAL

RULE = Rule(
    "optional_features",
    Harm.ADVICE,
    Responsible.DNS_OPERATOR,
    Texts(
        "Name servers do not handle optional features as the standards say",
        "Resolvers work as well without cookies, name server identifiers and version queries.",
        "Update the software of the name servers when it is convenient.",
    ),
    tagged(*OPTIONAL),
)
