"""DSYNC records: read, and found at the names of RFC 9859."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gonemaster_engine import names
from gonemaster_engine.automation.observation import open_zone
from gonemaster_engine.resources import Resources
from gonemaster_engine.zone.dsync import Dsync, dsync_names, find_dsync, read_dsync
from tests.support.case_runs import A1, A2, NS1, NS2
from tests.support.dnsworld import World, faults
from tests.support.engine import loopback_profile

TARGET = "notify.nic.xa"
FOR_CDS = Dsync(59, 1, 5359, TARGET)


def rdata(record: Dsync) -> bytes:
    name = names.to_wire(record.target)
    return record.rtype.to_bytes(2) + bytes([record.scheme]) + record.port.to_bytes(2) + name


def line(owner: str, record: Dsync) -> str:
    """Return a DSYNC record in the format for unknown types, which every dnspython reads."""
    octets = rdata(record)
    return f"{owner} TYPE66 \\# {len(octets)} {octets.hex()}"


def parent_with(records: str) -> World:
    world = World()
    world.zone(".")
    world.zone("xa", ns={"ns1.nic.xa": "127.8.1.1", "ns2.nic.xa": "127.8.2.1"}, records=records)
    world.zone("example.xa", ns={NS1: A1, NS2: A2})
    return world


def found_in(world: World, domain: str = "example.xa") -> list[Dsync] | None:
    async def whole() -> list[Dsync] | None:
        with TemporaryDirectory() as directory:
            hints = world.write_hints(Path(directory) / "root.hints")
            resources = Resources.open(root_hints=hints, dns_port=world.port, hot_cache_ttl_s=0)
        try:
            async with open_zone(domain, loopback_profile(timeout_s=2.0, retry=1), resources) as zone:
                return await find_dsync(zone)
        finally:
            await resources.close()

    with world:
        return asyncio.run(whole())


@pytest.mark.parametrize("record", [FOR_CDS, Dsync(62, 1, 53, "."), Dsync(59, 0, 0, "a.b.c")])
def test_a_record_is_read(record: Dsync) -> None:
    assert read_dsync(rdata(record)) == record
    for cut in range(len(rdata(record))):
        assert read_dsync(rdata(record)[:cut]) is None
    assert read_dsync(rdata(record) + b"\0") is None


def test_the_records_for_cds_are_known() -> None:
    assert FOR_CDS.is_for_cds
    assert not Dsync(62, 1, 5359, TARGET).is_for_cds
    assert not Dsync(59, 0, 5359, TARGET).is_for_cds


@pytest.mark.parametrize(
    ("domain", "parent", "expected"),
    [
        ("example.xa", "xa", ["example._dsync.xa", "_dsync.xa"]),
        ("a.b.xa", "xa", ["a.b._dsync.xa", "_dsync.xa"]),
        ("xa", ".", ["xa._dsync", "_dsync"]),
        ("example.xb", "xa", []),
    ],
)
def test_the_names_of_a_lookup(domain: str, parent: str, expected: list[str]) -> None:
    assert dsync_names(domain, parent) == expected


OTHER = Dsync(59, 1, 53, "other.nic.xa")


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ("", []),
        (line("*._dsync", FOR_CDS), [FOR_CDS]),
        (line("example._dsync", OTHER) + "\n" + line("_dsync", FOR_CDS), [OTHER]),
        (line("_dsync", FOR_CDS), [FOR_CDS]),
        (line("*._dsync", FOR_CDS) + "\n" + line("*._dsync", OTHER), [OTHER, FOR_CDS]),
    ],
)
def test_the_parent_says_where_to_notify(records: str, expected: list[Dsync]) -> None:
    assert found_in(parent_with(records)) == expected


def test_an_alias_and_a_zone_cut_are_followed() -> None:
    assert found_in(parent_with(f"_dsync CNAME sync\n{line('sync', FOR_CDS)}")) == [FOR_CDS]
    world = parent_with("")
    world.zone("_dsync.xa", ns={NS1: A1, NS2: A2}, records=line("example", OTHER))
    assert found_in(world) == [OTHER]


def test_the_next_server_of_the_parent_is_asked_if_one_is_silent_or_refuses() -> None:
    for fault in (faults.silence(), faults.rcode("REFUSED")):
        world = parent_with(line("*._dsync", FOR_CDS))
        world.servers["127.8.1.1"].fault(fault, qtype="DSYNC")
        assert found_in(world) == [FOR_CDS]
        world.servers["127.8.2.1"].fault(fault, qtype="DSYNC")
        assert found_in(world) is None


def test_the_root_has_no_parent_that_could_say_it() -> None:
    assert found_in(parent_with(""), ".") is None
