"""A name server leaves many queries unanswered until they are repeated."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence, ReadTiming
from gonemaster_engine.findings.causes.finding import command, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_LEAST_ANSWERS = 5
_SHARE = 0.3  # far above the loss of a working path
_SHOWS = "Repeat it: some of the queries time out."


def _find(run: Evidence) -> Found | None:
    lossy = {timing.address for timing in run.timings if timing.address in run.servers and _loses(timing)}
    lossy -= run.silent | run.addresses_with("BREAKS_ON_EDNS", "DIFFERENT_SOURCE_IP")
    if not lossy or lossy == run.servers.keys():  # if all lose packets, it can be the path of the tester
        return None
    shown = tuple(command(run.dig("+tries=1", "SOA", run.domain, at=address), _SHOWS) for address in some(lossy))
    return Found((), addresses=frozenset(lossy), snippets=shown)


def _loses(timing: ReadTiming) -> bool:
    return timing.count >= _LEAST_ANSWERS and timing.timeouts >= _SHARE * (timing.count + timing.timeouts)


RULE = Rule(
    "server_loses_packets",
    Harm.RISK,
    Responsible.DNS_OPERATOR,
    Texts(
        "A name server leaves many queries unanswered",
        "Resolvers wait and repeat their queries, so some answers are slow.",
        "Check the load of the name server, its limits on responses, and the firewall before it.",
    ),
    _find,
    shows=(_SHOWS,),
)
