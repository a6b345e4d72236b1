"""Some name servers do not serve the zone, although it is delegated to them."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import about_answers, command, reach, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = (
    "B02_NS_NOT_AUTH",
    "B02_NS_BROKEN",
    "B02_UNEXPECTED_RCODE",
    "CN01_SOA_RECORD_NOT_AA_UDP",
    "CN01_NS_RECORD_NOT_AA_UDP",
    "CN01_UNEXPECTED_*",
    "CN01_MISSING_*",
    "CN01_WRONG_*",
    "CN02_SOA_RECORD_NOT_AA_TCP",
    "CN02_NS_RECORD_NOT_AA_TCP",
    "CN02_UNEXPECTED_*",
    "CN02_MISSING_*",
    "CN02_WRONG_*",
    "IS_NOT_AUTHORITATIVE",
    "SOA_NOT_EXISTS",
    "HAS_A_RECORDS",
)
_SHOWS = "A server that serves the zone answers with status NOERROR, flag aa and the SOA record."
_UPWARD = Texts(
    "A name server answers with a referral to the root",
    "Resolvers ignore such referrals; they make answers larger.",
    "Configure the name server to answer REFUSED for zones that it does not serve.",
)


def _find(run: Evidence) -> Found | None:
    lame = run.addresses(run.find(*_TAGS)) - run.silent
    found = run.within(lame, about_answers) + run.find("CHILD_ZONE_LAME")
    if not found:
        upward = run.find("UPWARD_REFERRAL")
        return Found(upward, Harm.STANDARD, addresses=run.addresses(upward), texts=_UPWARD) if upward else None
    return Found(
        sorted(found),
        harm=reach(run, lame | run.silent),
        addresses=lame,
        snippets=tuple(command(run.dig("SOA", run.domain, at=address), _SHOWS) for address in some(lame)),
        records=("SOA", "NS"),
    )


RULE = Rule(
    "server_lame",
    Harm.SOME,
    Responsible.DNS_OPERATOR,
    Texts(
        "Some name servers do not serve the zone",
        "Resolvers get an error or no authoritative answer from these name servers, and have to query another one.",
        "Load the zone on these name servers, or remove them from the NS records, in the zone and in the parent zone.",
    ),
    _find,
    variants=(_UPWARD,),
    shows=(_SHOWS,),
)
