"""The engine's resources as configured by the settings: sockets, caches, root hints."""

import logging
from pathlib import Path

from gonemaster_engine.net.pacing import Pacing
from gonemaster_engine.net.transport import host_has_ipv6
from gonemaster_engine.normal_runs import NormalRuns
from gonemaster_engine.resources import Resources
from gonemaster_tasks.config.settings import Settings

log = logging.getLogger(__name__)

LOCK_FILE = "normal-runs.lock"


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
