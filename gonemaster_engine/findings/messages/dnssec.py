"""Texts of the DNSSEC module."""

from gonemaster_engine.findings.messages import _dnssec_delegation, _dnssec_denial, _dnssec_signatures

TEXTS = {**_dnssec_delegation.TEXTS, **_dnssec_signatures.TEXTS, **_dnssec_denial.TEXTS}
ADVICE = {**_dnssec_delegation.ADVICE, **_dnssec_signatures.ADVICE, **_dnssec_denial.ADVICE}
