"""A name server leaves many queries unanswered until they are repeated."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence, ReadTiming
from gonemaster_engine.findings.causes.finding import command, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_LEAST_ANSWERS = 8
_SHARE = 0.3  # of the transmissions; far above the loss of a working path
_GOOD = 0.1  # a path that loses less works
_HALF = 0.4  # almost each query must be repeated; answers over TCP have no lost transmissions
_SHOWS = "Repeat it: some of the queries time out."


def _find(run: Evidence) -> Found | None:
    own = {timing.address: timing for timing in run.timings if timing.address in run.servers}
    known = run.silent | run.addresses_with("BREAKS_ON_EDNS", "DIFFERENT_SOURCE_IP")
    lossy = {address for address, timing in own.items() if _lost_share(timing) >= _SHARE} - known
    if not lossy or (lossy == run.servers.keys() and not _path_works(run)):
        return None
    # Queries that are never answered have another cause; those that need a repeat delay every resolver.
    repeated = any(own[address].lost >= _HALF * (own[address].count + own[address].lost) for address in lossy)
    harm = Harm.SOME if repeated else Harm.RISK
    shown = tuple(command(run.dig("+tries=1", "SOA", run.domain, at=address), _SHOWS) for address in some(lossy))
    return Found((), harm=harm, addresses=frozenset(lossy), snippets=shown)


def _path_works(run: Evidence) -> bool:
    """Return whether other servers, such as those of the parent zone, answered: the path of the tester is good."""
    others = [timing for timing in run.timings if timing.address not in run.servers]
    return any(timing.count >= _LEAST_ANSWERS and _lost_share(timing) < _GOOD for timing in others)


def _lost_share(timing: ReadTiming) -> float:
    """Return the share of lost packets: those of queries without an answer, and those before a repeat."""
    lost = timing.timeouts + timing.lost
    return lost / (timing.count + lost) if timing.count >= _LEAST_ANSWERS else 0.0


RULE = Rule(
    "server_loses_packets",
    Harm.SOME,
    Responsible.DNS_OPERATOR,
    Texts(
        "A name server leaves many queries unanswered",
        "Resolvers wait and repeat their queries, so some answers are slow.",
        "Check the load of the name server, its limits on responses, and the firewall in front of it.",
    ),
    _find,
    shows=(_SHOWS,),
)
