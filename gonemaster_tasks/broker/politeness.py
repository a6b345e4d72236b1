"""Leases of packets to name servers, shared by all processes, in Redis: the rules are in scripts/grant_leases.lua."""

import asyncio
import os
import socket
from collections.abc import Sequence
from typing import Any

from gonemaster_engine.net.pacing import AddressLimits, Lease, LeaseRequest, Leases
from gonemaster_engine.net.pacing.limits import TOLERANCE_S
from gonemaster_tasks.broker import keys
from gonemaster_tasks.broker.address import parse_broker_url
from gonemaster_tasks.broker.connection import reachable, read_script, server_time
from gonemaster_tasks.broker.keys import LIMITED, WORKER_TIMES
from gonemaster_tasks.repeating import FailureLog

_ANSWER_S = 2.0  # Redis counts as unavailable if it needs longer.
_US = 1_000_000


class RedisLeaseClient:
    """Leases packets to one process, in its event loop. Without the name of a worker, the process has no share."""

    def __init__(self, url: str, worker: str | None = None, *, script: str = "") -> None:
        self._process = worker or f"{os.getpid()}@{socket.gethostname()}"
        self._client: Any = parse_broker_url(url).connect_async()
        self._grant = self._client.register_script(script or read_script("grant_leases.lua"))
        self._failures = FailureLog("politeness")

    async def request(self, wants: Sequence[LeaseRequest], limits: AddressLimits) -> Leases | None:
        """Request leases; return None while Redis is unavailable."""
        interval_us = round(_US / limits.qps) if limits.qps else 0
        wanted = [number for each in wants for number in (each.packets, each.unanswered, int(each.is_limited))]
        try:
            async with asyncio.timeout(_ANSWER_S):
                processes, has_share, *fields = await self._grant(
                    keys=[WORKER_TIMES, LIMITED, *(keys.address(each.address) for each in wants)],
                    args=[self._process, interval_us, round(TOLERANCE_S * _US), int(limits.outstanding), *wanted],
                )
        except Exception as error:  # noqa: BLE001 - after any error the process keeps to its share
            self._failures.failed(error)
            return None
        self._failures.succeeded()
        leases = [Lease(packets, delay_us / _US) for packets, delay_us in zip(fields[::2], fields[1::2], strict=True)]
        return Leases(processes, bool(has_share), leases)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()


class LimitedAddresses:
    """The addresses at which packets of any process wait because of the limit."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def count(self) -> int:
        """Return the number of addresses. Raises BrokerUnavailable."""
        with reachable():
            return int(self._client.zcount(LIMITED, server_time(self._client) * _US, "+inf"))
