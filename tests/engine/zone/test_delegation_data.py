"""Lookups of a zone's data in its parent zone, without a test."""

from __future__ import annotations

import asyncio

import pytest

from gonemaster_engine.zone.delegation_data import DelegationData, look_up_delegation
from tests.support.dnsworld import World, faults
from tests.support.engine import loopback_profile, run_context


def looked_up(world: World, domain: str, *, limit_s: float = 20.0) -> DelegationData:
    async def work() -> DelegationData:
        async with run_context(world) as context:
            profile = loopback_profile(timeout_s=3.0, retry=1)
            return await look_up_delegation(domain, profile, context.resources, limit_s=limit_s)

    with world:
        return asyncio.run(work())


def test_names_inside_and_outside_of_the_zone() -> None:
    world = World()
    world.zone("xa", ns={"ns.nic.xa": "127.9.3.1"})
    world.zone("other.xa", ns={"ns.other.xa": "127.9.4.1"}, records="ns2 A 127.9.4.2")
    world.zone("a.xa", ns={"ns1.a.xa": "127.9.5.1", "ns2.other.xa": (), "ns.gone.xa": ()}, signed=True)
    found = looked_up(world, "a.xa")
    assert found.nameservers == (("ns1.a.xa", "127.9.5.1"), ("ns2.other.xa", "127.9.4.2"), ("ns.gone.xa", None))
    (ds,) = found.ds
    assert (ds.algorithm, ds.digtype, len(ds.digest)) == (13, 2, 64)


def test_zone_that_is_not_there() -> None:
    world = World()
    world.zone("xa", ns={"ns.nic.xa": "127.9.3.1"})
    assert looked_up(world, "nowhere.xa") == DelegationData()


def test_silence_ends_with_the_time() -> None:
    world = World()
    world.zone("xa", ns={"ns.nic.xa": "127.9.3.1"})
    world.server("127.9.3.1").fault(faults.silence())
    with pytest.raises(TimeoutError):
        looked_up(world, "a.xa", limit_s=0.3)


def test_servers_of_the_zone_are_left_alone() -> None:
    """The servers of the zone itself are not queried: the parent's data are enough."""
    world = World()
    servers = {f"ns{number}.a.xa": f"127.9.6.{number}" for number in range(1, 41)}
    world.zone("xa", ns={"ns.nic.xa": "127.9.3.1"})
    zone = world.zone("a.xa", ns=servers)
    for server in zone.servers:
        server.fault(faults.silence())
    found = looked_up(world, "a.xa")
    assert len(found.nameservers) == 40
    asked = sum(len(server.log) for server in zone.servers)
    assert asked == 0
