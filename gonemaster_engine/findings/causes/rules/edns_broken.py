"""Name servers do not handle EDNS as RFC 6891 requires."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, harm_to_validation, some, tags_of, without_answer
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = (
    "BREAKS_ON_EDNS",
    "NO_EDNS_SUPPORT",
    "EDNS_RESPONSE_WITHOUT_EDNS",
    "EDNS_VERSION_ERROR",
    "N10_*",
    "N11_*",
    "Z_FLAGS_NOTCLEAR",
)
_WITHOUT = frozenset(("NO_EDNS_SUPPORT", "EDNS_RESPONSE_WITHOUT_EDNS"))
_FOLLOWS = frozenset(
    ("NS_ERROR", "N16_UNEXPECTED_RCODE", "N17_COOKIE_CLIENT_ONLY", "EXTRA_PROCESSING_BROKEN", "NO_RESPONSE_DNSKEY")
)
_SHOWS = "A name server with EDNS answers with an OPT pseudosection."
_DETAILS = Texts(
    "Name servers do not follow the rules of EDNS",
    "Resolvers work today, but new features of DNS may not.",
    "Update the software of the name servers. If a firewall or load balancer answers for them, update it as well.",
)
_UNVALIDATED = Texts(
    "No name server supports EDNS, which signed zones need",
    "Validating resolvers cannot get the keys and signatures, and answer SERVFAIL for every name in the zone.",
    "Update the software of the name servers, or the firewall or load balancer that drops or changes queries with EDNS."
    " If that takes long, have the registrar remove the DS records.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    addresses, tags = run.addresses(found), tags_of(run, found)
    signed = run.is_secure and run.has("DS07_SIGNED_ON_SERVER")
    broken = "BREAKS_ON_EDNS" in tags or (signed and not tags.isdisjoint(_WITHOUT))
    follows = run.within(
        addresses, lambda entry: entry.tag.startswith("DS") or entry.tag in _FOLLOWS or without_answer(entry)
    )
    if tags & _WITHOUT:
        follows += run.find("DS07_INCONSISTENT_SIGNED", "DS11_INCONSISTENT_SIGNED_ZONE", "DS11_NS_WITH_SIGNED_ZONE")
    worse, withheld = harm_to_validation(run) if broken else (None, [])
    return Found(
        sorted({*found, *follows, *withheld}),
        harm=worse or (None if broken else Harm.STANDARD),
        addresses=addresses,
        texts=_UNVALIDATED if worse else None if broken else _DETAILS,
        snippets=tuple(command(run.dig("+edns", "SOA", run.domain, at=address), _SHOWS) for address in some(addresses)),
    )


RULE = Rule(
    "edns_broken",
    Harm.SOME,
    Responsible.DNS_OPERATOR,
    Texts(
        "Name servers do not support EDNS",
        "Resolvers send EDNS with nearly every query. They wait or try again without it, and cannot get signatures.",
        "Update the software of the name servers. If a firewall or load balancer drops or changes queries with EDNS,"
        " reconfigure it.",
    ),
    _find,
    variants=(_DETAILS, _UNVALIDATED),
    shows=(_SHOWS,),
)
