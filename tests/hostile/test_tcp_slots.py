"""Servers that keep connections open only use up the connections of their run."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import dns.message

from gonemaster_engine.context import RunContext
from gonemaster_engine.limits import DEFAULT_LIMITS
from gonemaster_engine.resources import Resources
from gonemaster_engine.run_log import Log
from tests.hostile._counting import CountingDns, numbered
from tests.support.engine import loopback_profile

HOLDING = numbered(2 * DEFAULT_LIMITS.max_tcp_connections)
OTHER = "127.77.0.1"


def test_connections_that_are_held_leave_some_for_other_runs(tmp_path: Path) -> None:
    with CountingDns({}, {OTHER: ["xa"]}) as world:
        arrived: list[str] = []
        as_many_as_may = threading.Event()

        def answer(address: str, query: dns.message.Message) -> dns.message.Message | None:
            arrived.append(address)
            if len(arrived) >= DEFAULT_LIMITS.max_tcp_connections:
                as_many_as_may.set()
            return None if address in HOLDING else world.authoritative(address, query)

        world.answer = answer

        async def asked() -> set[str]:
            hints = world.write_hints(tmp_path / "root.hints")
            resources = Resources.open(root_hints=hints, dns_port=world.port, hot_cache_ttl_s=0, ipv6=False)
            profile = loopback_profile(timeout_s=30.0)
            held, other = (RunContext("xa", profile, resources, log=Log(profile)) for _ in range(2))
            for address in HOLDING:
                held.nameserver("ns.xa", address).query("xa", "SOA", tcp=True)
            await asyncio.to_thread(as_many_as_may.wait)
            response = await other.nameserver("ns.xa", OTHER).query("xa", "SOA", tcp=True)
            assert response is not None
            await resources.close()
            return set(arrived)

        found = asyncio.run(asked())
    assert len(found - {OTHER}) == DEFAULT_LIMITS.max_tcp_connections
