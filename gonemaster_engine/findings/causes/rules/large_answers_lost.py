"""Large answers are lost, or are larger than some paths carry."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, some, tags_of, without_answer
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_LOST = frozenset(("CN05_LARGE_ANSWER_NO_UDP_ANSWER", "CN05_TCP_ANSWER_TRUNCATED", "CN05_UDP_LOSS_SIZE_DEPENDENT"))
_SHOWS = "The largest usual answer of the zone, over UDP."
_LARGE = Texts(
    "Answers are larger than a UDP packet carries",
    "Resolvers have to repeat such queries over TCP, which takes longer, or leave out addresses of name servers.",
    "Use shorter or fewer records: names of name servers that share a domain, fewer keys, ECDSA instead of RSA keys."
    " Check that the name servers set the TC flag only on answers that do not fit, and keep the OPT record in them.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find("CN05_*", "MISSING_OPT_IN_TRUNCATED", "REFERRAL_SIZE_*")
    if not found:
        return None
    addresses = run.addresses(found)
    lost = not tags_of(run, found).isdisjoint(_LOST)
    return Found(
        sorted({*found, *run.within(addresses, without_answer)}),
        harm=None if lost else Harm.STANDARD if tags_of(run, found) != {"CN05_ANSWER_NEEDS_TCP"} else Harm.ADVICE,
        addresses=addresses,
        texts=None if lost else _LARGE,
        snippets=tuple(command(run.dig("+dnssec", "DNSKEY", run.domain, at=each), _SHOWS) for each in some(addresses)),
    )


RULE = Rule(
    "large_answers_lost",
    Harm.SOME,
    Responsible.DNS_OPERATOR,
    Texts(
        "Large answers are lost",
        "Resolvers that need large answers, such as the keys of the zone, wait and may fail.",
        "Let the name servers limit UDP answers to 1232 bytes and answer over TCP, and let firewalls pass fragments"
        " and TCP port 53.",
    ),
    _find,
    variants=(_LARGE,),
    shows=(_SHOWS,),
)
