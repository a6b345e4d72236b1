"""Processes with a wrong clock: libfaketime changes the wall clock of all their code, not only of Python."""

from pathlib import Path
from typing import Any

import pytest

_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


def wrong_clock(ahead_s: float) -> dict[str, Any]:
    """Return the environment of a process whose clock is ahead of or behind this host; skip without libfaketime."""
    return _environ() | {"FAKETIME": f"{ahead_s:+g}"}


def stepping_clock(file: Path) -> dict[str, Any]:
    """Return the environment of a process whose clock differs by the seconds in a file, such as `+600`."""
    return _environ() | {"FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_CACHE_DURATION": "1"}


def _environ() -> dict[str, Any]:
    found = [path for pattern in _LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))]
    if not found:
        pytest.skip("libfaketime is not installed (Debian: faketime)")
    # The monotonic clock stays unchanged: on a host with a wrong wall clock it is correct.
    return {"LD_PRELOAD": str(found[0]), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
