"""Equal answers of several servers are parsed once; differing answers are parsed separately."""

from __future__ import annotations

import dns.message
import dns.rrset
import pytest

from gonemaster_engine.errors import WireError
from gonemaster_engine.net.wire.messages import Response, ResponsePool

CHAOS = 3


def answer(address: str = "192.0.2.1", *, message_id: int = 1) -> bytes:
    message = dns.message.make_response(dns.message.make_query("example.xa.", "A", id=message_id))
    message.answer.append(dns.rrset.from_text("example.xa.", 60, "IN", "A", address))
    return message.to_wire()


def test_answers_that_differ_in_their_id_only_share_their_records() -> None:
    response_pool: ResponsePool = {}
    first = Response(answer(message_id=1), source="192.0.2.53", rtt_ms=1.0, response_pool=response_pool)
    second = Response(
        answer(message_id=0xABCD), source="192.0.2.54", rtt_ms=2.0, over_tcp=True, response_pool=response_pool
    )
    assert second.answer is first.answer
    assert second.records("A", "example.xa") is first.records("A", "example.xa")
    assert (first.id, second.id) == (1, 0xABCD)
    assert (second.source, second.rtt_ms, second.over_tcp) == ("192.0.2.54", 2.0, True)
    assert second.wire == answer(message_id=0xABCD)
    assert second.held_octets == first.held_octets  # counted for both


@pytest.mark.parametrize("other", [answer("192.0.2.2"), answer().replace(b"example", b"eXample"), answer() + b"\0"])
def test_an_answer_that_differs_otherwise_is_read_on_its_own(other: bytes) -> None:
    response_pool: ResponsePool = {}
    first = Response(answer(), response_pool=response_pool)
    second = Response(other, response_pool=response_pool)
    assert second.answer is not first.answer
    alone = Response(other)
    assert [(record.owner, record.octets) for record in second.answer] == [
        (record.owner, record.octets) for record in alone.answer
    ]


def test_equal_octets_of_another_class_or_with_an_equal_hash_are_not_shared() -> None:
    response_pool: ResponsePool = {}
    first = Response(answer(), response_pool=response_pool)
    assert not Response(answer(), qclass=CHAOS, response_pool=response_pool).records("A")
    other = answer("192.0.2.2")
    response_pool[hash(other[2:])] = first
    assert Response(other, response_pool=response_pool).records("A")[0].address == "192.0.2.2"


def test_what_cannot_be_read_is_refused_each_time() -> None:
    response_pool: ResponsePool = {}
    for _ in range(2):
        with pytest.raises(WireError):
            Response(answer()[:-1], response_pool=response_pool)
    assert not response_pool
