"""Leases of packets to name servers, shared by all processes, in Redis: the rules are in scripts/grant_leases.lua."""

import time
from collections.abc import Sequence
from typing import Any

from gonemaster_engine.net.pacing.limits import HELD_S, HORIZON_S, TOLERANCE_S, Lease, LeaseRequest, Leases, LeaseTerms
from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable, read_script, server_time
from gonemaster_tasks.broker.keys import LIMITED, WORKER_TIMES

_LIMITED_FOR_S = 2.0  # An address counts as limited for this long after a report.
_MAX_REPORTED = 1000
_RETRY_S = 0.05  # The delay if no packet in flight remains.
_US = 1_000_000
_CONSTANTS = tuple(round(seconds * _US) for seconds in (TOLERANCE_S, HORIZON_S, HELD_S, _RETRY_S))
_FIELDS = 4  # Fields per lease in the reply.


class Politeness:
    """The leases of all addresses, which a script grants. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any, *, script: str = "") -> None:
        self._client = client
        self._grant = client.register_script(script or read_script("grant_leases.lua"))

    def grant(self, wants: Sequence[LeaseRequest], terms: LeaseTerms, *, process: str) -> Leases:
        """Lease packets of several addresses to a process in one call."""
        outstanding = -1 if terms.outstanding is None else terms.outstanding
        wanted = [number for want in wants for number in (want.packets, want.held)]
        sent_at = time.monotonic()
        with reachable():
            processes, *fields = self._grant(
                keys=[WORKER_TIMES, *(keys.address(want.address) for want in wants)],
                args=[process, round(terms.interval_s * _US), outstanding, *_CONSTANTS, *wanted],
            )
        made_at = (sent_at + time.monotonic()) / 2
        leases = [_lease(*fields[start : start + _FIELDS]) for start in range(0, len(fields), _FIELDS)]
        return Leases(int(processes), leases, made_at)

    def report(self, limited: Sequence[str]) -> None:
        """Store the addresses for which packets of a process wait; they expire after a short time."""
        with reachable():
            ends_at = server_time(self._client) + _LIMITED_FOR_S
            self._client.zadd(LIMITED, dict.fromkeys(limited[:_MAX_REPORTED], ends_at))

    def limited_count(self) -> int:
        """Return the number of addresses for which any process waits because of the limit."""
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(LIMITED, "-inf", server_time(self._client))
            pipe.zcard(LIMITED)
            return int(pipe.execute()[1])


def _lease(packets: int, delay_us: int, retry_us: int, others: int) -> Lease:
    return Lease(int(packets), int(delay_us) / _US, int(retry_us) / _US, bool(others))
