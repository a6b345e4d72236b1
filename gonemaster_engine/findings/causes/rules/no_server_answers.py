"""No name server serves the zone."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_TAGS = ("B02_NO_WORKING_NS", "B02_NO_DELEGATION", "A01_NO_NAME_SERVERS_FOUND", "CS05_NO_NS_ADDR_CHILD")
_SHOWS = "The answer of the name server: status NOERROR and flag aa if it serves the zone."
_SILENT = Texts(
    "No name server responds",
    "No resolver gets an answer for any name in the zone.",
    "Start the name servers, and check that a firewall lets UDP and TCP port 53 through. If the zone has moved, have"
    " the registrar replace the NS records in the parent zone.",
)


def _find(run: Evidence) -> Found | None:
    found = run.find(*_TAGS)
    if not found:
        return None
    faults = run.find("B02_*", "CHILD_ZONE_LAME", "IS_NOT_AUTHORITATIVE", "SOA_NOT_EXISTS", "NO_RESOLUTION")
    at_fault = run.addresses(faults)
    if at_fault and at_fault <= run.addresses_with("NON_GLOBAL_QUERY_BLOCKED"):
        return None  # the addresses are the cause
    if run.has("B02_NS_NO_IP_ADDR") and not at_fault:
        return None  # the names are the cause
    silent = bool(at_fault) and at_fault <= run.silent
    return Found(
        sorted({*found, *faults, *run.find("CANNOT_CONTINUE", "CN01_NO_*", "CN02_NO_*", "CN01_UN*", "CN02_UN*")}),
        harm=Harm.SOME if silent and run.is_cut_off else None,
        texts=_SILENT if silent else None,
        addresses=at_fault,
        snippets=tuple(command(run.dig("SOA", run.domain, at=address), _SHOWS) for address in some(at_fault)),
        records=("SOA", "NS"),
    )


RULE = Rule(
    "no_server_answers",
    Harm.EVERYONE,
    Responsible.DNS_OPERATOR,
    Texts(
        "No name server serves the zone",
        "No resolver gets an answer for any name in the zone.",
        "Load the zone on the name servers that the parent zone lists, or have the registrar replace the NS records"
        " in the parent zone with those of the name servers that serve it.",
    ),
    _find,
    variants=(_SILENT,),
    shows=(_SHOWS,),
)
