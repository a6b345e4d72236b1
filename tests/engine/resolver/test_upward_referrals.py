"""A referral to the root, to a parent or elsewhere is not followed; the next server is queried.

Source: RFC 1034 section 5.3.3: a delegation that is not closer to the answer than the known one is discarded.
"""

from __future__ import annotations

from collections.abc import Iterator

import dns.name
import pytest

from gonemaster_engine.context import RunContext
from gonemaster_engine.resolver.recursor import Recursor
from tests.support.dnsworld import World, faults
from tests.support.engine import in_run

HOSTS = ("127.9.3.1", "127.9.3.2", "127.9.3.3")
TRAP = "127.9.9.9"  # where the referrals lead
NOT_DEEPER = {
    "the root": ".",
    "a parent": "xa.",
    "the zone itself": "mail.xa.",
    "a zone beside it": "other.xa.",
    "a zone below the name": "below.www.mail.xa.",
}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.zone(".")
    world.zone("xa", ns={"ns1.nic.xa": "127.9.3.9"})
    world.zone(
        "mail.xa", ns={f"ns{number}.mail.xa": host for number, host in enumerate(HOSTS)}, records="www A 192.0.2.1"
    )
    world.zone("trap.xa", ns={"ns.trap.xa": TRAP})
    with world:
        yield world


def refer(world: World, owner: str, *hosts: str) -> None:
    for host in hosts:
        world.server(host).fault(faults.refer(owner, {"ns.trap.xa.": TRAP}), below="mail.xa")


def resolved(world: World) -> tuple[list[str], set[tuple[str, str]]]:
    """Resolve the addresses of a name; return them, and the queries that no server answered or denied."""

    async def work(context: RunContext) -> tuple[list[str], set[tuple[str, str]]]:
        recursor = Recursor(context)
        return await recursor.addresses("www.mail.xa"), recursor.unanswered

    return in_run(world, work)


def queries(world: World, host: str) -> int:
    """Return how many queries below mail.xa a server got."""
    zone = dns.name.from_text("mail.xa")
    return sum(query.name is not None and query.name.is_subdomain(zone) for query in world.server(host).log)


@pytest.mark.parametrize("owner", NOT_DEEPER.values(), ids=NOT_DEEPER)
def test_the_next_server_is_queried(world: World, owner: str) -> None:
    refer(world, owner, *HOSTS[:2])
    assert resolved(world) == (["192.0.2.1"], set())
    assert max(queries(world, host) for host in HOSTS) <= 2  # one for A and one for AAAA
    assert queries(world, TRAP) == 0


@pytest.mark.parametrize("owner", NOT_DEEPER.values(), ids=NOT_DEEPER)
def test_referrals_of_all_servers_end_the_resolution(world: World, owner: str) -> None:
    refer(world, owner, *HOSTS)
    assert resolved(world) == ([], {("www.mail.xa", "A"), ("www.mail.xa", "AAAA")})
    assert [queries(world, host) for host in HOSTS] == [2, 2, 2]
    assert queries(world, TRAP) == 0
    # No server above the zone is queried again.
    assert len(world.server("127.9.3.9").log) <= 2


def test_two_zones_that_refer_to_each_other_end_the_resolution(world: World) -> None:
    """A delegation goes down to a server that refers up to the zone above, which would delegate again."""
    refer(world, "www.mail.xa.", *HOSTS)
    world.server(TRAP).fault(faults.refer("mail.xa.", {"ns0.mail.xa.": HOSTS[0]}), below="www.mail.xa")
    assert resolved(world)[0] == []
    assert len(world.log) <= 12
