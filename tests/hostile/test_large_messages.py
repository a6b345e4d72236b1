"""Messages that are expensive to parse are charged to their run, and share the iterations of the event loop."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator

import dns.message
import pytest

from gonemaster_engine.errors import WireError
from gonemaster_engine.limits import RunLimits
from gonemaster_engine.loop_time import MAX_SPENT_US, LoopTime
from gonemaster_engine.net.wire.messages import HEADER_OCTETS, Response
from gonemaster_engine.net.wire.octets import MessageOctets
from tests.hostile._giants import A, giant_answer, reply
from tests.hostile.test_run_budget import OWN, ZONE, evil_zone, limits_of, run

ROOT_RECORD_OCTETS = 11  # the part of a record before its rdata
MAX_POINTERS = 127


def test_malformed_messages_are_charged_like_others() -> None:
    """Thousands of records, then a missing one: the message is parsed nearly to the end, and is useless."""
    world = evil_zone()
    records, count = giant_answer(A, 1.0)

    def answer(address: str, query: dns.message.Message) -> dns.message.Message | bytes | None:
        if address == OWN and query.question[0].name.to_text() != f"{ZONE}.":
            return reply(query, answer=(records, count + 1))
        return world.authoritative(address, query)

    world.answer = answer
    result = run(world, deadline_s=20, limits=RunLimits(max_octets=500_000))
    assert limits_of(result).keys() == {"max_octets"}


def test_work_that_shares_a_turn_of_the_loop_is_bounded() -> None:
    """A hundred tasks have ten parts of work each: no iteration exceeds its share by more than one part."""
    part_us = MAX_SPENT_US // 4
    done: list[int] = [0]  # by iteration

    async def work(turns: LoopTime) -> None:
        for _ in range(10):
            await turns.wait()
            turns.spend(part_us)
            done[-1] += part_us

    async def whole() -> None:
        turns = LoopTime()
        tasks = [asyncio.create_task(work(turns)) for _ in range(100)]
        while not all(task.done() for task in tasks):
            await asyncio.sleep(0)
            done.append(0)

    asyncio.run(whole())
    assert sum(done) == 1_000 * part_us
    # an iteration of one loop may end in the middle of an iteration of the other
    assert max(done) < 2 * MAX_SPENT_US + part_us


def _message(chains: bytes, targets: Iterator[int]) -> bytes:
    """Return a message: a TXT record that contains names, then records whose owners point into it."""
    records = [b"\0" + struct.pack("!HHIH", 16, 1, 1, len(chains)) + chains]
    size = len(records[0])
    for target in targets:
        records.append(struct.pack("!HHHIH", 0xC000 | target, 1, 1, 1, 4) + b"\x01\x01\x01\x01")
        size += len(records[-1])
        if size > 64_900:
            break
    return struct.pack("!6H", 1, 0x8400, 0, len(records), 0, 0) + b"".join(records)


def _pointer_chain() -> bytes:
    """All records point to the end of a chain of maximum length."""
    base = at = HEADER_OCTETS + ROOT_RECORD_OCTETS
    chain = b"\x01a\x00"
    for _ in range(MAX_POINTERS - 1):
        at, chain = base + len(chain), chain + struct.pack("!H", 0xC000 | at)
    return _message(chain, iter(lambda: at, None))


def _label_chains() -> bytes:
    """Return records whose names point to different positions in a chain; each position has one label and a pointer."""
    base = HEADER_OCTETS + ROOT_RECORD_OCTETS
    chain, places, start = b"\x01a\x00", [], base
    while len(chain) < 16_000:
        at, chain = base + len(chain), chain + b"\x01b" + struct.pack("!H", 0xC000 | start)
        places.append(at)
        start = at if len(places) % 120 else base
    return _message(chain, iter(places * 3))


def _long_names() -> bytes:
    """Each record points to another label of names with the maximum number of labels."""
    base, name = HEADER_OCTETS + ROOT_RECORD_OCTETS, b"\x01x" * 126 + b"\0"
    places = [base + number * len(name) + 2 * label for label in range(126) for number in range(62)]
    return _message(name * 62, iter(places))


@pytest.mark.parametrize("message", [_pointer_chain(), _label_chains(), _long_names()], ids=["chain", "labels", "long"])
def test_compression_pointers_are_no_way_to_multiply_work(message: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    followed = []
    follow = MessageOctets.follow

    def counted(self: MessageOctets, target: int, pointers: int) -> tuple[str, int, int]:
        followed.append(target)
        return follow(self, target, pointers)

    monkeypatch.setattr(MessageOctets, "follow", counted)
    assert Response(message).held_octets
    assert len(followed) == len(set(followed)), "where a pointer leads was read twice"


def test_too_many_pointers_are_refused() -> None:
    base = at = HEADER_OCTETS + ROOT_RECORD_OCTETS
    chain = b"\x01a\x00"
    for _ in range(MAX_POINTERS + 1):
        at, chain = base + len(chain), chain + struct.pack("!H", 0xC000 | at)
    with pytest.raises(WireError):
        Response(_message(chain, iter([at])))
