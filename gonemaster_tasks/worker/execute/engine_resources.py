"""The engine's resources as configured by the settings: sockets, caches, root hints."""

from gonemaster_engine.net.pacing import Pacing
from gonemaster_engine.net.transport import host_has_ipv6
from gonemaster_engine.resources import Resources
from gonemaster_tasks.config.settings import Settings


def open_resources(settings: Settings, *, pacing: Pacing | None = None) -> Resources:
    """Open the resources in the running event loop. Raises EngineError if the root hints are invalid."""
    return Resources.open(
        root_hints=settings.root_hints_path,
        dns_port=settings.dns_port,
        hot_cache_ttl_s=settings.hot_cache_ttl_s,
        ipv6=settings.uses_ipv6,
        pacing=pacing,
    )


def follow_settings(resources: Resources, before: Settings, now: Settings) -> None:
    """Apply changed settings to the resources."""
    if now.hot_cache_ttl_s != before.hot_cache_ttl_s:
        resources.caches.hot.change_ttl(now.hot_cache_ttl_s)
    if now.ipv6_mode != before.ipv6_mode:
        resources.has_ipv6 = host_has_ipv6() if now.uses_ipv6 is None else now.uses_ipv6
