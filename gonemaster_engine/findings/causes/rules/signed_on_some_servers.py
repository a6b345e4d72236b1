"""The name servers do not serve the same signed zone."""

from __future__ import annotations

from collections import defaultdict

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import about_answers, command, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = (
    "DS07_INCONSISTENT_SIGNED",
    "DS11_INCONSISTENT_SIGNED_ZONE",
    "DS03_SERVER_NO_DNSSEC_SUPPORT",
    "DS05_SERVER_NO_DNSSEC",
    "DS10_SERVER_NO_DNSSEC",
)
_KEYS = ("DS05_ALGO_OK", "DS05_ALGO_NOT_RECOMMENDED", "DS05_ALGO_DEPRECATED", "DS19_KEY_OK")
_SHOWS = "A signed zone answers with its keys and their signature."
_SHOWS_KEYS = "The keys that this name server publishes; compare them with those of the others."
_KEYS_DIFFER = Texts(
    "The name servers publish different keys",
    "A resolver that got its keys from one name server may not be able to validate the answers of another.",
    "Publish the same DNSKEY records on every name server: transfer the zone again, or synchronise the keys of the"
    " signers.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    unsigned = run.addresses_with("DS07_NOT_SIGNED_ON_SERVER", "DS11_NS_WITH_UNSIGNED_ZONE", *_TAGS)
    unsigned -= run.without_edns  # these cannot serve signatures
    if not found or not unsigned:
        return _differing_keys(run)
    follows = run.find("DS07_NOT_SIGNED_ON_SERVER", "DS11_NS_WITH_UNSIGNED_ZONE", "DS11_NS_WITH_SIGNED_ZONE")
    return Found(
        sorted({*found, *follows, *run.within(unsigned, about_answers)}),
        harm=None if run.is_secure else Harm.RISK,  # a DS record would make it harm
        addresses=unsigned,
        snippets=tuple(command(run.dig("+dnssec", "DNSKEY", run.domain, at=each), _SHOWS) for each in some(unsigned)),
        records=("DNSKEY", "RRSIG"),
    )


def _differing_keys(run: Evidence) -> Found | None:
    """Find keys that only some of the signed name servers publish."""
    places: dict[int, set[int]] = defaultdict(set)
    servers: dict[int, frozenset[str]] = defaultdict(frozenset)
    for place in run.positions(*_KEYS):
        key_tag = int(run.entries[place].args.get("keytag") or 0)
        places[key_tag].add(place)
        servers[key_tag] |= run.addresses_of(place)
    everywhere = frozenset().union(*servers.values())
    partial = {key_tag: own for key_tag, own in servers.items() if own and own != everywhere}
    if not partial:
        return None
    shown = some(next(iter(partial.values()))) + some(everywhere - next(iter(partial.values())))
    return Found(
        sorted(place for key_tag in partial for place in places[key_tag]),
        harm=Harm.RISK if run.is_secure else Harm.STANDARD,
        addresses=frozenset().union(*(min(own, everywhere - own, key=len) for own in partial.values())),
        texts=_KEYS_DIFFER,
        snippets=tuple(command(run.dig("DNSKEY", run.domain, at=each), _SHOWS_KEYS) for each in shown[:2]),
        records=("DNSKEY",),
        key_tags=tuple(sorted(partial)),
    )


RULE = Rule(
    "signed_on_some_servers",
    Harm.SOME,
    Responsible.DNS_OPERATOR,
    Texts(
        "The zone is not signed on all name servers",
        "Validating resolvers cannot validate the answers of these name servers, and have to query another one.",
        "Transfer the signed zone to these name servers, and check that they support DNSSEC.",
    ),
    _find,
    variants=(_KEYS_DIFFER,),
    shows=(_SHOWS, _SHOWS_KEYS),
)
