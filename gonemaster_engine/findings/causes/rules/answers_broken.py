"""Name servers answer some kinds of queries wrongly or not at all."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, harm_to_validation, some, tags_of, without_answer
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_HARMFUL = (
    "AAAA_*",
    "A_UNEXPECTED_RCODE",
    "CASE_QUERIES_RESULTS_DIFFER",
    "CASE_QUERY_*",
    "DIFFERENT_SOURCE_IP",
    "CN01_NO_RESPONSE_*",
    "UNEXPECTED_RCODE",
    "NS_ERROR",
    "NO_RESPONSE_DNSKEY",
    "DS03_NO_RESPONSE_NSEC_QUERY",
    "DS03_ERROR_RESPONSE_NSEC_QUERY",
    "DS05_NO_RESPONSE",
    "DS07_NO_RESPONSE_DNSKEY",
    "DS07_NON_AUTH_RESPONSE_DNSKEY",
    "DS07_UNEXP_RCODE_RESP_DNSKEY",
    "DS19_NO_RESPONSE",
    "EXTRA_PROCESSING_BROKEN",
)
_MINOR = (
    "N16_NO_RESPONSE",
    "N17_NO_RESPONSE",
    "N18_NO_RESPONSE",
    "QNAME_CASE_INSENSITIVE",
    "Z09_NO_RESPONSE_MX_QUERY",
    "Z09_UNEXPECTED_RCODE_MX",
    "Z09_NON_AUTH_MX_RESPONSE",
    "Z15_NO_RESPONSE_CAA_QUERY",
    "Z15_UNEXPECTED_RCODE_CAA",
)
OPTIONAL = ("N15_WRONG_CLASS", "N15_ERROR_ON_VERSION_QUERY", "N16_*", "N17_*", "N18_*")
_SHOWS = "The answer of this name server; compare it with those of the others."
_DETAILS = Texts(
    "Name servers do not handle all queries as the standards require",
    "Resolvers work today, but protections against forged answers, diagnostic queries or new features may not.",
    "Update the software of the name servers. If a firewall or load balancer answers for them, update it as well.",
)
_UNVALIDATED = Texts(
    "No name server answers queries for the keys of the zone",
    "The parent zone has DS records, so validating resolvers need the keys: they answer SERVFAIL for every name.",
    "Update the software of the name servers, or the firewall or load balancer that drops queries for DNSKEY records."
    " If that takes long, have the registrar remove the DS records.",
)


def _find(run: Evidence) -> Found | None:
    harmful = run.find(*_HARMFUL)
    found = harmful + run.find(*_MINOR)
    if not found:
        return None
    addresses = run.addresses(found)
    found += [place for place in run.find(*OPTIONAL) if run.addresses_of(place) <= addresses]
    tags = tags_of(run, found)
    query_type = "AAAA" if any(tag.startswith("AAAA_") for tag in tags) else "SOA"
    worse, withheld = harm_to_validation(run) if harmful else (None, [])
    return Found(
        sorted({*found, *withheld, *run.within(addresses, without_answer)}),
        harm=worse if harmful else Harm.STANDARD,
        addresses=addresses,
        texts=_UNVALIDATED if worse else None if harmful else _DETAILS,
        snippets=tuple(command(run.dig(query_type, run.domain, at=address), _SHOWS) for address in some(addresses)),
    )


RULE = Rule(
    "answers_broken",
    Harm.SOME,
    Responsible.DNS_OPERATOR,
    Texts(
        "Name servers answer some queries wrongly or not at all",
        "Some resolvers get errors or wait, depending on the name server and the type of query.",
        "Update the software of these name servers. If a firewall or load balancer answers for them, check that it"
        " passes all types of queries and answers from the address that was queried.",
    ),
    _find,
    variants=(_DETAILS, _UNVALIDATED),
    shows=(_SHOWS,),
)
