"""The receiver of NOTIFY messages on real sockets: what it queues, and what it refuses."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import dns.asyncquery
import dns.message
import dns.rcode
import pytest
from sqlalchemy import select

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import ObservedZone
from gonemaster_db.service.observed_zones import claim_zones, finish_zone, follow_members
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.notify.listener import receive
from tests.db.service.test_observed_zones import cds_watch
from tests.engine.zone.test_dsync import FOR_CDS, OTHER, TARGET, line, parent_with
from tests.support.dnsworld import World
from tests.tasks.notify.test_messages import notify

ZONE = "example.xa"
HOUR = timedelta(hours=1)


@contextlib.asynccontextmanager
async def receiving(world: World, store: Store, directory: Path, **changes: object) -> AsyncIterator[int]:
    """Serve a world and a receiver; yield its port."""
    with world:
        settings = dataclasses.replace(
            Settings(
                root_hints_path=world.write_hints(directory / "root.hints"),
                dns_port=world.port,
                allow_non_global=True,
                timeout=2,
                retry=1,
                notify_listen="127.0.0.1:0",
                notify_target=TARGET,
            ),
            **changes,  # type: ignore[arg-type]
        )
        stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(receive(settings, store, stop, ready=port.set_result))
        try:
            yield await port
        finally:
            stop.set()
            await serving


async def send(port: int, octets: bytes, *, tcp: bool = False) -> dns.rcode.Rcode:
    message = dns.message.from_wire(octets)
    ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    answer = await ask(message, "127.0.0.1", port=port, timeout=20)
    return answer.rcode()


def observe_once(store: Store, domain: str = ZONE) -> None:
    """Watch a domain that was observed two minutes ago and is due in an hour."""
    watch = cds_watch(store, tag=None, domain=domain)
    then = utcnow() - timedelta(minutes=2)
    with store.transaction() as session:
        follow_members(session, watch, now=then)
        for claimed in claim_zones(session, now=then, lease=HOUR, limit=9):
            finish_zone(session, claimed, state={}, now=then, next_at=then + HOUR)


def is_due(store: Store) -> bool:
    with store.read_only() as session:
        return any(at <= utcnow() for at in session.scalars(select(ObservedZone.next_at)))


@pytest.mark.parametrize("tcp", [False, True])
def test_a_notification_makes_the_zone_due(store: Store, tmp_path: Path, tcp: bool) -> None:
    observe_once(store)

    async def whole() -> dns.rcode.Rcode:
        async with receiving(parent_with(line("*._dsync", FOR_CDS)), store, tmp_path) as port:
            return await send(port, notify(), tcp=tcp)

    assert not is_due(store)
    assert asyncio.run(whole()) == dns.rcode.NOERROR
    assert is_due(store)


@pytest.mark.parametrize(
    ("records", "octets"),
    [
        ("", notify()),
        (line("*._dsync", OTHER), notify()),
        (line("*._dsync", FOR_CDS), notify("other.xa")),
        (line("*._dsync", FOR_CDS), notify(rtype="CSYNC")),
    ],
    ids=["no DSYNC", "DSYNC of another host", "not watched", "another type"],
)
def test_other_notifications_are_refused_and_queue_nothing(
    store: Store, tmp_path: Path, records: str, octets: bytes
) -> None:
    observe_once(store)

    async def whole() -> dns.rcode.Rcode:
        async with receiving(parent_with(records), store, tmp_path) as port:
            return await send(port, octets)

    assert asyncio.run(whole()) == dns.rcode.REFUSED
    assert not is_due(store)


def test_a_network_that_sends_too_much_gets_no_answer(store: Store, tmp_path: Path) -> None:
    async def whole() -> dns.rcode.Rcode:
        async with receiving(World(), store, tmp_path, notify_per_minute=1) as port:
            first = await send(port, notify())
            message = dns.message.from_wire(notify())
            with pytest.raises(EOFError):  # over TCP the connection ends instead
                await dns.asyncquery.tcp(message, "127.0.0.1", port=port, timeout=20)
            return first

    assert asyncio.run(whole()) == dns.rcode.REFUSED
