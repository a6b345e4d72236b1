"""Some name server addresses do not respond."""

from __future__ import annotations

from dataclasses import replace

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import MANY, address_record, command, reach, some, without_answer
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Snippet, SnippetKind, Texts

_SHOWS = "No answer: the query times out."
_REMOVE = "Remove this record in the zone and, as glue, at the registrar, until the address responds."
_ONE = Texts(
    "The name server {ns} does not respond on {address}",
    "Resolvers wait for it before they query another name server, so some answers are slow, and there is less"
    " redundancy.",
    "Start the name server on this address, and check that a firewall lets UDP and TCP port 53 through. Remove the"
    " address if it is no longer in use.",
)
_MANY = Texts(
    "{affected} of {total} name server addresses do not respond",
    "Resolvers wait for them before they query another name server, so some answers are slow, and there is less"
    " redundancy.",
    "Start the name servers on these addresses, and check that a firewall lets UDP and TCP port 53 through. Remove"
    " addresses that are no longer in use.",
)


def _find(run: Evidence) -> Found | None:
    silent = run.silent - run.addresses_with("B02_AUTH_RESPONSE_SOA", "CN01_OK_UDP")
    found = run.within(silent, without_answer)
    if not found:
        return None
    harm = reach(run, silent)
    named = [(name, address) for address in sorted(silent) if (name := run.servers.get(address))]
    first = named[0] if named else ("", min(silent))
    commands = [command(run.dig("SOA", run.domain, at=address), _SHOWS) for address in some(silent)]
    removed = [Snippet(SnippetKind.REMOVE, address_record(*pair), _REMOVE) for pair in named[:MANY]]
    return Found(
        found,
        harm=harm.milder if run.is_cut_off else harm,
        addresses=silent,
        texts=_MANY if len(silent) > 1 else _ONE if first[0] else None,
        args={"ns": first[0], "address": first[1], "affected": len(silent), "total": len(run.servers)},
        snippets=(*commands, *(removed if harm is Harm.SOME else ())),
    )


RULE = Rule(
    "server_silent",
    Harm.SOME,
    Responsible.DNS_OPERATOR,
    replace(_ONE, title="A name server does not respond"),
    _find,
    variants=(_ONE, _MANY),
    shows=(_SHOWS, _REMOVE),
)
