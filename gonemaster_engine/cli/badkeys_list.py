"""Download of the list of compromised keys with the `badkeys` package, an optional extra."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from gonemaster_engine.errors import EngineError

_UPDATE = "from badkeys.update import update_bl; update_bl(quiet=True)"


class BadkeysError(EngineError):
    """The list of compromised keys cannot be downloaded."""


def update(folder: Path | None) -> Path:
    """Download the list into a folder, by default that of the `badkeys` package, and return the folder.

    Raises:
      BadkeysError: the package is not installed, or the list cannot be downloaded.
    """
    if find_spec("badkeys") is None:
        raise BadkeysError("the badkeys package is not installed; install gonemaster[dnssec-badkeys]")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if folder is None:
        _fetch(cache)
        return cache / "badkeys"
    with tempfile.TemporaryDirectory() as scratch:
        _fetch(Path(scratch))
        folder.mkdir(parents=True, exist_ok=True)
        for file in (Path(scratch) / "badkeys").iterdir():
            shutil.copy(file, folder / file.name)
    return folder


def _fetch(cache: Path) -> None:
    """Run the update with this cache folder, in a separate process, because the package exits on failure."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(  # noqa: S603 - fixed arguments
        [sys.executable, "-c", _UPDATE], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BadkeysError(f"cannot download the list of compromised keys: {reason}")
