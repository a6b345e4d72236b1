"""Floods of NOTIFY messages and of garbage: other networks are still served, and nothing else is queued."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from datetime import datetime
from pathlib import Path

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import pytest
from sqlalchemy import func, select

from gonemaster_db.core.session import Store
from gonemaster_db.models import ObservedZone
from tests.engine.zone.test_dsync import FOR_CDS, line, parent_with
from tests.tasks.notify.test_listener import is_due, observe_once, receiving
from tests.tasks.notify.test_messages import notify

PER_MINUTE = 20
FLOOD = 400
FLOODER, OTHER_NETWORK = "127.77.1.1", "127.78.1.1"


def zones(store: Store) -> int:
    with store.read_only() as session:
        return session.scalar(select(func.count()).select_from(ObservedZone)) or 0


def next_at(store: Store) -> datetime:
    with store.read_only() as session:
        return session.scalars(select(ObservedZone.next_at)).one()


async def rcode(port: int, octets: bytes, *, source: str, tcp: bool = False) -> dns.rcode.Rcode:
    """Send a message, and repeat it without an answer (RFC 1996 section 3.6): the kernel drops some of a flood."""
    ask = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    for _ in range(10):
        with contextlib.suppress(dns.exception.Timeout):
            answer = await ask(dns.message.from_wire(octets), "127.0.0.1", port=port, timeout=6, source=source)
            return answer.rcode()
    raise AssertionError("no answer")


def flood(port: int, messages: list[bytes]) -> socket.socket:
    """Send datagrams from the flooding network as fast as possible; return the socket that gets the answers."""
    sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sending.bind((FLOODER, 0))
    sending.setblocking(False)
    for octets in messages:
        sending.sendto(octets, ("127.0.0.1", port))
    return sending


def answers_in(receiving_socket: socket.socket) -> int:
    count = 0
    while True:
        try:
            receiving_socket.recv(2048)
        except BlockingIOError:
            return count
        count += 1


@pytest.mark.parametrize("tcp", [False, True])
def test_a_flood_does_not_hinder_other_networks(store: Store, tmp_path: Path, tcp: bool) -> None:
    observe_once(store)
    messages = [notify(f"d{number}.xa") for number in range(FLOOD)]

    async def whole() -> tuple[dns.rcode.Rcode, int]:
        world = parent_with(line("*._dsync", FOR_CDS))
        async with receiving(world, store, tmp_path, notify_per_minute=PER_MINUTE) as port:
            with flood(port, messages) as sending:
                found = await rcode(port, notify(), source=OTHER_NETWORK, tcp=tcp)
                return found, answers_in(sending)

    found, answered = asyncio.run(whole())
    assert found == dns.rcode.NOERROR
    assert answered <= PER_MINUTE + 1
    assert zones(store) == 1
    assert is_due(store)


def test_garbage_is_answered_or_dropped_and_the_receiver_lives_on(store: Store, tmp_path: Path) -> None:
    observe_once(store)
    chance = random.Random(9859)
    whole_message = notify()
    cut = [whole_message[:length] for length in range(len(whole_message))]
    mutated = [
        bytes(octet ^ (chance.randrange(256) if chance.random() < 0.1 else 0) for octet in whole_message)
        for _ in range(FLOOD)
    ]
    noise = [chance.randbytes(chance.randrange(1400)) for _ in range(FLOOD)]

    async def whole() -> dns.rcode.Rcode:
        async with receiving(parent_with(""), store, tmp_path, notify_per_minute=100_000) as port:
            with flood(port, [*cut, *mutated, *noise]):
                return await rcode(port, notify(), source=OTHER_NETWORK)

    assert asyncio.run(whole()) == dns.rcode.REFUSED  # the parent has no DSYNC record
    assert zones(store) == 1
    assert not is_due(store)


def test_repeated_messages_make_a_zone_due_once(store: Store, tmp_path: Path) -> None:
    observe_once(store)

    async def whole() -> tuple[datetime, set[dns.rcode.Rcode]]:
        async with receiving(parent_with(line("*._dsync", FOR_CDS)), store, tmp_path, notify_per_minute=1000) as port:
            found = {await rcode(port, notify(), source=OTHER_NETWORK)}
            first = next_at(store)
            return first, found | {await rcode(port, notify(), source=OTHER_NETWORK) for _ in range(30)}

    first, found = asyncio.run(whole())
    assert found == {dns.rcode.NOERROR}
    assert zones(store) == 1
    assert next_at(store) == first
