"""Processes whose clock is wrong: libfaketime answers for the wall clock of all their code, not of Python alone."""

from pathlib import Path
from typing import Any

import pytest

_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")


def wrong_clock(ahead_s: float) -> dict[str, Any]:
    """The environment of a process whose clock is ahead of that of this host, or behind; skips without libfaketime."""
    found = [path for pattern in _LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))]
    if not found:
        pytest.skip("libfaketime is not installed (Debian: faketime)")
    # The steady clock stays as it is: a host with a wrong clock has a right one of those.
    return {"LD_PRELOAD": str(found[0]), "FAKETIME": f"{ahead_s:+g}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
