"""Versions of this server and of its DNS library."""

import dns.version

from gonemaster_engine.version import __version__, engine_kind


def read_versions() -> dict[str, str]:
    """Return the versions of gonemaster and dnspython, and the kind of the engine."""
    return {"gonemaster": __version__, "dns": dns.version.version, "engine_kind": engine_kind()}
