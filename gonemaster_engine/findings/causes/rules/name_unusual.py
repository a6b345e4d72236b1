"""The domain name itself breaks the rules of host names."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "name_unusual",
    Harm.STANDARD,
    Responsible.ZONE,
    Texts(
        "The domain name is not a valid host name",
        "Resolvers find it, but browsers, mail programs and certification authorities may refuse it.",
        "Use a name of letters, digits and hyphens, without a hyphen at the beginning or end of a label.",
    ),
    tagged("NON_ALLOWED_CHARS", "INITIAL_HYPHEN", "TERMINAL_HYPHEN", "DISCOURAGED_DOUBLE_DASH"),
)
