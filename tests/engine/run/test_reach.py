"""The check whether name servers are reachable tries each kind of exchange; answers of a middlebox do not count."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from pathlib import Path

from gonemaster_engine.net.query import Timing
from gonemaster_engine.resources import Hints, load_hints
from gonemaster_engine.run.reach import EXCHANGE_KINDS, ExchangeKind, PathReach, probe_reach
from tests.support.dnsworld import World

QUICK = Timing(timeout_s=1.0, retrans_s=0.4, tries=2)


def probe(hints: Hints, port: int) -> dict[ExchangeKind, PathReach]:
    return asyncio.run(probe_reach(hints, port=port, timing=QUICK))


def test_each_way_reaches_servers_that_answer(demo_world: World, demo_hints: Path) -> None:
    found = probe(load_hints(demo_hints), demo_world.port)
    for way, reach in found.items():
        assert reach.answered == reach.tried, way
    tried = {way.kind: reach for way, reach in found.items() if way.family == 4}
    assert all(reach.tried for reach in tried.values())
    assert tried["large"].octets > tried["udp"].octets > 0, "keys with signatures"
    assert not tried["large"].truncated


def test_an_error_code_is_no_answer(demo_world: World) -> None:
    (other,) = demo_world.zone_of("xa.").addresses[:1]  # serves another zone than the root
    found = probe({"a": (other,)}, demo_world.port)
    udp = next(reach for way, reach in found.items() if reach.tried and way.kind == "udp")
    assert (udp.answered, udp.error) == (0, "REFUSED")


def test_a_port_without_server_is_not_reached() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind(("127.0.0.1", 0))
        found = probe({"a": ("127.0.0.1",)}, taken.getsockname()[1])
    by_kind = {way.kind: reach for way, reach in found.items() if way.family == 4}
    assert {(reach.tried, reach.answered) for reach in by_kind.values()} == {(1, 0)}
    assert by_kind["udp"].error == "timeout"
    assert by_kind["tcp"].error == "unreachable"
    assert {reach.tried for way, reach in found.items() if way.family == 6} == {0}


def test_every_family_and_kind_is_a_way() -> None:
    assert len({way.name for way in EXCHANGE_KINDS}) == 6
