"""What a viewer of a running test sees: the way from the root, the state of each server, the cases that ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gonemaster_engine.run.found import MAX_ADDRESSES, MAX_SERVERS
from tests.engine.run.test_run import PROFILE, QUICK, run, tags
from tests.support.case_runs import A2, NS1, NS2, example_world
from tests.support.dnsworld import faults


def last_of(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the last report, after the test that JSON can hold all of them."""
    assert json.loads(json.dumps(reports)) == reports
    return reports[-1]


def test_way_and_cases_are_reported_while_a_server_is_silent(tmp_path: Path) -> None:
    world, reports = example_world(), list[dict[str, Any]]()
    world.server(A2).fault(faults.silence())
    result = run(world, tmp_path, profile=QUICK, on_found=reports.append)
    assert len(reports) >= 2
    found = last_of(reports)
    assert [zone["zone"] for zone in found["zones"]] == [".", "xa", "example.xa"]
    servers = {server["ns"]: server["addresses"] for server in found["zones"][-1]["servers"]}
    assert [servers[name][0][1] for name in (NS1, NS2)] == ["ok", "silent"]
    assert servers[NS1][0][2] > 0
    assert servers[NS2][0][2] is None
    numbers = {module: (ended, total) for module, ended, total in found["modules"]}
    assert numbers["SYNTAX"][0] == numbers["SYNTAX"][1] > 5
    assert 0 < found["queries"] <= result.queries
    assert set(found["levels"]) <= {"NOTICE", "WARNING", "ERROR", "CRITICAL"}


def test_report_changes_nothing_in_the_result(tmp_path: Path) -> None:
    worlds = [example_world(), example_world()]
    for world in worlds:
        world.server(A2).fault(faults.silence())
    watched = run(worlds[0], tmp_path, profile=QUICK, on_found=lambda _: None)
    alone = run(worlds[1], tmp_path, profile=QUICK)
    assert tags(watched) == tags(alone)
    assert [timing.nameserver for timing in watched.timings] == [timing.nameserver for timing in alone.timings]


def test_report_of_many_servers_is_small(tmp_path: Path) -> None:
    hosts, numbers = range(1, 9), range(1, MAX_SERVERS + 3)
    many = {f"{'n' * 60}{number}.example.xa": [f"127.9.{number}.{host}" for host in hosts] for number in numbers}
    world, reports = example_world(ns=many), list[dict[str, Any]]()
    for addresses in many.values():
        for address in addresses[1:]:
            world.server(address).fault(faults.silence())
    run(world, tmp_path, profile=QUICK, on_found=reports.append)
    zone = last_of(reports)["zones"][-1]
    assert (zone["zone"], len(zone["servers"]), zone["more"]) == ("example.xa", MAX_SERVERS, 2)
    assert max(len(server["addresses"]) for server in zone["servers"]) == MAX_ADDRESSES
    assert max(len(json.dumps(report)) for report in reports) < 32 * 1024


def test_supplied_servers_are_found_without_a_way(tmp_path: Path) -> None:
    world, reports = example_world(), list[dict[str, Any]]()
    world.server(A2).fault(faults.silence())
    run(world, tmp_path, profile=QUICK, nameservers=[(NS1, None), (NS2, A2)], on_found=reports.append)
    assert last_of(reports)["zones"][-1]["zone"] == "example.xa"


def test_chain_names_the_servers_of_each_zone(tmp_path: Path) -> None:
    result = run(example_world(), tmp_path, profile=PROFILE, with_chain=True)
    assert result.chain is not None
    servers = {zone["zone"]: [each["nameserver"] for each in zone["servers"]] for zone in result.chain["zones"]}
    assert servers["example.xa"] == [NS1, NS2]
    assert servers["xa"] == ["ns1.nic.xa", "ns2.nic.xa"]
    assert servers["."]
