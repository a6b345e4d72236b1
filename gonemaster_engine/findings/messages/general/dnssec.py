"""Sentences for many domains, of the tags of the DNSSEC module."""

from gonemaster_engine.findings.messages.general import _dnssec_delegation, _dnssec_denial, _dnssec_signatures

GENERAL = {**_dnssec_delegation.GENERAL, **_dnssec_signatures.GENERAL, **_dnssec_denial.GENERAL}
