"""The engine's resources as configured by the settings: sockets, caches, root hints."""

import asyncio
import logging
from pathlib import Path

from gonemaster_engine.net.pacing import Pacing
from gonemaster_engine.net.query import Timing
from gonemaster_engine.net.transport import host_has_ipv6
from gonemaster_engine.normal_runs import NormalRuns
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.priming import TIMING, current_hints, hint_differences
from gonemaster_tasks.config.settings import Settings

log = logging.getLogger(__name__)

LOCK_FILE = "normal-runs.lock"
_MIN_PRIMED_S = 3600.0
_MAX_PRIMED_S = 7 * 86400.0


def open_resources(
    settings: Settings, *, pacing: Pacing | None = None, normal_runs: NormalRuns | None = None
) -> Resources:
    """Open the resources in the running event loop. Raises EngineError if the root hints are invalid."""
    return Resources.open(
        root_hints=settings.root_hints_path,
        dns_port=settings.dns_port,
        hot_cache_ttl_s=settings.hot_cache_ttl_s,
        ipv6=settings.uses_ipv6,
        pacing=pacing,
        normal_runs=normal_runs,
    )


async def keep_root_primed(resources: Resources, settings: Settings, *, timing: Timing = TIMING) -> None:
    """Replace the root servers of the bundled hints with the current ones, and again when their TTL ends (RFC 9609).

    Own hints (`root_hints_path`) stay as they are: they may name the servers of a private root.
    """
    hints, sources = resources.root_hints, (settings.source_addr4, settings.source_addr6)
    while True:
        found = await current_hints(
            hints, resources.root_anchors, port=settings.dns_port, sources=sources, timing=timing
        )
        if found is None:
            log.info("root servers not primed, the hints are used")
            await asyncio.sleep(_MIN_PRIMED_S)
            continue
        resources.root_hints, ttl_s = found
        if changes := list(hint_differences(hints, resources.root_hints)):
            log.warning("the root hints are outdated, primed root servers are used", extra={"changes": changes})
        await asyncio.sleep(min(max(ttl_s, _MIN_PRIMED_S), _MAX_PRIMED_S))


def open_normal_runs(data_dir: Path) -> NormalRuns:
    """Open the record of normal runs that all worker processes with this data directory share."""
    path = data_dir / LOCK_FILE
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return NormalRuns(path)
    except OSError as error:
        log.warning("batch runs do not rest for other processes", extra={"path": str(path), "error": error.strerror})
        return NormalRuns()


def follow_settings(resources: Resources, before: Settings, now: Settings) -> None:
    """Apply changed settings to the resources."""
    if now.hot_cache_ttl_s != before.hot_cache_ttl_s:
        resources.caches.hot.change_ttl(now.hot_cache_ttl_s)
    if now.ipv6_mode != before.ipv6_mode:
        resources.has_ipv6 = host_has_ipv6() if now.uses_ipv6 is None else now.uses_ipv6
