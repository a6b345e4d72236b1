"""Name servers answer over UDP but not over TCP."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SHOWS = "No answer: the connection is refused or times out."


def _find(run: Evidence) -> Found | None:
    found = run.find("CN02_*")
    if not found:
        return None
    addresses = run.addresses(found)
    return Found(
        found,
        harm=Harm.RISK if run.is_cut_off else None,
        addresses=addresses,
        snippets=tuple(command(run.dig("+tcp", "SOA", run.domain, at=address), _SHOWS) for address in some(addresses)),
    )


RULE = Rule(
    "no_tcp",
    Harm.SOME,
    Responsible.DNS_OPERATOR,
    Texts(
        "Name servers do not answer over TCP",
        "Answers that do not fit into a UDP packet are lost: large records, signed answers, and all answers while a"
        " server limits responses.",
        "Let the name servers listen on TCP port 53, and open the port in the firewall (RFC 7766).",
    ),
    _find,
    shows=(_SHOWS,),
)
