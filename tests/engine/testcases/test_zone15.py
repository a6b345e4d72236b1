"""ZONE15: CAA, and the grammar of its values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gonemaster_engine.testcases.zone._caa import Caa, is_report_url
from tests.engine.testcases.versions import both_answer, dead_server_and_fault, two_versions
from tests.support.case_runs import A1, A2, BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import World, faults

Triple = tuple[int, str, str]


def version(*records: Triple) -> dict[str, Any]:
    """Return the fields of a zone with these CAA records, valid or not."""
    raw = []
    for flags, tag, value in records:
        octets = bytes((flags, len(tag))) + tag.encode("latin-1") + value.encode("latin-1")
        raw.append(("@", "CAA", rf"\# {len(octets)} {octets.hex()}"))
    return {"raw": tuple(raw)}


def with_caa(*records: Triple) -> Callable[[], World]:
    return lambda: example_world(**version(*records))


def found(record: Triple, *servers: dict[str, str]) -> Found:
    flags, tag, value = record
    args = {"servers": list(servers or BOTH), "caa_flags": flags, "caa_property": tag, "caa_value": value}
    return ("Z15_CAA_FOUND", args)


def one(record: Triple, *expected: Found) -> tuple[Callable[[], World], dict[str, Any], list[Found]]:
    """Return the scenario of a zone with one record."""
    return with_caa(record), {}, [found(record), *expected]


def tld() -> World:
    world = World()
    world.zone(".")
    world.zone("xb", ns={"ns.nic.xb": "127.8.9.1"})
    return world


def root() -> World:
    world = World()
    world.zone(".", ns={"a.root": "127.0.0.53"}, **version(NOBODY))
    return world


ISSUE = (0, "issue", "ca.example")
NOBODY = (0, "issue", ";")
FORBIDDEN: Found = ("Z15_ISSUANCE_FORBIDDEN", {})

SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "none": (example_world, {}, [("Z15_NO_CAA", {"servers": BOTH})]),
    "none in a top level domain": (
        tld,
        {"zone": "xb"},
        [("Z15_NO_CAA_TLD", {"servers": [{"ns": "ns.nic.xb", "address": "127.8.9.1"}]})],
    ),
    "the policy of the root is not told": (
        root,
        {"zone": "."},
        [found(NOBODY, {"ns": "a.root", "address": "127.0.0.53"})],
    ),
    "one issuer": one(ISSUE),
    "property in capitals": one((0, "ISSUE", "ca.example")),
    "nobody": one(NOBODY, FORBIDDEN),
    "nobody but for wildcards": (
        with_caa(NOBODY, (0, "issuewild", "ca.example")),
        {},
        [found(NOBODY), found((0, "issuewild", "ca.example"))],
    ),
    "contradiction": (
        with_caa(NOBODY, ISSUE),
        {},
        [found(NOBODY), found(ISSUE), ("Z15_ISSUE_CONTRADICTION", {"caa_property": "issue"})],
    ),
    "reserved flags": one(
        (1, "issue", "ca.example"),
        ("Z15_RESERVED_FLAGS", {"caa_flags": 1, "caa_property": "issue", "caa_value": "ca.example"}),
    ),
    "critical": one((128, "issue", "ca.example")),
    "wrong issuer": one(
        (0, "issue", "ca_1.example"),
        ("Z15_INVALID_ISSUE_VALUE", {"caa_property": "issue", "caa_value": "ca_1.example"}),
        FORBIDDEN,
    ),
    "wrong report address": one((0, "iodef", "me"), ("Z15_INVALID_IODEF_VALUE", {"caa_value": "me"})),
    "unknown property": one((0, "auth", "x"), ("Z15_UNKNOWN_PROPERTY", {"caa_property": "auth"})),
    "unknown critical property": one(
        (128, "tbs", "x"), ("Z15_UNKNOWN_PROPERTY_CRITICAL", {"caa_property": "tbs", "caa_flags": 128})
    ),
    "odd property": one((0, "is sue", "x"), ("Z15_INVALID_PROPERTY_TAG", {"caa_property": "is sue", "caa_value": "x"})),
    "empty critical property": one(
        (128, "", "x"),
        ("Z15_INVALID_PROPERTY_TAG", {"caa_property": "", "caa_value": "x"}),
        ("Z15_UNKNOWN_PROPERTY_CRITICAL", {"caa_property": "", "caa_flags": 128}),
    ),
    "on one server": (
        lambda: two_versions(version(ISSUE), version()),
        {},
        [found(ISSUE, S1), ("Z15_NO_CAA", {"servers": [S2]}), ("Z15_MIXED_PRESENCE", {})],
    ),
    "different": (
        lambda: two_versions(version(NOBODY), version(ISSUE)),
        {},
        [found(NOBODY, S1), found(ISSUE, S2), ("Z15_INCONSISTENT_CAA", {})],
    ),
    "dead and failing": (
        dead_server_and_fault(faults.rcode("SERVFAIL"), "CAA"),
        {},
        [
            ("Z15_NO_RESPONSE_CAA_QUERY", {"addresses": [A1]}),
            ("Z15_UNEXPECTED_RCODE_CAA", {"rcode": "SERVFAIL", "addresses": [A2]}),
        ],
    ),
    "no authority is passed over": (both_answer(faults.no_aa(), "CAA"), {}, []),
}


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_zone15(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert findings(build(), "zone15", **options) == expected


def test_record_that_ends_within_its_tag_is_left_out() -> None:
    world = example_world(raw=(("@", "CAA", r"\# 4 00056973"),))
    assert findings(world, "zone15") == [("Z15_NO_CAA", {"servers": BOTH})]


@pytest.mark.parametrize(
    ("value", "is_valid", "forbids"),
    [
        ("", True, True),
        (";", True, True),
        (" ; ", True, True),
        ("ca.example", True, False),
        (" ca.example ", True, False),
        ("ca.example;", True, False),
        ("ca.example; account=230123", True, False),
        ("ca.example; a=1; b-2=x:y;c=", True, False),
        ("ca.example; a=1 ; b-2=x:y", True, False),
        ("ca.example; a = 1", True, False),
        ("; a=1", True, True),
        ("%%%%%", False, True),
        ("*.ca.example", False, True),
        ("ca..example", False, True),
        ("ca.example.", False, True),
        ("-ca.example", False, True),
        ("ca.example a=1", False, True),
        ("ca.example; a", False, True),
        ("ca.example; a=b c", False, True),
    ],
)
def test_issue_value(value: str, is_valid: bool, forbids: bool) -> None:
    record = Caa(0, "issue", value)
    assert (record.has_valid_value, record.forbids) == (is_valid, forbids)


def test_long_issue_value_is_judged_at_once() -> None:
    assert not Caa(0, "issue", "a" * 60000 + "!").has_valid_value
    assert not Caa(0, "issue", "a.example;" + " a=b ;" * 9000 + "!").has_valid_value


@pytest.mark.parametrize(
    ("text", "is_url"),
    [
        ("mailto:security@example.xa", True),
        ("mailto:a@example.xa,b@example.xa", True),
        ("https://report.example.xa/caa?x=1", True),
        ("HTTP://[2001:db8::1]:8080/", True),
        ("mailto:", False),
        ("mailto:security", False),
        ("https://", False),
        ("https:report.example.xa", False),
        ("http://[2001:db8::1/", False),
        ("ftp://example.xa/", False),
        ("security@example.xa", False),
        ("https://example.xa/a b", False),
        ("", False),
    ],
)
def test_report_url(text: str, is_url: bool) -> None:
    assert is_report_url(text) == is_url
