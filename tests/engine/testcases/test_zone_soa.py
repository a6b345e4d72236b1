"""ZONE02 to 07: fields of the SOA record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.testcases.versions import both_answer, soa, two_versions
from tests.support.case_runs import A1, NS1, Found, example_world, findings
from tests.support.dnsworld import World, faults

CASES = tuple(f"zone0{number}" for number in range(2, 8))


def with_soa(**fields: object) -> Callable[[], World]:
    return lambda: example_world(soa=soa(**fields))


def refresh(tag: str, value: int) -> Found:
    return (f"REFRESH_MINIMUM_VALUE_{tag}", {"refresh": value, "required_refresh": 14400})


def retry(tag: str, value: int) -> Found:
    return (f"RETRY_MINIMUM_VALUE_{tag}", {"retry": value, "required_retry": 3600})


def mname(tag: str, name: str = NS1) -> Found:
    return (tag, {"mname": name})


def mname_world(records: str) -> World:
    return example_world(soa=soa(mname="primary"), records=records)


SCENARIOS: dict[str, tuple[str, Callable[[], World], list[Found]]] = {
    "refresh at the limit": ("zone02", with_soa(refresh=14400), [refresh("OK", 14400)]),
    "refresh below the limit": ("zone02", with_soa(refresh=14399), [refresh("LOWER", 14399)]),
    "retry below refresh": (
        "zone03",
        with_soa(refresh=3601, retry=3600),
        [("REFRESH_HIGHER_THAN_RETRY", {"refresh": 3601, "retry": 3600})],
    ),
    "retry equal to refresh": (
        "zone03",
        with_soa(refresh=3600, retry=3600),
        [("REFRESH_LOWER_THAN_RETRY", {"refresh": 3600, "retry": 3600})],
    ),
    "retry at the limit": ("zone04", with_soa(retry=3600), [retry("OK", 3600)]),
    "retry below the limit": ("zone04", with_soa(retry=3599), [retry("LOWER", 3599)]),
    "expire at the limit": (
        "zone05",
        with_soa(expire=604800),
        [("EXPIRE_MINIMUM_VALUE_OK", {"expire": 604800, "refresh": 14400, "required_expire": 604800})],
    ),
    "expire below the limit and refresh": (
        "zone05",
        with_soa(expire=100, refresh=200),
        [
            ("EXPIRE_MINIMUM_VALUE_LOWER", {"expire": 100, "required_expire": 604800}),
            ("EXPIRE_LOWER_THAN_REFRESH", {"expire": 100, "refresh": 200}),
        ],
    ),
    "expire long but below refresh": (
        "zone05",
        with_soa(expire=700000, refresh=800000),
        [("EXPIRE_LOWER_THAN_REFRESH", {"expire": 700000, "refresh": 800000})],
    ),
    "minimum within bounds": (
        "zone06",
        with_soa(minimum=300),
        [
            (
                "SOA_DEFAULT_TTL_MAXIMUM_VALUE_OK",
                {"minimum": 300, "highest_minimum": 86400, "lowest_minimum": 300},
            )
        ],
    ),
    "minimum too long": (
        "zone06",
        with_soa(minimum=86401),
        [("SOA_DEFAULT_TTL_MAXIMUM_VALUE_HIGHER", {"minimum": 86401, "highest_minimum": 86400})],
    ),
    "minimum too short": (
        "zone06",
        with_soa(minimum=299),
        [("SOA_DEFAULT_TTL_MAXIMUM_VALUE_LOWER", {"minimum": 299, "lowest_minimum": 300})],
    ),
    "MNAME with an address": ("zone07", example_world, [mname("MNAME_IS_NOT_CNAME")]),
    "MNAME without address": (
        "zone07",
        lambda: mname_world(""),
        [mname("MNAME_IS_NOT_CNAME", "primary.example.xa"), mname("MNAME_HAS_NO_ADDRESS", "primary.example.xa")],
    ),
    "MNAME that is an alias": (
        "zone07",
        lambda: mname_world("primary CNAME ns1"),
        [mname("MNAME_IS_CNAME", "primary.example.xa")],
    ),
    "MNAME that is an alias of nothing": (
        "zone07",
        lambda: mname_world("primary CNAME gone"),
        [mname("MNAME_IS_CNAME", "primary.example.xa"), mname("MNAME_HAS_NO_ADDRESS", "primary.example.xa")],
    ),
}


@pytest.mark.parametrize(("case_id", "build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_field_of_soa(case_id: str, build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), case_id) == expected


@pytest.mark.parametrize("case_id", CASES)
@pytest.mark.parametrize("fault", [faults.no_aa(), faults.empty_answer(), faults.rcode("REFUSED")])
def test_no_soa(case_id: str, fault: faults.Fault) -> None:
    assert findings(both_answer(fault, "SOA")(), case_id) == [("NO_RESPONSE_SOA_QUERY", {})]


def test_soa_of_the_server_that_gives_one_counts() -> None:
    world = two_versions({"soa": soa(refresh=1)}, {"soa": soa(refresh=20000)})
    world.server(A1).fault(faults.empty_answer(), qtype="SOA")
    assert findings(world, "zone02") == [refresh("OK", 20000)]
