"""ZONE13: the lookups of an SPF policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.testcases.versions import both_answer
from tests.support.case_runs import Found, example_world, findings
from tests.support.dnsworld import World, faults

DOMAIN = {"domain": "example.xa"}


def world_of(policy: str, **others: str) -> Callable[[], World]:
    """Return the description of the zone with one policy and of names in mail.xa with others."""

    def build() -> World:
        world = example_world(records=f'@ TXT "v=spf1 {policy}"')
        records = "\n".join(f'{name} TXT "v=spf1 {text}"' for name, text in others.items())
        world.zone("mail.xa", ns={"ns1.mail.xa": "127.9.8.1"}, records=f"{records}\nalias CNAME a\ntext TXT text")
        return world

    return build


def ok(count: int) -> Found:
    return ("Z13_SPF_LOOKUP_COUNT_OK", {**DOMAIN, "count": count})


def exceeded(count: int) -> Found:
    return ("Z13_SPF_LOOKUP_COUNT_EXCEEDED", {**DOMAIN, "count": count, "limit": 10})


def failed(target: str) -> Found:
    return ("Z13_SPF_RECURSIVE_ERROR", {**DOMAIN, "target": target})


SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "nothing to look up": (world_of("ip4:192.0.2.1 ip6:2001:db8::1 exp=a.xa -all"), [ok(0)]),
    "counted terms": (world_of("a mx a:b.xa/24 exists:c.xa -all"), [ok(4)]),
    "at the limit": (world_of(" ".join(["a"] * 10)), [ok(10)]),
    "above the limit": (world_of(" ".join(["a"] * 11)), [exceeded(11)]),
    "ptr": (world_of("ptr ptr:a.xa"), [("Z13_SPF_PTR_DEPRECATED", DOMAIN), ok(2)]),
    "include": (world_of("include:a.mail.xa -all", a="a mx include:b.mail.xa", b="mx"), [ok(5)]),
    "include of an alias": (world_of("include:alias.mail.xa", a="mx"), [ok(2)]),
    "redirect": (world_of("redirect=a.mail.xa", a="a"), [ok(2)]),
    "redirect before all": (world_of("redirect=a.mail.xa mx -all", a="a"), [ok(1)]),
    "redirect after all": (world_of("mx -all redirect=a.mail.xa", a="a"), [ok(1)]),
    "redirect beside all in an included policy": (
        world_of("include:a.mail.xa", a="redirect=b.mail.xa ?all", b="a"),
        [ok(1)],
    ),
    "mechanisms after all": (world_of("mx all ptr include:a.mail.xa a", a="a"), [ok(1)]),
    "modifier with the name of all": (world_of("all=mx redirect=a.mail.xa", a="a"), [ok(2)]),
    "modifier with the name of a mechanism": (world_of("a=b"), [ok(0)]),
    "exceeded by includes": (
        world_of("include:a.mail.xa include:b.mail.xa", a="mx " * 5, b="mx " * 5),
        [exceeded(12)],
    ),
    "loop": (
        world_of("include:a.mail.xa", a="include:example.xa"),
        [("Z13_SPF_LOOKUP_LOOP", {**DOMAIN, "loop_domain": "example.xa"}), ok(2)],
    ),
    "macro": (
        world_of("include:%{d}.mail.xa"),
        [("Z13_SPF_MACRO_TARGET", {**DOMAIN, "target": "%{d}.mail.xa"}), ok(1)],
    ),
    "target that does not exist": (world_of("include:gone.mail.xa"), [failed("gone.mail.xa"), ok(1)]),
    "target without policy": (world_of("include:text.mail.xa"), [failed("text.mail.xa"), ok(1)]),
    "target that is no name": (world_of("include:a..xa"), [failed("a..xa"), ok(1)]),
    "no policy": (example_world, [("Z13_NO_SPF_FOUND", DOMAIN)]),
    "no answer": (both_answer(faults.rcode("REFUSED"), "TXT"), [("Z13_UNABLE_TO_CHECK", {})]),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_zone13(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "zone13") == expected


def test_tree_of_policies_is_not_followed_without_end() -> None:
    """Each policy includes two others that only exist because they are queried."""
    names = [f"n{number}" for number in range(1, 128)]
    tree = {name: f"include:n{2 * i}.mail.xa include:n{2 * i + 1}.mail.xa" for i, name in enumerate(names, 1)}
    world = world_of("include:n1.mail.xa", **tree)()
    tag, args = findings(world, "zone13")[-1]
    assert tag == "Z13_SPF_LOOKUP_COUNT_EXCEEDED"
    assert args["count"] > 10
    assert len([query for query in world.server("127.9.8.1").log if query.type == "TXT"]) == 50
