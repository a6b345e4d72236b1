"""A worker with bundled hints uses the primed root servers, and asks for them once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gonemaster_engine.net.query import Timing
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import run_test
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.worker.execute.engine_resources import keep_root_primed
from tests.support.dnsworld import World
from tests.support.engine import loopback_profile

A, B, DEAD = "127.21.1.1", "127.21.1.2", "127.21.1.9"
TIMING = Timing(timeout_s=1.0, retrans_s=0.4, tries=2)


def test_runs_use_the_primed_servers(tmp_path: Path) -> None:
    world = World()
    world.zone(".", ns={"a.root.": A, "b.root.": B}, signed=True)
    world.zone("xa.")
    with world:
        asyncio.run(_prime_and_run(world, world.write_hints(tmp_path / "hints")))


async def _prime_and_run(world: World, file: Path) -> None:
    resources = Resources.open(root_hints=file, dns_port=world.port, hot_cache_ttl_s=0, ipv6=False)
    resources.root_hints = {"a.root": (A,), "b.root": (B,), "z.root": (DEAD,)}  # as in a file of two years ago
    priming = asyncio.create_task(keep_root_primed(resources, Settings(dns_port=world.port), timing=TIMING))
    try:
        async with asyncio.timeout(30):
            while "z.root" in resources.root_hints:  # noqa: ASYNC110 - a worker has no event for it
                await asyncio.sleep(0.01)
        assert resources.root_hints == {"a.root": (A,), "b.root": (B,)}
        asked = len(world.log)
        assert asked == 4  # two servers, NS and DNSKEY
        profile = loopback_profile(ipv6=False, timeout_s=1.0, retry=1, retrans_s=1)
        result = await run_test("xa", profile, resources=resources, tests=["basic01"], keep_answers=True)
        assert DEAD not in {address for address, _, _ in result.answers}
        assert not priming.done()
    finally:
        priming.cancel()
        await resources.close()
