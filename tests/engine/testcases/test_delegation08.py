"""DELEGATION08: DSYNC records at the parent zone, their targets and, if the profile says so, their answers."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from collections.abc import Iterator
from typing import Any

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest

from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.zone.dsync import Dsync
from tests.engine.zone.test_dsync import FOR_CDS, OTHER, TARGET, line, parent_with
from tests.support.case_runs import A1, NS1, Found, findings
from tests.support.dnsworld import faults

ADDRESS = f"{TARGET}. A 127.0.0.1"
NOTIFYING = default_profile().merge({"test_cases_vars": {"delegation08": {"notify": True}}})._document
SILENT = "127.79.1.1"
NO_DSYNC: Found = ("DEL08_NO_DSYNC", {"zone": "xa"})


def published(record: Dsync, query_type: str = "CDS") -> Found:
    values = {"scheme": record.scheme, "port": record.port, "target": record.target}
    return "DEL08_DSYNC_FOUND", {"zone": "xa", "query_type": query_type, **values}


@contextlib.contextmanager
def endpoint(rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> Iterator[tuple[int, list[dns.message.Message]]]:
    """Answer NOTIFY messages over UDP on a free port; yield the port and the messages."""
    received: list[dns.message.Message] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                octets, source = listening.recvfrom(4096)
                if not octets:
                    return
                message = dns.message.from_wire(octets)
                received.append(message)
                answer = dns.message.make_response(message)
                answer.set_rcode(rcode)
                listening.sendto(answer.to_wire(), source)

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield listening.getsockname()[1], received
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", listening.getsockname())
            serving.join(10)


CASES: dict[str, tuple[str, list[Found]]] = {
    "none": ("", [NO_DSYNC]),
    "for all children": (f"{line('*._dsync', FOR_CDS)}\n{ADDRESS}", [published(FOR_CDS)]),
    "at the name without a child": (f"{line('_dsync', FOR_CDS)}\n{ADDRESS}", [published(FOR_CDS)]),
    "of the child": (
        f"{line('example._dsync', OTHER)}\n{line('_dsync', FOR_CDS)}\n{OTHER.target}. A 127.0.0.1",
        [published(OTHER)],
    ),
    "for CSYNC": (
        f"{line('*._dsync', dataclasses.replace(FOR_CDS, rtype=62))}\n{ADDRESS}",
        [published(FOR_CDS, "CSYNC")],
    ),
    "of an unknown scheme": (
        line("*._dsync", dataclasses.replace(FOR_CDS, scheme=200)),
        [published(dataclasses.replace(FOR_CDS, scheme=200))],
    ),
    "without an address": (
        line("*._dsync", FOR_CDS),
        [published(FOR_CDS), ("DEL08_TARGET_WITHOUT_ADDRESS", {"target": TARGET})],
    ),
}


@pytest.mark.parametrize(("records", "expected"), CASES.values(), ids=CASES)
def test_delegation08(records: str, expected: list[Found]) -> None:
    assert findings(parent_with(records), "delegation08") == expected


def test_no_more_than_four_records_are_examined() -> None:
    several = [dataclasses.replace(FOR_CDS, port=port) for port in range(1, 10)]
    records = "\n".join([ADDRESS, *(line("*._dsync", each) for each in several)])
    assert findings(parent_with(records), "delegation08") == [published(each) for each in several[:4]]


@pytest.mark.parametrize("fault", [faults.silence(), faults.rcode("SERVFAIL"), faults.rcode("REFUSED")])
def test_a_parent_that_does_not_answer_is_no_finding(fault: Any) -> None:
    world = parent_with("")
    for address in ("127.8.1.1", "127.8.2.1"):
        world.servers[address].fault(fault, qtype="DSYNC")
    assert findings(world, "delegation08") == []


def test_an_unknown_address_is_not_missing() -> None:
    world = parent_with(line("*._dsync", FOR_CDS))
    for address in ("127.8.1.1", "127.8.2.1"):
        world.servers[address].fault(faults.silence(), qname=TARGET)
    assert findings(world, "delegation08") == [published(FOR_CDS)]


def test_no_message_is_sent_by_default() -> None:
    with endpoint() as (port, received):
        record = dataclasses.replace(FOR_CDS, port=port)
        assert findings(parent_with(f"{line('*._dsync', record)}\n{ADDRESS}"), "delegation08") == [published(record)]
    assert received == []


@pytest.mark.parametrize("rcode", [dns.rcode.NOERROR, dns.rcode.REFUSED])
def test_an_endpoint_answers(rcode: dns.rcode.Rcode) -> None:
    with endpoint(rcode) as (port, received):
        record = dataclasses.replace(FOR_CDS, port=port)
        world = parent_with(f"{line('*._dsync', record)}\n{ADDRESS}")
        found = findings(world, "delegation08", _document=NOTIFYING)
    answer = {"target": TARGET, "port": port, "address": "127.0.0.1", "rcode": dns.rcode.to_text(rcode)}
    assert found == [published(record), ("DEL08_ENDPOINT_ANSWERS", answer)]
    (message,) = received
    assert message.opcode() is dns.opcode.NOTIFY
    assert message.flags & dns.flags.AA
    (question,) = message.question
    assert (question.name.to_text(), question.rdtype) == ("example.xa.", dns.rdatatype.CDS)


def test_an_endpoint_does_not_answer() -> None:
    world = parent_with(f"{line('*._dsync', FOR_CDS)}\n{TARGET}. A {SILENT}")
    silence = {"target": TARGET, "port": FOR_CDS.port, "address": SILENT}
    found = findings(world, "delegation08", _document=NOTIFYING)
    assert found == [published(FOR_CDS), ("DEL08_ENDPOINT_NO_RESPONSE", silence)]


def test_the_guard_and_the_families_also_apply_to_messages() -> None:
    with endpoint() as (port, received):
        record = dataclasses.replace(FOR_CDS, port=port)
        world = parent_with(f"{line('*._dsync', record)}\n{TARGET}. AAAA ::1")
        assert findings(world, "delegation08", _document=NOTIFYING, ipv6=False) == [published(record)]
    assert received == []


def test_a_zone_costs_two_queries() -> None:
    world = parent_with("")
    assert findings(world, "delegation08") == [NO_DSYNC]
    asked = [str(query.name).lower() for query in world.log if query.type == "DSYNC"]
    assert asked == ["example._dsync.xa.", "_dsync.xa."]


def test_the_parent_of_an_undelegated_zone_is_not_asked() -> None:
    world = parent_with("")
    assert findings(world, "delegation08", supplied={NS1: (A1,)}) == []
    assert [query for query in world.log if query.type == "DSYNC"] == []
