"""NOTIFY messages: which are answered, and how."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest

from gonemaster_tasks.notify.listener import NetworkRates
from gonemaster_tasks.notify.messages import MAX_OCTETS, read_notification


def notify(name: str = "example.xa", rtype: str = "CDS", *, opcode: dns.opcode.Opcode = dns.opcode.NOTIFY) -> bytes:
    message = dns.message.make_query(name, rtype)
    message.id = 7
    message.flags = dns.flags.Flag(0)
    message.set_opcode(opcode)
    return message.to_wire()


GOOD = notify()
WITHOUT_QUESTION = GOOD[:4] + bytes(8)
RCODES = {
    "about another type": (notify(rtype="CSYNC"), dns.rcode.REFUSED),
    "about the zone itself": (notify(rtype="SOA"), dns.rcode.REFUSED),
    "a query": (notify(opcode=dns.opcode.QUERY), dns.rcode.NOTIMP),
    "an update": (notify(opcode=dns.opcode.UPDATE), dns.rcode.NOTIMP),
    "without a question": (WITHOUT_QUESTION, dns.rcode.FORMERR),
    "cut": (GOOD[:-3], dns.rcode.FORMERR),
    "with more octets than a NOTIFY needs": (GOOD + bytes(MAX_OCTETS), dns.rcode.FORMERR),
    "about an impossible name": (notify("a\\.b.example"), dns.rcode.REFUSED),
}


@pytest.mark.parametrize("name", RCODES)
def test_other_messages_are_refused(name: str) -> None:
    octets, rcode = RCODES[name]
    found = read_notification(octets)
    assert found is not None
    assert found.domain is None
    answer = dns.message.from_wire(found.answer(), question_only=True)
    assert (answer.id, answer.rcode(), bool(answer.flags & dns.flags.QR)) == (7, rcode, True)


@pytest.mark.parametrize("octets", [b"", GOOD[:11], GOOD[:2] + bytes([GOOD[2] | 0x80]) + GOOD[3:]])
def test_nothing_is_said_to_answers_and_fragments(octets: bytes) -> None:
    assert read_notification(octets) is None


def test_a_notification_names_its_domain_and_is_answered_with_its_question() -> None:
    found = read_notification(notify("EXAMPLE.xa"))
    assert found is not None
    assert found.domain == "example.xa"
    answer = dns.message.from_wire(found.answer())
    assert (answer.opcode(), answer.rcode(), len(answer.question)) == (dns.opcode.NOTIFY, dns.rcode.NOERROR, 1)
    assert dns.message.from_wire(found.answer(dns.rcode.REFUSED)).rcode() == dns.rcode.REFUSED


def test_a_network_may_send_so_many_messages_in_a_minute() -> None:
    now = [0.0]
    rates = NetworkRates(3, clock=lambda: now[0])
    assert [rates.admits(f"192.0.2.{number}") for number in range(5)] == [True, True, True, False, False]
    assert rates.admits("198.51.100.1")
    assert [rates.admits(f"2001:db8:0:{number}::1") for number in range(4)] == [True, True, True, False]
    now[0] = 20.0
    assert [rates.admits("192.0.2.9") for _ in range(2)] == [True, False]
