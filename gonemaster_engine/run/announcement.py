"""The first entries of a run: versions, start time and target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import cryptography
import dns.version
import idna

from gonemaster_engine.run_log import Log
from gonemaster_engine.testcases.registry import Case
from gonemaster_engine.version import __version__

_LIBRARIES = {"cryptography": cryptography.__version__, "dnspython": dns.version.version, "idna": idna.__version__}


def announce(run_log: Log, zone_name: str, plan: Sequence[Case], now: float) -> None:
    """Add the entries about the program, its libraries, the start and the target of a run."""
    run_log.system("GLOBAL_VERSION", version=__version__)
    for library, version in _LIBRARIES.items():
        run_log.system("DEPENDENCY_VERSION", name=library, version=version)
    run_log.system("START_TIME", time_t=int(now), string=_utc_text(now))
    run_log.system(
        "TEST_TARGET",
        zone=zone_name,
        module=_only({case.module for case in plan}),
        testcase=_only({case.id for case in plan}),
    )


def _only(chosen: set[str]) -> str:
    return next(iter(chosen)) if len(chosen) == 1 else "all"


def _utc_text(posix_seconds: float) -> str:
    return datetime.fromtimestamp(int(posix_seconds), UTC).isoformat().replace("+00:00", "Z")
