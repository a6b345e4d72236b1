"""DELEGATION01: the number of name servers, by kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.case_runs import A1, A2, BOTH, NS1, NS2, S1, V6, Found, example_world, findings
from tests.support.dnsworld import World, delegation


def counted(tag: str, *servers: dict[str, str], count: int | None = None) -> Found:
    return (tag, {"count": len(servers) if count is None else count, "minimum": 2, "servers": list(servers)})


def all_of(suffix: str, kind: str, *servers: dict[str, str]) -> list[Found]:
    """Return the findings about a side with IPv4 only: whether it is enough, and its servers."""
    return [
        counted(f"{kind}_NS_{suffix}", *({"ns": server["ns"]} for server in servers)),
        counted(f"{kind}_IPV4_NS_{suffix}", *servers),
        counted(f"NO_IPV6_NS_{suffix}"),
    ]


def six(name: str) -> dict[str, str]:
    return {"ns": name, "address": V6}


GOOD_DELEGATION = all_of("DEL", "ENOUGH", *BOTH)
GOOD_CHILD = all_of("CHILD", "ENOUGH", *BOTH)
DUAL = {NS1: [A1, V6], NS2: [A2, V6]}
ONLY_V6 = {NS1: V6, NS2: V6}

SCENARIOS: dict[str, tuple[Callable[[], World], dict[str, Any], list[Found]]] = {
    "two servers": (example_world, {}, [*GOOD_DELEGATION, *GOOD_CHILD]),
    "one server": (
        lambda: example_world(ns={NS1: A1}),
        {},
        [*all_of("DEL", "NOT_ENOUGH", S1), *all_of("CHILD", "NOT_ENOUGH", S1)],
    ),
    "one in the delegation": (
        lambda: example_world(delegation=delegation(ns={NS1: A1})),
        {},
        [*all_of("DEL", "NOT_ENOUGH", S1), *GOOD_CHILD],
    ),
    "one in the zone": (
        lambda: example_world(apex_ns=[NS1]),
        {},
        [*GOOD_DELEGATION, *all_of("CHILD", "NOT_ENOUGH", S1)],
    ),
    "both families": (
        lambda: example_world(ns=DUAL),
        {},
        [
            counted("ENOUGH_NS_DEL", {"ns": NS1}, {"ns": NS2}),
            counted("ENOUGH_IPV4_NS_DEL", *BOTH),
            counted("ENOUGH_IPV6_NS_DEL", six(NS1), six(NS2)),
            counted("ENOUGH_NS_CHILD", {"ns": NS1}, {"ns": NS2}),
            counted("ENOUGH_IPV4_NS_CHILD", *BOTH),
            counted("ENOUGH_IPV6_NS_CHILD", six(NS1), six(NS2)),
        ],
    ),
    "IPv6 only": (
        lambda: example_world(ns=ONLY_V6),
        {},
        [
            counted("ENOUGH_NS_DEL", {"ns": NS1}, {"ns": NS2}),
            counted("NO_IPV4_NS_DEL"),
            counted("ENOUGH_IPV6_NS_DEL", six(NS1), six(NS2)),
            counted("ENOUGH_NS_CHILD", {"ns": NS1}, {"ns": NS2}),
            counted("NO_IPV4_NS_CHILD"),
            counted("ENOUGH_IPV6_NS_CHILD", six(NS1), six(NS2)),
        ],
    ),
    "one of two with IPv6": (
        lambda: example_world(ns={NS1: [A1, V6], NS2: A2}),
        {},
        [
            *GOOD_DELEGATION[:2],
            counted("NOT_ENOUGH_IPV6_NS_DEL", six(NS1)),
            *GOOD_CHILD[:2],
            counted("NOT_ENOUGH_IPV6_NS_CHILD", six(NS1)),
        ],
    ),
    "two addresses of one name count once": (
        lambda: example_world(ns={NS1: [A1, A2]}),
        {},
        [
            counted("NOT_ENOUGH_NS_DEL", {"ns": NS1}),
            counted("NOT_ENOUGH_IPV4_NS_DEL", S1, {"ns": NS1, "address": A2}, count=1),
            counted("NO_IPV6_NS_DEL"),
            counted("NOT_ENOUGH_NS_CHILD", {"ns": NS1}),
            counted("NOT_ENOUGH_IPV4_NS_CHILD", S1, {"ns": NS1, "address": A2}, count=1),
            counted("NO_IPV6_NS_CHILD"),
        ],
    ),
    "glue missing for one": (
        lambda: example_world(delegation=delegation(ns={NS1: A1, NS2: ()})),
        {},
        [
            GOOD_DELEGATION[0],
            counted("NOT_ENOUGH_IPV4_NS_DEL", S1),
            counted("NO_IPV6_NS_DEL"),
            *GOOD_CHILD,
            ("IN_DOMAIN_GLUE_MISSING", {"ns": NS2}),
        ],
    ),
    "supplied without address": (
        example_world,
        {"supplied": {NS1: (A1,), NS2: ()}},
        [
            GOOD_DELEGATION[0],
            counted("NOT_ENOUGH_IPV4_NS_DEL", S1),
            counted("NO_IPV6_NS_DEL"),
            *GOOD_CHILD,
            ("IN_DOMAIN_GLUE_MISSING", {"ns": NS2}),
        ],
    ),
    "zone on the servers of its parent needs no glue": (
        lambda: example_world(ns={"ns1.nic.xa": "127.8.1.1", "ns2.nic.xa": "127.8.2.1"}, addresses=False),
        {},
        [
            *all_of("DEL", "ENOUGH", *({"ns": f"ns{i}.nic.xa", "address": f"127.8.{i}.1"} for i in (1, 2))),
            *all_of("CHILD", "ENOUGH", *({"ns": f"ns{i}.nic.xa", "address": f"127.8.{i}.1"} for i in (1, 2))),
        ],
    ),
}


@pytest.mark.parametrize(("build", "options", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_delegation01(build: Callable[[], World], options: dict[str, Any], expected: list[Found]) -> None:
    assert findings(build(), "delegation01", **options) == expected


def test_no_ns_at_all() -> None:
    found = findings(example_world(), "delegation01", zone="gone.xa")
    assert found[0] == counted("NOT_ENOUGH_NS_DEL")
    assert counted("NO_IPV4_NS_CHILD") in found
