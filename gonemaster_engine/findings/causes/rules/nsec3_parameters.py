"""Parameters of NSEC3 are not those that RFC 9276 recommends."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "nsec3_parameters",
    Harm.ADVICE,
    Responsible.ZONE,
    Texts(
        "The NSEC3 parameters are not the recommended ones",
        "Opt-out leaves names unprotected, and salt costs time without protecting anything.",
        "Sign the zone with NSEC, or with NSEC3 without opt-out, salt and additional iterations (RFC 9276).",
    ),
    tagged("DS03_NSEC3_OPT_OUT_ENABLED_NON_TLD", "DS03_ILLEGAL_SALT_LENGTH", "DS10_ERR_MULT_NSEC3PARAM"),
)
