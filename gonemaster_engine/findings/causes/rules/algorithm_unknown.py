"""Signatures use an algorithm or key that the tester cannot validate."""

from __future__ import annotations

from gonemaster_engine.findings.causes.finding import tagged
from gonemaster_engine.findings.causes.model import Harm, Responsible, Rule, Texts

RULE = Rule(
    "algorithm_unknown",
    Harm.ADVICE,
    Responsible.TESTER,
    Texts(
        "The tester cannot validate some signatures",
        "Resolvers that do not support the algorithm either treat the zone as unsigned.",
        "Sign the zone with an algorithm that all resolvers support: 13 (ECDSA P-256 with SHA-256) or 8 (RSA with"
        " SHA-256).",
    ),
    tagged(
        "DS02_ALGO_NOT_SUPPORTED_BY_ZM",
        "DS02_RSA_EXPONENT_UNSUPPORTED",
        "DS08_ALGO_NOT_SUPPORTED_BY_ZM",
        "DS08_RSA_EXPONENT_UNSUPPORTED",
        "DS09_ALGO_NOT_SUPPORTED_BY_ZM",
        "DS09_RSA_EXPONENT_UNSUPPORTED",
        "DS10_ALGO_NOT_SUPPORTED_BY_ZM",
        "DS21_ALGO_NOT_SUPPORTED",
        "DNSKEY_RSA_EXPONENT_LARGE",
    ),
)
