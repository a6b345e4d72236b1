"""An IPv6 network of 64 bits may be one host: it gets as many packets as one address, counted where they arrive."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from gonemaster_engine.addresses import host_network_of
from gonemaster_engine.budget import Budget
from gonemaster_engine.limits import DEFAULT_LIMITS, RunLimits
from tests.hostile._network_child import NETWORK

pytestmark = pytest.mark.thorough

_INSIDE = f'ip link set lo up && ip -6 route add local {NETWORK} dev lo && exec "$@"'


@cache
def has_namespaces() -> bool:
    """Return whether this user may create a network namespace in which a whole IPv6 network is local."""
    try:
        return subprocess.run(_command("true"), capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _command(*inner: str) -> list[str]:
    return ["unshare", "--map-root-user", "--net", "sh", "-c", _INSIDE, "sh", *inner]


def found_by_test(kind: str) -> Any:
    """Test a zone of that kind in a separate network namespace."""
    command = _command(sys.executable, "-m", "tests.hostile._network_child", kind)
    return json.loads(subprocess.run(command, capture_output=True, check=True, text=True, timeout=110).stdout)


@pytest.mark.parametrize("kind", ["silent", "refusing"])
def test_a_network_that_may_be_one_host_gets_what_one_address_gets(kind: str) -> None:
    """A thousand AAAA records with addresses of a victim, whose host has all of them."""
    if not has_namespaces():
        pytest.skip("no network namespaces here")
    found = found_by_test(kind)
    assert 0 < sum(found["packets"].values()) <= DEFAULT_LIMITS.max_outside_packets
    assert len(found["packets"]) > 10
    assert "max_outside_packets" in found["limits"]


def test_honest_servers_in_one_network_are_tested_in_full() -> None:
    """With six transmissions, the queries at the start are charged with more than the limit: they wait for it."""
    if not has_namespaces():
        pytest.skip("no network namespaces here")
    found = found_by_test("honest")
    assert (found["limits"], found["unfinished"], len(found["packets"])) == ({}, [], 13)
    assert sum(found["packets"].values()) > DEFAULT_LIMITS.max_outside_packets


def test_networks_that_are_one_host() -> None:
    own = {"2a00:6:6:6::1", "2a00:6:6:6:ffff::", "2A00:6:6:6:0::9"}
    assert {host_network_of(address) for address in own} == {NETWORK}
    others = ("192.0.2.1", "::1", "fd00::1", "fe80::1", "::ffff:192.0.2.1", "2002:c000:201::1", "64:ff9b::c000:201")
    assert {host_network_of(address) for address in others} == {None}
    assert host_network_of("2a00:6:6:7::1") != NETWORK


def test_what_has_authority_for_the_zone_no_longer_counts_for_its_network() -> None:
    budget = Budget(RunLimits(max_outside_packets=20))
    first, second = (budget.account(f"2a00:6:6:6::{number}", network=NETWORK) for number in (1, 2))
    assert budget.charge(first, 15)
    assert not budget.charge(second, 6)
    budget.record_answer(first, is_authoritative=True)
    assert budget.charge(second, 20)
    budget.refund(second, 20)
    budget.refund(first, 15)
    assert budget.charge(second, 20)
    assert not budget.charge(second, 1)
