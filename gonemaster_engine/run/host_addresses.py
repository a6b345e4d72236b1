"""The addresses of a host name, looked up from the root."""

from __future__ import annotations

import asyncio

from gonemaster_engine.context import RunContext
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resolver.recursor import Recursor
from gonemaster_engine.resources import Resources
from gonemaster_engine.run_log import Log
from gonemaster_engine.zone.delegation_data import LOOKUP_LIMITS

_NO_ZONE = "host-addresses.invalid"  # no zone is tested, so cached data of all zones can be used


async def look_up_addresses(name: str, profile: Profile, resources: Resources, *, limit_s: float) -> list[str]:
    """Return the addresses of a normalised host name, with aliases followed; empty if it has none.

    Raises:
      TimeoutError: the lookup took longer than `limit_s`.
    """
    context = RunContext(_NO_ZONE, profile, resources, log=Log(profile), limits=LOOKUP_LIMITS)
    try:
        async with asyncio.timeout(limit_s):
            return await Recursor(context).addresses(name)
    finally:
        await context.close()
        context.release()
