"""A whole network may be one victim: it gets no more packets than one address, counted by the kernel."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from itertools import product
from typing import Any

import pytest

from gonemaster_engine.addresses import networks_of
from gonemaster_engine.budget import Budget
from gonemaster_engine.limits import DEFAULT_LIMITS, RunLimits
from tests.hostile._network_child import NETWORKS

_ROUTES = " && ".join(f"ip route add local {each} dev lo" for each in NETWORKS)
_INSIDE = f'ip link set lo up && {_ROUTES} && exec "$@"'
MOST = DEFAULT_LIMITS.max_outside_packets
BOUNDS = {
    "one /24": MOST,
    "one /24 and its translated addresses": MOST,
    "one /20": 2 * MOST,
    "one /16": 4 * MOST,
    "one /64": MOST,
    "one /48": 2 * MOST,
    "one /32": 4 * MOST,
}
DAILY = ("one /24", "one /64")  # of the others, `networks_of` is tested daily


@cache
def has_namespaces() -> bool:
    """Return whether this user may create a network namespace in which whole networks are local."""
    try:
        return subprocess.run(_command("true"), capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _command(*inner: str) -> list[str]:
    return ["unshare", "--map-root-user", "--net", "sh", "-c", _INSIDE, "sh", *inner]


def found_by_test(network: str, behaviour: str, through: str = "the zone") -> Any:
    """Test a zone of the given kind in a separate network namespace."""
    if not has_namespaces():
        pytest.skip("no network namespaces here")
    command = _command(sys.executable, "-m", "tests.hostile._network_child", network, behaviour, through)
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True, timeout=110).stdout)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("network", "behaviour"),
    [
        *(pytest.param(each, "refusing", marks=pytest.mark.nightly) for each in BOUNDS if each not in DAILY),
        *product(DAILY, ("refusing", "silent", "over TCP")),
    ],
)
def test_a_network_that_may_be_one_victim_gets_little_more_than_one_address(network: str, behaviour: str) -> None:
    """A hundred addresses of a victim's network serve the zone, as its delegation says."""
    found = found_by_test(network, behaviour)
    assert 50 < sum(found["packets"].values()) <= BOUNDS[network]
    assert len(found["packets"]) > 10


def test_a_network_is_one_victim_for_all_zones_that_name_it() -> None:
    """The names of name servers and mail servers are in fifty zones with glue in the network."""
    found = found_by_test("one /24", "refusing", "other zones")
    assert 50 < sum(found["packets"].values()) <= MOST


@pytest.mark.thorough
@pytest.mark.parametrize("network", ["one /24", "one /64"])
def test_honest_servers_in_one_network_are_tested_in_full(network: str) -> None:
    """With six transmissions for each query, the first queries are charged more than the limit and have to wait."""
    found = found_by_test(network, "honest")
    assert (found["limits"], found["unfinished"], len(found["packets"])) == ({}, [], 13)
    assert sum(found["packets"].values()) > MOST


def test_networks_that_may_be_one_victim() -> None:
    assert networks_of("9.9.9.9") == (("9.9.9.0/24", 1), ("9.9.0.0/20", 2), ("9.9.0.0/16", 4))
    own = {"2a00:6:6:6::1", "2a00:6:6:6:ffff::", "2A00:6:6:6:0::9"}
    assert {networks_of(address) for address in own} == {
        (("2a00:6:6:6::/64", 1), ("2a00:6:6::/48", 2), ("2a00:6::/32", 4))
    }
    assert networks_of("64:ff9b::909:909") == networks_of("9.9.9.9")
    assert networks_of("::ffff:9.9.9.9") == networks_of("9.9.9.9")


def test_networks_of_laboratories_are_wide() -> None:
    """Honest operators may have a whole tree of servers, from the root to the tested zone, in one small network."""
    assert networks_of("127.0.0.53") == (("127.0.0.0/16", 4),)
    assert networks_of("fd00::1") == (("fd00::/32", 4),)
    assert networks_of("64:ff9b::127.0.0.53") == networks_of("127.0.0.53")


def test_what_has_authority_for_the_zone_no_longer_counts_for_its_network() -> None:
    budget = Budget(RunLimits(max_outside_packets=20))
    first, second = (budget.account(f"2a00:6:6:6::{number}") for number in (1, 2))
    assert budget.charge(first, 15)
    assert not budget.charge(second, 6)
    budget.record_answer(first, is_authoritative=True)
    assert budget.charge(second, 20)
    budget.settle(second, 20, 0)
    budget.settle(first, 15, 0)
    assert budget.charge(second, 20)
    assert not budget.charge(second, 1)


def test_a_wide_network_gets_less_than_its_parts() -> None:
    budget = Budget(RunLimits(max_outside_packets=20))
    accounts = [budget.account(f"9.9.{number}.1") for number in range(3)]
    assert [budget.charge(each, 20) for each in accounts] == [True, True, False]


def test_the_acks_of_a_long_response_count_and_need_no_credit() -> None:
    budget = Budget(RunLimits(max_outside_packets=20))
    account = budget.account("9.9.9.9")
    assert budget.charge(account, 8)
    budget.record_answer(account)
    budget.settle(account, 8, 19)
    assert (account.packets, budget.packets, account.silent_packets) == (19, 19, 0)
    assert not budget.charge(account, 2)
