"""The zone has keys of an algorithm with which not everything is signed."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SHOWS = "The signatures; the second field of each is the number of the algorithm."


def _find(run: Evidence) -> Found | None:
    found = run.find("DS13_*")
    if not found:
        return None
    return Found(
        sorted({*found, *run.find("DS18_ROLLOVER_EVIDENCE_*")}),
        harm=None if run.is_secure else Harm.STANDARD,
        addresses=run.addresses(found),
        args={"algorithms": run.values(found, "algo_mnemo")},
        snippets=(command(run.dig("+dnssec", "SOA", run.domain), _SHOWS),),
        records=("DNSKEY", "RRSIG"),
    )


RULE = Rule(
    "algorithm_incomplete",
    Harm.RISK,
    Responsible.ZONE,
    Texts(
        "Not everything is signed with each algorithm of the keys",
        "Strict validators answer SERVFAIL if records have no signature with an algorithm of the DNSKEY records:"
        " {algorithms}.",
        "Sign the whole zone with each algorithm that its DNSKEY records use, or remove the keys of an algorithm that"
        " is not used (RFC 4035 section 2.2).",
    ),
    _find,
    shows=(_SHOWS,),
)
