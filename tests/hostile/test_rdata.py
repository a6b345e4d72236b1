"""Rdata of any type with any octets is parsed, or raises `WireError`; a test case gets no other error."""

from __future__ import annotations

import struct
import subprocess
import sys
import time

import dns.rdatatype
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gonemaster_engine import names
from gonemaster_engine.errors import WireError
from gonemaster_engine.limits import RDATA_MAX_STRINGS, RDATA_OF_LISTS_MAX_OCTETS
from gonemaster_engine.net.wire.messages import Record, Response
from gonemaster_engine.net.wire.rdata import load_all_types
from tests.hostile import LONG
from tests.support.examples import examples

FUZZ = settings(
    max_examples=100_000 if LONG else examples(200, 2_000), deadline=None, derandomize=False, print_blob=True
)
QNAME = names.to_wire("example.xa")
KNOWN_TYPES = sorted(int(rtype) for rtype in dns.rdatatype.RdataType)

rtypes = st.sampled_from(KNOWN_TYPES) | st.integers(0, 65535)
classes = st.sampled_from([1, 3, 4, 254, 255]) | st.integers(0, 65535)
pieces = st.one_of(
    st.binary(max_size=24),
    st.sampled_from([b"\xc0\x0c", b"\x00", b"\x07example\x02xa\x00", b"\xff" * 4, bytes(20), b"\x80\x01", b"\xc0\xff"]),
    st.integers(0, 65535).map(lambda number: number.to_bytes(2)),
    st.text(max_size=12).map(
        lambda text: bytes([len(text.encode("utf-8", "replace"))]) + text.encode("utf-8", "replace")
    ),
)
rdatas = st.lists(pieces, max_size=8).map(b"".join)


# Parameters of SVCB and HTTPS records (RFC 9460 section 2.2): key, length, value, which need not be consistent.
parameters = st.builds(
    lambda key, length, value: struct.pack("!HH", key, len(value) if length is None else length) + value,
    st.integers(0, 12) | st.integers(0, 65535),
    st.none() | st.integers(0, 40),
    st.binary(max_size=20) | st.lists(pieces, max_size=3).map(b"".join),
)
bindings = st.builds(
    lambda priority, target, given: struct.pack("!H", priority) + target + b"".join(given),
    st.sampled_from([0, 1, 65535]),
    st.sampled_from([b"\0", b"\xc0\x0c", b"\x03svc\xc0\x0c", b"\x03svc\0", b"\xff", b""]),
    st.lists(parameters, max_size=5),
)


def response_with(rtype: int, rdclass: int, rdata: bytes) -> Response:
    header = struct.pack("!HHHHHH", 1, 0x8400, 1, 1, 0, 0)
    question = QNAME + struct.pack("!HH", 1, 1)
    record = b"\xc0\x0c" + struct.pack("!HHIH", rtype, rdclass, 60, len(rdata)) + rdata
    return Response(header + question + record, qclass=rdclass)


def read(record: Record) -> bool:
    try:
        record.rdata  # noqa: B018 - the test checks what it raises
    except WireError:
        return False
    return True


def check(response: Response) -> None:
    """Parse the records of a response."""
    for record in response.answer:
        assert repr(record)
        is_read = read(record)
        if record.is_well_formed:
            assert is_read, "`Response.records` returns it, and so promises its rdata"
            assert isinstance(record.data, bytes)
            record.rdata.to_text()
    if response.answer and response.answer[0].is_well_formed:
        assert response.records(response.answer[0].rtype)


@FUZZ
@given(rtypes, classes, rdatas)
@example(6, 1, b"\x00\x00" + b"\xff" * 20)
@example(250, 1, b"\x00" + bytes(16))
@example(45, 1, b"\x01\x03\x02" + b"\xc0\x0c")
@example(64, 1, b"\x00\x01\x00\x00\x05\x00\x04\x00\x00\x00\x00")
def test_rdata_is_read_or_is_a_wire_error(rtype: int, rdclass: int, rdata: bytes) -> None:
    check(response_with(rtype, rdclass, rdata))


