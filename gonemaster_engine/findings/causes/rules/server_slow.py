"""A name server responds far more slowly than the others."""

from __future__ import annotations

from gonemaster_engine.findings.causes.evidence import Evidence
from gonemaster_engine.findings.causes.finding import command, some
from gonemaster_engine.findings.causes.model import Found, Harm, Responsible, Rule, Texts

_SLOW_MS = 700.0  # longer than any path on Earth takes
_TIMES = 4  # slower than the fastest
_LEAST_ANSWERS = 5
_SHOWS = 'The line "Query time" shows how long the name server takes.'


def _find(run: Evidence) -> Found | None:
    times = {
        timing.address: timing.median_ms
        for timing in run.timings
        if timing.address in run.servers and timing.median_ms and timing.count >= _LEAST_ANSWERS
    }
    limit = max(_SLOW_MS, _TIMES * min(times.values(), default=0.0))
    slow = {address for address, median_ms in times.items() if median_ms > limit}
    if not slow:
        return None
    shown = tuple(command(run.dig("SOA", run.domain, at=address), _SHOWS) for address in some(slow))
    return Found((), addresses=frozenset(slow), snippets=shown)


RULE = Rule(
    "server_slow",
    Harm.ADVICE,
    Responsible.DNS_OPERATOR,
    Texts(
        "A name server responds far more slowly than the others",
        "Resolvers that query it first wait longer.",
        "Check the load of the name server and the network in front of it.",
    ),
    _find,
    shows=(_SHOWS,),
)
