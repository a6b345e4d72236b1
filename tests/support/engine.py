"""Internals of the engine on a DNS world: the context of a run, and queries in it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from gonemaster_engine.context import RunContext
from gonemaster_engine.profile.profile import Profile, default_profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run_log import Log
from tests.support.dnsworld import World

_T = TypeVar("_T")


def loopback_profile(**settings: Any) -> Profile:
    """Return the default profile for worlds on loopback addresses.

    With a loopback source address no packet leaves the host, even if a corrupted answer contains other addresses.
    """
    loopback: dict[str, Any] = {"allow_non_global_targets": True, "source4": "127.0.0.1", "source6": "::1"}
    return dataclasses.replace(default_profile(), **{**loopback, **settings})


@contextlib.asynccontextmanager
async def run_context(world: World, zone: str = "example.xa", **settings: Any) -> AsyncIterator[RunContext]:
    """Open the context of a run; `settings` are fields of `Profile`; by default one attempt, timeout three seconds."""
    profile = loopback_profile(**{"timeout_s": 3.0, "retry": 1, "retrans_s": 1, **settings})
    with TemporaryDirectory() as directory:
        hints = world.write_hints(Path(directory) / "root.hints")
        resources = Resources.open(root_hints=hints, dns_port=world.port, hot_cache_ttl_s=0)
    context = RunContext(zone, profile, resources, log=Log(profile))
    try:
        yield context
    finally:
        await context.close()
        await resources.close()


def in_run(world: World, work: Callable[[RunContext], Awaitable[_T]], *, limit_s: float = 20.0, **settings: Any) -> _T:
    """Call a function in a separate run; exceeding the time limit is an error."""

    async def whole() -> _T:
        async with asyncio.timeout(limit_s), run_context(world, **settings) as context:
            return await work(context)

    return asyncio.run(whole())
