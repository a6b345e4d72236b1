"""SYNTAX01 to 03: the name of the zone. They send no packets."""

from __future__ import annotations

import pytest

from tests.support.case_runs import Found, findings
from tests.support.dnsworld import World


def about(tag: str, domain: str, **more: str) -> Found:
    return (tag, {"domain": domain, **more})


SCENARIOS: dict[str, tuple[str, str, list[Found]]] = {
    "letters, digits, hyphens": ("syntax01", "a-1.xa", [about("ONLY_ALLOWED_CHARS", "a-1.xa")]),
    "root": ("syntax01", ".", [about("ONLY_ALLOWED_CHARS", ".")]),
    "underscore": ("syntax01", "_dmarc.xa", [about("NON_ALLOWED_CHARS", "_dmarc.xa")]),
    "slash": ("syntax01", "0/25.2.0.192.in-addr.arpa", [about("NON_ALLOWED_CHARS", "0/25.2.0.192.in-addr.arpa")]),
    "no hyphen at an end": ("syntax02", "a-b.xa", [about("NO_ENDING_HYPHENS", "a-b.xa")]),
    "hyphen at the start": ("syntax02", "-a.b.xa", [about("INITIAL_HYPHEN", "-a.b.xa", label="-a")]),
    "hyphen at the end": ("syntax02", "a.b-.xa", [about("TERMINAL_HYPHEN", "a.b-.xa", label="b-")]),
    "hyphens at both ends": (
        "syntax02",
        "-.xa",
        [about("INITIAL_HYPHEN", "-.xa", label="-"), about("TERMINAL_HYPHEN", "-.xa", label="-")],
    ),
    "no label, no hyphen": ("syntax02", ".", []),
    "no double hyphen": ("syntax03", "a--b.xa", [about("NO_DOUBLE_DASH", "a--b.xa")]),
    "A-label": ("syntax03", "xn--rksmrgs-5wao1o.xa", [about("NO_DOUBLE_DASH", "xn--rksmrgs-5wao1o.xa")]),
    "double hyphen": ("syntax03", "www.ab--c.xa", [about("DISCOURAGED_DOUBLE_DASH", "www.ab--c.xa", label="ab--c")]),
    "label of four characters": ("syntax03", "ab--.xa", [about("DISCOURAGED_DOUBLE_DASH", "ab--.xa", label="ab--")]),
    "no label, no double hyphen": ("syntax03", ".", []),
}


@pytest.mark.parametrize(("case_id", "zone", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_syntax_of_the_name(case_id: str, zone: str, expected: list[Found]) -> None:
    world = World()
    world.zone(".")
    assert findings(world, case_id, zone=zone) == expected
    assert not world.log
