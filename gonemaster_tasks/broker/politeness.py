"""What may be sent to name servers by all processes together, kept in Redis: see gonemaster_engine.net.ledger."""

import time
from collections.abc import Sequence
from typing import Any

from gonemaster_engine.net import ledger
from gonemaster_engine.net.ledger import Loan, Loans, Terms, Want
from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.connection import reachable, read_script, server_time
from gonemaster_tasks.broker.keys import LIMITED, WORKER_TIMES

_LIMITED_FOR_S = 2.0  # an address counts as limited, unless it is reported again
_MOST_REPORTED = 1000
_US = 1_000_000
_TIMES_S = (
    ledger.BURST_S,
    ledger.AHEAD_S,
    ledger.HORIZON_S,
    ledger.HELD_S,
    ledger.WAIT_FOR_SLOT_S,
    ledger.RESTED_S,
    ledger.RESTED_AHEAD_S,
)
_CONSTANTS = (*(round(seconds * _US) for seconds in _TIMES_S), ledger.SLOTS_AHEAD)
_FIELDS = 6  # of a loan in the reply


class Politeness:
    """The ledger of all addresses. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lend = client.register_script(read_script("lend.lua"))

    def lend(self, wants: Sequence[Want], terms: Terms, *, process: str) -> Loans:
        """Lend a process what it wants of several addresses, in one call; `terms` are those for all processes."""
        lent = terms.slots_lent if terms.outstanding else -1
        interval_us = max(1, round(terms.interval_s * _US)) if terms.qps else 0
        asked = [number for want in wants for number in (want.packets, want.held)]
        sent_at = time.monotonic()
        with reachable():
            processes, *fields = self._lend(
                keys=[WORKER_TIMES, *(keys.address(want.address) for want in wants)],
                args=[process, interval_us, lent, *_CONSTANTS, *asked],
            )
        made_at = (sent_at + time.monotonic()) / 2
        loans = [_loan(fields[place : place + _FIELDS]) for place in range(0, len(fields), _FIELDS)]
        return Loans(int(processes), loans, made_at)

    def report(self, limited: Sequence[str]) -> None:
        """Note the addresses at which packets of a process wait now; say so again as long as it is so."""
        with reachable():
            ends_at = server_time(self._client) + _LIMITED_FOR_S
            self._client.zadd(LIMITED, dict.fromkeys(limited[:_MOST_REPORTED], ends_at))

    def limited_count(self) -> int:
        """Return at how many addresses packets wait for the limit now, whatever process they are of."""
        with reachable(), self._client.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(LIMITED, "-inf", server_time(self._client))
            pipe.zcard(LIMITED)
            return int(pipe.execute()[1])


def _loan(fields: Sequence[int]) -> Loan:
    ready, delay_us, spaced, is_shared, retry_us, early_us = map(int, fields)
    return Loan(ready, delay_us / _US, spaced, bool(is_shared), retry_us / _US, early_us / _US)
