"""Errors of a zone file name the type and the field, and quote the record."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonemaster_engine.zonefile.explaining import explain
from gonemaster_engine.zonefile.reading import FileLimits, read_zone_file
from tests.engine.zonefile.zones import ORIGIN


@pytest.mark.parametrize(
    ("record", "what"),
    [
        ("www A 300.1.1.1", 'the field address of the A record is "300.1.1.1": not an IPv4 address'),
        ("www 60 IN AAAA 1.2.3.4", 'the field address of the AAAA record is "1.2.3.4": not an IPv6 address'),
        ("  A 1.2.3", 'the field address of the A record is "1.2.3": not an IPv4 address'),
        ("mx MX mail", 'the field preference of the MX record is "mail": not a number'),
        ("mx MX " + "9" * 5000 + " mail", f'the field preference of the MX record is "{"9" * 100}...": not a number'),
        ("t TXT \udcff", "the field strings of the TXT record is not valid: not UTF-8"),
        ("mx MX 10", "the field exchange of the MX record is missing"),
        ("@ SOA ns1 host (\n 1 2\n 3x 4 5 )", 'the field retry of the SOA record is "3x": not a number of seconds'),
        ("@ SOA ns1 host 1 2 3 4", "the field minimum of the SOA record is missing"),
        ("d DS 1 8 2 ABCDZZ", "the field digest of the DS record is not valid: Non-hexadecimal digit found"),
        (
            "k DNSKEY 257 3 X AAAA",
            "one of the fields flags, protocol, algorithm, key of the DNSKEY record is not valid",
        ),
        ("w A 1.2.3.4 extra", 'the A record has "extra" after its last field'),
        ("w WWW x", "unknown record type 'WWW'"),
        ("w CH A 1.2.3.4", "the class must be IN"),
        ("$GENERATE 1-x a A 1.1.1.1", '"1-x" is not valid'),
        ("$TTL abc", "not a number of seconds"),
        ('t TXT "\x1b[31m', 'the field strings of the TXT record is "\\027[31m: newline in quoted string'),
    ],
)
def test_an_error_names_the_field_and_quotes_the_record(record: str, what: str) -> None:
    read = read_zone_file(f"$TTL 60\n{record}\nafter A 9.9.9.9\n", ORIGIN, FileLimits())
    quoted = " ".join(record.split()).replace("\x1b", "\\027").replace("\udcff", "\\56575")
    quoted = quoted if len(quoted) < 100 else f"{quoted[:100]}..."
    assert read.problems[0].reason == f"{what}; record: {quoted}"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.integers(0, 80), st.sampled_from(["", "Text input is malformed.", "expecting an x"]))
def test_any_text_is_explained_in_one_printable_line(record: str, offset: int, error: str) -> None:
    assert explain(record, offset, error).isprintable()
