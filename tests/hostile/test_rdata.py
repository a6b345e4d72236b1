"""Rdata of any type with any octets is parsed, or raises `WireError`; a test case gets no other error."""

from __future__ import annotations

import struct
import subprocess
import sys

import dns.rdatatype
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gonemaster_engine import names
from gonemaster_engine.errors import WireError
from gonemaster_engine.net.wire.messages import Record, Response
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
