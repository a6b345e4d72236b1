"""Rehearsals of worlds in tests."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from gonemaster_engine.profile.profile import Profile, default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.rst.document import RstInput, parse_input
from gonemaster_engine.rst.rehearsal import rehearse_tld, rst_policy
from gonemaster_engine.rst.report import CaseReport, RstReport, TldRun, build_report
from gonemaster_engine.rst.sending import Ports
from gonemaster_engine.run.run import RunResult
from tests.support.dnsworld import World
from tests.support.rst_worlds import counted_network, input_of

LIMIT_S = 100.0
PORTS = Ports()


def profile(**resolver: Any) -> Profile:
    """Return a profile that queries loopback addresses."""
    defaults = {"retry": 2, "timeout": 3, "retrans": 1, **resolver}
    return default_profile().merge({"net": {"allow_non_global_targets": True}, "resolver": {"defaults": defaults}})


def run_tlds(world: World, inputs: RstInput, *, ports: Ports = PORTS, ipv6: bool = True) -> dict[str, RunResult]:
    """Rehearse all TLDs of the input while a world is served."""

    async def whole() -> dict[str, RunResult]:
        with tempfile.TemporaryDirectory() as directory:
            hints = world.write_hints(Path(directory) / "root.hints")
            resources = Resources.open(root_hints=hints, dns_port=world.port, ipv6=ipv6)
        is_wide = inputs.glue_policy == "wide"
        try:
            async with asyncio.timeout(LIMIT_S):
                return {
                    tld.name: await rehearse_tld(
                        tld, profile(), resources=resources, is_wide=is_wide, ports=ports, deadline_s=LIMIT_S - 10
                    )
                    for tld in inputs.tlds
                }
        finally:
            await resources.close()

    return asyncio.run(whole())


def rehearse(
    world: World,
    document: dict[str, Any] | None = None,
    *,
    ports: Ports = PORTS,
    ipv6: bool = True,
) -> RstReport:
    """Serve a world, rehearse its TLDs and return the report."""
    inputs = parse_input(document or input_of(world))
    with counted_network(), world:
        runs = run_tlds(world, inputs, ports=ports, ipv6=ipv6)
    return report_of(inputs, runs)


def report_of(inputs: RstInput, runs: dict[str, RunResult]) -> RstReport:
    """Return the report of finished runs."""
    return build_report(inputs, {name: TldRun(run.entries) for name, run in runs.items()}, rst_policy())


def case_of(report: RstReport, name: str) -> CaseReport:
    """Return a test case of a report."""
    return next(case for suite in report.suites for case in suite.cases if case.name == name)