@FUZZ
@given(st.sampled_from([64, 65]), bindings)
@example(64, struct.pack("!HBHHHH", 1, 0, 0, 4, 0, 0))  # a mandatory key that lists itself
def test_service_bindings_are_read_or_are_a_wire_error(rtype: int, rdata: bytes) -> None:
    check(response_with(rtype, 1, rdata))


SCRIPT = """
from gonemaster_engine.net.wire.messages import Response
from tests.hostile.test_rdata import response_with
for rdclass in (255, 254, 7, 1):
    record, = response_with(1, rdclass, bytes(4)).answer
    rdata = record.rdata
print(type(rdata).__module__)
"""


def test_class_of_a_record_decides_nothing_for_later_records() -> None:
    """Run in a new process: dnspython caches the types that it knows."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "dns.rdtypes.IN.A"


def test_name_that_runs_past_its_rdata_is_read() -> None:
    """The rdata is a pointer to a label that covers the rdata and ends after it; dnspython rejects such a pointer."""
    fixed = struct.Struct("!HHIH")
    text = b"\0" + fixed.pack(16, 1, 60, 1) + b"\x0d"  # at octet 23 a label of 13 octets starts
    alias = b"\0" + fixed.pack(5, 1, 60, 2) + b"\xc0\x17"
    last = b"\0" + fixed.pack(1, 1, 60, 4) + bytes(4)
    response = Response(struct.pack("!HHHHHH", 1, 0x8400, 0, 3, 0, 0) + text + alias + last)
    (record,) = response.records("CNAME")
    assert read(record)
    assert record.data == names.to_wire(record.target)


LARGEST = 65_000
PREFIXES = {
    "none": b"",
    "a number": b"\0\1",
    "service": b"\0\1\0",
    "alpn": b"\0\1\0\0\1\xfd\x00",
    "addresses": b"\0\1\0\0\4\xfd\x00",
    "host identity": b"\4\5\0\4hit.key.",
    "gateway": b"\0\3\5",
    "signature": struct.pack("!HBBIIIH", 1, 8, 2, 300, 2**31, 0, 1),
}
ELEMENTS = {
    "root": b"\0" * LARGEST,
    "names": b"\1a\0" * (LARGEST // 3),
    "pointers": b"\xc0\x0c" * (LARGEST // 2),
    "strings of one": b"\1x" * (LARGEST // 2),
    "prefixes": b"\0\1\0\0" * (LARGEST // 4),
    "parameters": b"".join(struct.pack("!HH", number, 0) for number in range(7, LARGEST // 4)),
    "bitmaps": b"".join(bytes([window, 32]) + b"\xff" * 32 for window in range(256)),
}


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_no_rdata_of_64_kib_takes_100_ms_of_processor_time(prefix: str, element: str) -> None:
    """Elements of rdata become objects, so the number of elements is limited for every type."""
    load_all_types()  # as long-running processes do
    rdata = (PREFIXES[prefix] + ELEMENTS[element])[:LARGEST]
    found = {}
    for rtype in KNOWN_TYPES:
        response = response_with(rtype, 1, rdata)
        begun = time.thread_time()
        if response.answer and response.answer[0].is_well_formed:
            _ = response.answer[0].data
        found[rtype] = time.thread_time() - begun
    assert {rtype: seconds for rtype, seconds in found.items() if seconds > 0.1} == {}


@pytest.mark.parametrize(("size", "is_read"), [(1.0, True), (2.0, False), (4.0, False)])
def test_lists_are_read_up_to_their_limit(size: float, *, is_read: bool) -> None:
    octets, strings = int(RDATA_OF_LISTS_MAX_OCTETS * size), int(RDATA_MAX_STRINGS * size)
    rdatas_of_types = {
        42: b"\0\1\0\0" * (octets // 4),
        55: b"\4\5\0\4hit.key." + b"\0" * (octets - 12),
        64: b"\0\1\0" + struct.pack("!HH", 65_280, octets - 7) + bytes(octets - 7),
        16: b"\1x" * strings,
        99: b"\1x" * strings,
    }
    for rtype, rdata in rdatas_of_types.items():
        (record,) = response_with(rtype, 1, rdata).answer
        assert record.is_well_formed is is_read, rtype
    (record,) = response_with(16, 1, (b"\xff" + b"x" * 255) * 255).answer
    assert record.is_well_formed, "65,280 octets in long strings"
