"""Addresses are classified by IANA's registries, and only addresses that are certainly public are global."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_engine.addresses import (
    Reach,
    accounting_address,
    classify,
    count_as_global,
    counted_as_global,
    counts_as_global,
    is_allowed_target,
    is_global,
    is_host,
    is_own,
    special_blocks,
)


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("192.0.2.1", Reach.DOCUMENTATION),
        ("198.51.100.255", Reach.DOCUMENTATION),
        ("203.0.113.9", Reach.DOCUMENTATION),
        ("2001:db8::53", Reach.DOCUMENTATION),
        ("3fff:fff::1", Reach.DOCUMENTATION),
        ("10.255.0.1", Reach.LOCAL_USE),
        ("100.64.0.1", Reach.LOCAL_USE),
        ("127.0.0.53", Reach.LOCAL_USE),
        ("169.254.1.1", Reach.LOCAL_USE),
        ("172.31.255.255", Reach.LOCAL_USE),
        ("192.168.1.1", Reach.LOCAL_USE),
        ("::1", Reach.LOCAL_USE),
        ("fd00::1", Reach.LOCAL_USE),
        ("fe80::1", Reach.LOCAL_USE),
        ("0.0.0.0", Reach.NOT_GLOBAL),
        ("192.0.0.1", Reach.NOT_GLOBAL),
        ("192.0.0.171", Reach.NOT_GLOBAL),
        ("192.88.99.1", Reach.NOT_GLOBAL),
        ("198.18.0.1", Reach.NOT_GLOBAL),
        ("255.255.255.255", Reach.NOT_GLOBAL),
        ("::", Reach.NOT_GLOBAL),
        ("::ffff:8.8.8.8", Reach.NOT_GLOBAL),
        ("64:ff9b:1::1", Reach.NOT_GLOBAL),
        ("2001::1", Reach.NOT_GLOBAL),
        ("2001:1::4", Reach.NOT_GLOBAL),
        ("2001:10::1", Reach.NOT_GLOBAL),
        ("2002:808:808::1", Reach.NOT_GLOBAL),
        ("5f00::1", Reach.NOT_GLOBAL),
        ("192.0.0.9", Reach.GLOBAL),
        ("192.31.196.1", Reach.GLOBAL),
        ("192.0.3.1", Reach.GLOBAL),
        ("172.32.0.1", Reach.GLOBAL),
        ("64:ff9b::a00:1", Reach.GLOBAL),
        ("2001:1::3", Reach.GLOBAL),
        ("2001:20::1", Reach.GLOBAL),
        ("2001:500:8f::53", Reach.GLOBAL),
    ],
)
def test_address_has_the_class_of_its_most_specific_block(address: str, reach: Reach) -> None:
    assert classify(address) is reach


INTERNAL = ["168.63.129.16", "199.36.153.8", "35.199.192.1", "161.26.0.10", "166.11.255.255", "2600:2d00:2:2000::1"]


@pytest.mark.parametrize("address", INTERNAL)
def test_an_internal_address_of_a_provider_is_not_global(address: str) -> None:
    """The registries do not list the block, and no name server in it can be reached from the Internet."""
    assert classify(address) is Reach.NOT_GLOBAL
    assert not is_allowed_target(address, guarded=True)
    assert is_allowed_target(address, guarded=False)


@pytest.mark.parametrize("address", ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fd00:c1::a9fe:a9fe"])
def test_the_registry_comes_before_the_table_of_providers(address: str) -> None:
    assert classify(address) is Reach.LOCAL_USE
    assert not is_global(address)


@pytest.mark.parametrize("prefix", ["::ffff:", "64:ff9b::"])
def test_an_internal_address_has_no_disguise(prefix: str) -> None:
    assert not is_global(prefix + "168.63.129.16")


def test_the_neighbours_of_internal_addresses_are_global() -> None:
    assert {classify(each) for each in ("168.63.129.17", "199.36.153.12", "161.27.0.1")} == {Reach.GLOBAL}


def test_text_that_is_no_address_has_no_class() -> None:
    with pytest.raises(ValueError, match=r"ns1\.example"):
        classify("ns1.example")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "192.31.196.1", "2001:4860:4860::8888", "64:ff9b::808:808", "2620:4f:8000::1"]
)
def test_public_address_is_global(address: str) -> None:
    assert is_global(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "192.0.2.1",
        "224.0.0.251",
        "239.1.2.3",
        "ff02::fb",
        "ff0e::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b::224.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "2001:0:808:808::80ff:fffe",
        "2620:fe::5efe:10.0.0.1",
        "2620:fe::200:5efe:127.0.0.1",
        "2002:808:808::1",
        "fec0::1",
        "4000::1",
        "fe80::1%1",
        "localhost",
        "",
    ],
)
def test_address_that_may_lead_into_the_local_network_is_not_global(address: str) -> None:
    assert not is_global(address)


@pytest.mark.parametrize(("version", "count"), [(4, 25), (6, 25)])
def test_every_line_of_the_registries_is_read(version: int, count: int) -> None:
    assert len(special_blocks(version)) == count


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.251",
        "255.255.255.255",
        "::",
        "ff02::fb",
        "::ffff:224.0.0.1",
        "::ffff:255.255.255.255",
        "64:ff9b::239.1.1.1",
        "64:ff9b:1::0.0.0.0",
        "2002:e000:1::1",
        "2001:0:e000:1::1",
        "fe80::1%eth0",
        "ns1.example",
    ],
)
def test_what_is_not_one_host_is_never_a_target(address: str) -> None:
    assert not is_host(address)
    assert not is_allowed_target(address, guarded=False)
    assert not is_allowed_target(address, guarded=True)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "8.8.8.8"]
)
def test_one_host_is_a_target_where_the_guard_is_off(address: str) -> None:
    assert is_allowed_target(address, guarded=False)
    assert is_allowed_target(address, guarded=True) is (address == "8.8.8.8")


def test_own_address_is_no_target_of_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_own("127.0.0.1")
    assert not is_own("192.0.2.250")
    monkeypatch.setattr("gonemaster_engine.addresses.is_global", lambda _address: True)
    assert not is_allowed_target("127.0.0.1", guarded=True)
    assert not is_allowed_target("64:ff9b::127.0.0.1", guarded=True)
    assert is_allowed_target("127.0.0.1", guarded=False)


@pytest.fixture
def counted() -> Iterator[list[IPv4Network]]:
    yield counted_as_global
    counted_as_global.clear()
    for cached in (classify, is_global):
        cached.cache_clear()


@pytest.mark.parametrize(
    "network",
    ["0.0.0.0/0", "10.0.0.0/8", "127.0.0.0/8", "127.0.0.0/15", "127.0.0.0/16", "127.0.0.1", "192.0.2.0/24", "::1/128"],
)
def test_only_unused_loopback_can_count_as_global(counted: list[IPv4Network], network: str) -> None:
    with pytest.raises(ValueError):
        count_as_global(network)
    assert not counted


@pytest.mark.parametrize("prefix", ["", "::ffff:"])
def test_a_network_counts_as_global_only_after_the_call(counted: list[IPv4Network], prefix: str) -> None:
    inside, outside = f"{prefix}127.16.0.53", f"{prefix}127.32.0.53"
    before = [classify(inside), classify(outside)]
    assert not any(is_allowed_target(address, guarded=True) for address in (inside, outside))
    count_as_global("127.16.0.0/12")
    assert counted == [IPv4Network("127.16.0.0/12")]
    assert [classify(inside), classify(outside)] == [Reach.GLOBAL, before[1]] != before
    for answer in (is_global, counts_as_global, lambda address: is_allowed_target(address, guarded=True)):
        assert [answer(address) for address in (inside, outside, f"{prefix}127.0.0.1")] == [True, False, False]


def disguises(address: IPv4Address, rest: int) -> list[str]:
    """Return IPv6 addresses whose packets are forwarded to an IPv4 address; `rest` fills the free bits."""
    value, inverted = int(address), int(address) ^ 0xFFFFFFFF
    forms = [
        0xFFFF << 32 | value,  # mapped
        0x64FF9B << 96 | value,  # NAT64
        0x64FF9B0001 << 80 | value,  # NAT64 of a network
        0x2002 << 112 | value << 80 | rest,  # 6to4
        0x20010000 << 96 | 0x08080808 << 64 | (rest & 0xFFFFFFFF) << 32 | inverted,  # Teredo
        0x2620004F << 96 | (rest & 0xFFFFFFFF) << 64 | 0x00005EFE << 32 | value,  # ISATAP
        0x2620004F << 96 | (rest & 0xFFFFFFFF) << 64 | 0x02005EFE << 32 | value,
    ]
    return [str(IPv6Address(form)) for form in forms]


@given(st.ip_addresses(v=4), st.integers(0, 2**80 - 1))
def test_an_ipv4_address_is_the_same_target_in_every_disguise(address: IPv4Address, rest: int) -> None:
    plain = str(address)
    for disguise in disguises(address, rest):
        assert accounting_address(disguise) == accounting_address(plain) == plain
        assert is_host(plain) or not is_host(disguise)
        assert is_global(plain) or not is_global(disguise)


@pytest.mark.parametrize("address", ["2620:fe::fe", "::1", "::", "fd00::1"])
def test_an_address_of_ipv6_counts_as_itself(address: str) -> None:
    assert accounting_address(address) == address
