"""Run the official test zones: all scenarios with the command-line program, and the methods that find name servers.

    conformance.py TESTBED [--only basic01,...]

TESTBED is the folder with run.sh, run_scenarios.py, scenarios.json and methodsv2.json; needs root and iproute2.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gonemaster_engine import names
from gonemaster_engine.asn.lookup import AsnLookup
from gonemaster_engine.context import RunContext, Undelegated
from gonemaster_engine.net.server.nameserver import Nameserver
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.resources import Resources
from gonemaster_engine.run_log import Log
from gonemaster_engine.zone.zone import Delegation, Zone

METHODS = "methodsv2"
_PROFILE = '{"zonemaster": {"tags": "2025.2"}}'  # the release of the scenarios
_OPTIONS = "--hints {hints} --testcase {testcase} --json --min-level DEBUG3 --allow-non-global --zonemaster-tags"
_ARGUMENTS = "{ns_args} {ds_args} {zone}"


def main() -> int:
    """Run the command line; the status is 1 if a scenario fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("testbed", type=Path)
    parser.add_argument(
        "--only", default="", metavar="TESTCASE,...", help=f"only these; {METHODS} stands for the methods"
    )
    # in the namespace, which runs only the methods
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    testbed = args.testbed.resolve()
    if not (testbed / "run.sh").exists():
        parser.error(f"{testbed} has no run.sh: name the folder of the test zones, as in make conformance TESTBED=DIR")
    if args.inside:
        return asyncio.run(check_methods(testbed))
    case_ids = [case_id for case_id in args.only.split(",") if case_id]
    os.environ["PYTHON"] = sys.executable
    subprocess.run([testbed / "run.sh", "up"], check=True)
    failed = 0
    if not case_ids or METHODS in case_ids:
        failed |= subprocess.run(
            [testbed / "run.sh", "exec", sys.executable, __file__, testbed, "--inside"], check=False
        ).returncode
    if case_ids != [METHODS]:
        failed |= run_scenarios(testbed, [case_id for case_id in case_ids if case_id != METHODS])
    return 1 if failed else 0


def run_scenarios(testbed: Path, only: list[str]) -> int:
    """Run the scenarios against our command-line program, in a separate process."""
    program = Path(sys.executable).with_name("gonemaster")
    command: list[str | Path] = [sys.executable, testbed / "run_scenarios.py", "--failures", "--jobs", "2"]
    if only:
        command += ["--only", ",".join(only)]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as profile:
        profile.write(_PROFILE)
        profile.flush()
        command += ["--engine", f"{program} --profile {profile.name} {_OPTIONS} {_ARGUMENTS}"]
        return subprocess.run(command, check=False).returncode


async def check_methods(testbed: Path) -> int:
    """Compare what the methods find with what is expected; print the differences."""
    scenarios = json.loads((testbed / f"{METHODS}.json").read_text("utf-8"))
    testable = [scenario for scenario in scenarios if scenario["testable"]]
    failed = 0
    for scenario in testable:
        found = await find_servers(testbed, scenario)
        wrong = {key: found[key] for key in found if found[key] != _expected(scenario[key])}
        for key, value in wrong.items():
            print(f"    {scenario['scenario']} ({scenario['zone']}) {key}: {value}, not {_expected(scenario[key])}")
        failed += bool(wrong)
    print(f"{METHODS:16} {len(testable) - failed:4}/{len(testable)}")
    return 1 if failed else 0


async def find_servers(testbed: Path, scenario: dict[str, Any]) -> dict[str, list[str] | None]:
    """Return the results of the three methods as sorted texts."""
    resources = Resources.open(root_hints=testbed / "data" / scenario["hints"])
    profile = default_profile().merge({"net": {"allow_non_global_targets": True}})
    supplied: dict[str, tuple[str, ...]] = {}
    for name, address in scenario["undelegated_ns"]:
        supplied[name] = (*supplied.get(name, ()), *((address,) if address else ()))
    context = RunContext(
        scenario["zone"].rstrip("."), profile, resources, log=Log(profile), undelegated=Undelegated(supplied)
    )
    recursor = Recursor(context)
    zone = Zone(context, recursor, AsnLookup(recursor, profile, context.caches.origins, budget=context.budget))
    try:
        return {
            "expected_parent_ns": _servers(await zone.parent_servers()),
            "expected_del_ns": _delegation(_without_bare_names(zone.name, await zone.delegation())),
            "expected_zone_ns": _delegation(await zone.apex()),
        }
    finally:
        await context.close()
        await resources.close()


def _servers(servers: Iterable[Nameserver] | None) -> list[str] | None:
    return None if servers is None else sorted(f"{server.name}/{server.address}" for server in servers)


def _without_bare_names(zone_name: str, delegation: Delegation | None) -> Delegation | None:
    """Remove in-domain names without glue: MethodsV2 includes them, but the engine that produced the table does not."""
    if delegation is None:
        return None
    return {name: found for name, found in delegation.items() if found or not names.is_in_domain(name, zone_name)}


def _delegation(delegation: Delegation | None) -> list[str] | None:
    if delegation is None:
        return None
    return sorted(f"{name}/{address}" for name, found in delegation.items() for address in found or [""])


def _expected(pairs: list[list[str | None]] | None) -> list[str] | None:
    return None if pairs is None else sorted(f"{name}/{address or ''}" for name, address in pairs)


if __name__ == "__main__":
    sys.exit(main())
