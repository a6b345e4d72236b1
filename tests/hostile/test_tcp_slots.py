"""Servers that keep connections open use up the slots of their run; some slots are only for urgent runs."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import dns.message
import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.limits import DEFAULT_LIMITS
from gonemaster_engine.net import transport
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


@pytest.mark.parametrize("tcp", [True, False])
def test_runs_of_batches_leave_connections_and_sockets_for_urgent_runs(
    tcp: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine runs together request all connections, or all sockets, for servers that never respond."""
    monkeypatch.setattr(transport, "UDP_SOCKETS", 64)
    most = 512 * 3 // 4 if tcp else 64 * 3 // 4
    with CountingDns({}, {OTHER: ["xa"]}) as world:
        arrived: list[str] = []
        as_many_as_may = threading.Event()

        def answer(address: str, query: dns.message.Message) -> dns.message.Message | None:
            arrived.append(address)
            if len(arrived) >= most:
                as_many_as_may.set()
            return world.authoritative(address, query) if address == OTHER else None

        world.answer = answer

        async def asked() -> int:
            hints = world.write_hints(tmp_path / "root.hints")
            resources = Resources.open(root_hints=hints, dns_port=world.port, hot_cache_ttl_s=0, ipv6=False)
            profile = loopback_profile(timeout_s=30.0, retrans_s=30.0)
            batch = [RunContext("xa", profile, resources, log=Log(profile)) for _ in range(9)]
            urgent = RunContext("xa", profile, resources, log=Log(profile))
            urgent.set_priority(is_urgent=True)
            for number, context in enumerate(batch):
                for address in HOLDING:
                    context.nameserver("ns.xa", address).query(f"n{number}.xa", "SOA", tcp=tcp)
            await asyncio.to_thread(as_many_as_may.wait)
            assert await urgent.nameserver("ns.xa", OTHER).query("xa", "SOA", tcp=tcp) is not None
            await resources.close()
            return len(arrived)

        assert asyncio.run(asked()) >= most
