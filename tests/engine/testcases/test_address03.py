"""ADDRESS03: PTR records compared with the names of the name servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.testcases.aliases import ALIAS_SCENARIOS, alias_findings
from tests.engine.testcases.test_address02 import DOMAIN1, DOMAIN2, PTR1, PTR2, reverse_world, silent
from tests.support.case_runs import S2, Found, findings
from tests.support.dnsworld import World

OTHERS = ("1.2.9.127 PTR z.example.xa.", "1.2.9.127 PTR a.example.xa.")

SCENARIOS: dict[str, tuple[Callable[[], World], list[Found]]] = {
    "all match": (lambda: reverse_world(PTR1, PTR2), [("NAMESERVER_IP_PTR_MATCH", {})]),
    "one of several matches": (lambda: reverse_world(PTR1, PTR2, *OTHERS), [("NAMESERVER_IP_PTR_MATCH", {})]),
    "letter case does not count": (
        lambda: reverse_world(PTR1, PTR2.replace("ns2", "NS2")),
        [("NAMESERVER_IP_PTR_MATCH", {})],
    ),
    "other names": (
        lambda: reverse_world(PTR1, *OTHERS),
        [("NAMESERVER_IP_PTR_MISMATCH", {**S2, "ptr_names": ["a.example.xa", "z.example.xa"]})],
    ),
    "no name": (lambda: reverse_world(PTR1), [("NAMESERVER_IP_WITHOUT_REVERSE", S2)]),
    "no answer": (silent, [("NO_RESPONSE_PTR_QUERY", {"domain": domain}) for domain in (DOMAIN1, DOMAIN2)]),
}


@pytest.mark.parametrize(("build", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_address03(build: Callable[[], World], expected: list[Found]) -> None:
    assert findings(build(), "address03") == expected


@pytest.mark.parametrize(("build", "expected"), ALIAS_SCENARIOS.values(), ids=ALIAS_SCENARIOS)
def test_alias_of_a_name_server_is_reported(build: Callable[[], World], expected: Found) -> None:
    assert alias_findings(findings(build(), "address03")) == [expected]
