"""Signatures are missing, or do not match the records and keys of the zone."""

from __future__ import annotations

from gonemaster_engine.findings.causes import signatures
from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = (
    "DS02_NO_MATCHING_DNSKEY_RRSIG",
    "DS02_RRSIG_NOT_VALID_BY_DNSKEY",
    "DS02_DNSKEY_NOT_SIGNED_BY_ANY_DS",
    "DS08_MISSING_RRSIG_IN_RESPONSE",
    "DS08_NO_MATCHING_DNSKEY",
    "DS08_RRSIG_NOT_VALID_BY_DNSKEY",
    "DS09_MISSING_RRSIG_IN_RESPONSE",
    "DS09_NO_MATCHING_DNSKEY",
    "DS09_RRSIG_NOT_VALID_BY_DNSKEY",
    "DS22_NS_ADDRESS_RRSIG_NOT_VALID_BY_DNSKEY",
    "DS22_NS_ADDRESS_UNSIGNED",
)
_DENIAL = ("DS10_NSEC_RRSIG_*", "DS10_NSEC3_RRSIG_*")
_SHOWS = "The signature of the records; a resolver checks it with the key whose tag it names."


def _find(run: Evidence) -> Found | None:
    unsigned = run.addresses_with("DS07_NOT_SIGNED_ON_SERVER", "DS11_NS_WITH_UNSIGNED_ZONE")
    found = [place for place in run.find(*_TAGS) if not run.addresses_of(place) <= unsigned]
    if run.has("DS07_SIGNED"):
        found += run.find("DS11_DS_BUT_UNSIGNED_ZONE")  # the keys are there, but not their signature
    if not found:
        return None
    follows = {*run.find(*_DENIAL), *signatures.follows_from(run, found)}
    types = signatures.record_types(run, found) or ("DNSKEY",)
    return Found(
        sorted({*found, *follows}),
        harm=signatures.signature_harm(run, found),
        addresses=run.addresses(found),
        snippets=(command(run.dig("+dnssec", types[-1], run.domain), _SHOWS),),
        records=types,
        key_tags=signatures.key_tags(run, found),
    )


RULE = Rule(
    "signatures_wrong",
    Harm.VALIDATING_RESOLVERS,
    Responsible.ZONE,
    Texts(
        "Signatures of the zone are missing or wrong",
        "Validating resolvers answer SERVFAIL for names whose records they cannot validate.",
        "Sign the whole zone again with the keys that it publishes, and load it on every name server. Do not edit"
        " records after signing.",
    ),
    _find,
    shows=(_SHOWS,),
)
