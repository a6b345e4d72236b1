"""A run on a randomly broken world ends in time, with entries, and no test case raises an exception.

BROKEN_WORLDS=1000 tries a thousand worlds instead of a few, BROKEN_WORLDS_FROM=N those from another seed on.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test
from tests.support.dnsworld import World
from tests.support.dnsworld.broken import DOMAIN, broken_world
from tests.support.engine import loopback_profile

DEADLINE_S = 20.0
FIRST = int(os.environ.get("BROKEN_WORLDS_FROM", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("BROKEN_WORLDS", "12")))


async def run_on(world: World, hints: Path) -> RunResult:
    profile = loopback_profile(timeout_s=0.2, retry=1)
    resources = Resources.open(root_hints=world.write_hints(hints), dns_port=world.port)
    try:
        return await run_test(DOMAIN, profile, resources=resources, deadline_s=DEADLINE_S)
    finally:
        await resources.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_world_is_tested_to_the_end(seed: int, tmp_path: Path) -> None:
    with broken_world(seed) as world:
        result = asyncio.run(run_on(world, tmp_path / "root.hints"))
    assert [entry.args for entry in result.entries if entry.tag == "MODULE_ERROR"] == []
    assert any(entry.module == "BASIC" for entry in result.entries)
