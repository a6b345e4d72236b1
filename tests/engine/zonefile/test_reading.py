"""Zone files with errors, and of strangers."""

from __future__ import annotations

from pathlib import Path

import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gonemaster_engine.zonefile.reading import FILES_OF_STRANGERS, FileLimits, ZoneTooLarge, read_zone_file
from tests.engine.zonefile.zones import GOOD, ORIGIN, SOA

HEAD = f"$TTL 3600\n{SOA}"  # two lines


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("www A 1.2.3", 7, ""),
        ("www IN FOO x", 8, "unknown record type 'FOO'"),
        ("www MX mail", 8, "not a number"),
        ("www A", 6, ""),
        ('www TXT "open', 9, ""),
        ("www A 9.9.9.9 extra", 15, "extra"),
        ("www CH A 9.9.9.9", 5, "class"),
        ("$FOO bar", 1, "$FOO"),
        (f"{'a' * 64} A 9.9.9.9", 1, ""),
        ("ns1 ) A 9.9.9.9", 5, ""),
        ("@ CNAME x", 9, "CNAME"),
    ],
)
def test_an_error_has_line_and_column(line: str, column: int, reason: str) -> None:
    read = read_zone_file(f"{HEAD}{line}\nafter A 9.9.9.9\n", ORIGIN, FileLimits())
    problem = read.problems[0]
    assert problem.tag == "ZF_SYNTAX"
    assert problem.line == 3
    assert reason in problem.reason
    assert abs((problem.column or 0) - column) <= 1, problem


def test_reading_continues_after_an_error() -> None:
    text = f"{HEAD}a FOO\nb A 9.9.9.9\nc A x\nd A (\n x )\ne A 9.9.9.9\n"
    read = read_zone_file(text, ORIGIN, FileLimits())
    assert [problem.line for problem in read.problems] == [3, 5, 7]
    assert {str(name).partition(".")[0] for name in read.contents.nodes} == {"example", "b", "e"}


def test_only_the_first_errors_are_listed() -> None:
    read = read_zone_file("x FOO\n" * 1000, ORIGIN, FileLimits())
    assert len(read.problems) == 20


def test_records_outside_of_the_zone_are_reported() -> None:
    read = read_zone_file(f"{GOOD}x.example.net. A 9.9.9.9\n", ORIGIN, FileLimits())
    (problem,) = read.problems
    assert (problem.tag, problem.line, problem.reason) == ("ZF_OUT_OF_ZONE", GOOD.count("\n") + 1, "x.example.net.")


def test_directives_and_line_ends() -> None:
    text = GOOD.replace("\n", "\r\n") + "$ORIGIN sub\n$GENERATE 1-3 host$ A 9.9.9.$\n"
    read = read_zone_file(text, ORIGIN, FILES_OF_STRANGERS)
    assert read.problems == []
    assert sum("host" in str(name) for name in read.contents.nodes) == 3


def test_an_included_file_is_read_if_it_may_be(tmp_path: Path) -> None:
    part = tmp_path / "part.zone"
    part.write_text("inside A 9.9.9.9\nbad FOO\n")
    text = f"{GOOD}$INCLUDE {part}\n"
    read = read_zone_file(text, ORIGIN, FileLimits())
    assert [(problem.file, problem.line, problem.column) for problem in read.problems] == [(str(part), 2, None)]
    refused = read_zone_file(text, ORIGIN, FILES_OF_STRANGERS)
    assert "'$INCLUDE' is not allowed" in refused.problems[0].reason
    missing = read_zone_file(f"{GOOD}$INCLUDE /nowhere\n", ORIGIN, FileLimits())
    assert "No such file" in missing.problems[0].reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * (1024 * 1024 + 1), "more than 1048576 octets"),
        ("é" * (512 * 1024 + 1), "more than 1048576 octets"),
        ("$TTL 1\n$GENERATE 1-2000000000 h$ A 9.9.9.9\n", "more than 20000 records"),
        pytest.param(
            "$TTL 1\n" + "$GENERATE 1-1000 h$ A 9.9.9.9\n" * 30, "more than 20000 records", marks=pytest.mark.thorough
        ),
        pytest.param(
            f"$TTL 1\n$GENERATE 1-20000 h$ TXT {'x' * 250}\n", "data of the records", marks=pytest.mark.thorough
        ),
    ],
    ids=["octets", "characters", "generate", "generates", "data"],
)
def test_files_of_strangers_have_limits(text: str, message: str) -> None:
    with pytest.raises(ZoneTooLarge, match=message):
        read_zone_file(text, ORIGIN, FILES_OF_STRANGERS)


def test_many_records_of_one_name_cost_little() -> None:
    """A copy of the set for each record would exceed the time limit of a test."""
    text = f"{HEAD}$GENERATE 1-19000 @ TXT x$\n"
    read = read_zone_file(text, ORIGIN, FILES_OF_STRANGERS)
    found = read.contents.apex(dns.rdatatype.TXT)
    assert found is not None
    assert len(found) == 19000


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='abc.@ \t\n();"\\$*=0123456789ANSMXTOIGEeé\x00', max_size=200))
def test_any_text_is_read_without_an_exception(text: str) -> None:
    read_zone_file(f"{HEAD}{text}", ORIGIN, FILES_OF_STRANGERS)


LINES = [*GOOD.splitlines(), "$ORIGIN x", "$TTL 1h", "(", ")", '"', "$GENERATE 1-2 $ A 9.9.9.$"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LINES)))
def test_any_order_of_lines_is_read_without_an_exception(lines: list[str]) -> None:
    read_zone_file("\n".join(lines), ORIGIN, FILES_OF_STRANGERS)
