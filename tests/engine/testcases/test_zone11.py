"""ZONE11: the SPF policy, and the grammar of policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gonemaster_engine.testcases.zone._spf import follows_grammar, forbids_all_senders, unknown_modifiers
from tests.engine.testcases.versions import both_answer, two_versions
from tests.support.case_runs import BOTH, S1, S2, Found, example_world, findings
from tests.support.dnsworld import World, faults

DOMAIN = {"domain": "example.xa"}
NIC = {"ns": "ns.nic.xb", "address": "127.8.9.1"}


def txt(*texts: str) -> dict[str, Any]:
    """Return the fields of a zone with these TXT records."""
    return {"records": "\n".join(f'@ TXT "{text}"' for text in texts)}


def with_txt(*texts: str) -> Callable[[], World]:
    return lambda: example_world(**txt(*texts))


def tld(*texts: str) -> Callable[[], World]:
    def build() -> World:
        world = World()
        world.zone(".")
        world.zone("xb", ns={NIC["ns"]: NIC["address"]}, **txt(*texts))
        return world

    return build


OK = ("Z11_SPF_SYNTAX_OK", DOMAIN)
IN_XB: dict[str, Any] = {"zone": "xb"}

SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "good": (with_txt("v=spf1 mx -all", "other text"), {}, [OK]),
    "capital letters": (with_txt("V=SPF1 MX -ALL"), {}, [OK]),
    "in pieces": (lambda: example_world(records='@ TXT "v=spf1 m" "x -all"'), {}, [OK]),
    "none": (with_txt("v=spf10 -all", "v=spf1\ta"), {}, [("Z11_NO_SPF_FOUND", DOMAIN)]),
    "two": (with_txt("v=spf1 mx", "v=spf1 -all"), {}, [("Z11_SPF_MULTIPLE_RECORDS", {"servers": BOTH})]),
    "wrong": (with_txt("v=spf1 amx-all"), {}, [("Z11_SPF_SYNTAX_ERROR", {"servers": BOTH, **DOMAIN})]),
    "other modifiers": (
        with_txt("v=spf1 mx ra=postmaster a=b -all"),
        {},
        [
            OK,
            ("Z11_SPF_UNKNOWN_MODIFIER", {**DOMAIN, "spf_modifier": "a"}),
            ("Z11_SPF_UNKNOWN_MODIFIER", {**DOMAIN, "spf_modifier": "ra"}),
        ],
    ),
    "different": (
        lambda: two_versions(txt("v=spf1 mx"), txt("v=spf1 a")),
        {},
        [
            ("Z11_INCONSISTENT_SPF_POLICIES", {}),
            ("Z11_DIFFERENT_SPF_POLICIES_FOUND", {"servers": [S2]}),
            ("Z11_DIFFERENT_SPF_POLICIES_FOUND", {"servers": [S1]}),
        ],
    ),
    "on one server": (
        lambda: two_versions(txt("v=spf1 mx"), txt("text")),
        {},
        [
            ("Z11_INCONSISTENT_SPF_POLICIES", {}),
            ("Z11_DIFFERENT_SPF_POLICIES_FOUND", {"servers": [S2]}),
            ("Z11_DIFFERENT_SPF_POLICIES_FOUND", {"servers": [S1]}),
        ],
    ),
    "no authority": (both_answer(faults.no_aa(), "TXT"), {}, [("Z11_UNABLE_TO_CHECK_FOR_SPF", {})]),
    "top level domain without": (tld(), IN_XB, [("Z11_NO_SPF_NON_MAIL_DOMAIN", {"domain": "xb"})]),
    "top level domain that lets nobody send": (
        tld("v=spf1  -all "),
        IN_XB,
        [("Z11_NULL_SPF_NON_MAIL_DOMAIN", {"domain": "xb"})],
    ),
    "top level domain that lets somebody send": (
        tld("v=spf1 mx -all"),
        IN_XB,
        [("Z11_NON_NULL_SPF_NON_MAIL_DOMAIN", {"domain": "xb"})],
    ),
}


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_zone11(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert findings(build(), "zone11", **options) == expected


GOOD = [
    "v=spf1",
    "v=spf1 ",
    "v=spf1 -all",
    "v=spf1 +a -mx ~ptr ?all",
    "v=spf1 a:example.xa mx:example.xa ptr:example.xa",
    "v=spf1 a/24 a//64 a/24//64 mx:example.xa/0 mx:example.xa//0",
    "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip6:2001:db8::1 ip6:::/0 ip6:2001:db8::/32 ip6:::ffff:192.0.2.1",
    "v=spf1 include:_spf.example.xa redirect=example.xa. exp=why.%{d}",
    "v=spf1 exists:%{ir}.%{v}._spf.%{d2} exists:%{l1r-}.%%.%_.%-.xa",
    "v=spf1 a:example.1a include:xn--p1ai.1-2 exists:.xa ptr:_x.%{d}",
    "v=spf1 a:%{d}/24 mx:one/two.xa/24//64 a:%{d/}//64",
    "v=spf1 moo.cow-far_out=man:dog/cat ip4:192.0.2.1 -all",
]
BAD = [
    "v=spf1 a:192.0.2.1",
    "v=spf1 mx:1.2.3.4 -all",
    "v=spf1 mx:1.2.3.4/24 -all",
    "v=spf1 include:1.2.3.4",
    "v=spf1 redirect=1.2.3.4",
    "v=spf1 exp=1.2.3.4.",
    "v=spf1 exists:foo",
    "v=spf1 include:localhost",
    "v=spf1 a:foo.123",
    "v=spf1 ptr:foo.com/24",
    "v=spf1 exists:foo.com/24",
    "v=spf1 a:foo.com-",
    "v=spf1 a:foo..",
    "v=spf1 a:",
    "v=spf1 a:/24",
    "v=spf1 a:%{d}.",
    "v=spf1 exists:%%{d}",
    "v=spf1 a mx alll",
    "v=spf1 include",
    "v=spf1 include:",
    "v=spf1 redirect=",
    "v=spf1 redirect=a.xa redirect=b.xa",
    "v=spf1 exp=a.xa exp=b.xa",
    "v=spf1 -",
    "v=spf1 --all",
    "v=spf1 all:example.xa",
    "v=spf1 a/33",
    "v=spf1 a/024",
    "v=spf1 a//129",
    "v=spf1 mx/",
    "v=spf1 ip4:192.0.2",
    "v=spf1 ip4:192.0.2.256",
    "v=spf1 ip4:192.0.2.0/33",
    "v=spf1 ip4:2001:db8::1",
    "v=spf1 ip6:192.0.2.1",
    "v=spf1 ip6:2001:db8::/129",
    "v=spf1 ip6:2001:db8::%25eth0",
    "v=spf1 exists:%{x}.example.xa",
    "v=spf1 exists:100%.xa",
    "v=spf1 1moo=cow",
    "v=spf1\tmx",
    "v=spf1 include:\ufffd.xa",
    "v=spf1 mx, -all",
]


@pytest.mark.parametrize("policy", GOOD)
def test_policy_follows_the_grammar(policy: str) -> None:
    assert follows_grammar(policy)


@pytest.mark.parametrize("policy", BAD)
def test_policy_breaks_the_grammar(policy: str) -> None:
    assert not follows_grammar(policy)


def test_long_policy_is_judged_at_once() -> None:
    """A regular expression with backtracking over all ways to split it would take years."""
    assert not follows_grammar("v=spf1 exists:" + "%%%-%_" * 10000 + "%")
    assert not follows_grammar("v=spf1 a:x." + "a1" * 30000 + "!")
    assert not follows_grammar("v=spf1 a:x" + "/1//2" * 10000 + "-")


def test_policy_that_permits_no_sender() -> None:
    assert forbids_all_senders("v=spf1   -all  ")
    assert not forbids_all_senders("v=spf1 -all exp=a.xa")
    assert unknown_modifiers("v=spf1 -all exp=a.xa redirect=b.xa") == []
