"""The demo world of the tests as a world for benchmarks: it needs neither root nor a generated world."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.dnsworld.demo_world import DOMAINS

ROOT = Path(__file__).parents[1]
SILENT = ("silent.xa", "refused.xa", "lame.xa")  # their runs mostly wait for responses
CLEAN = ("good.xa", "hashed.xa", "plain.xa")


@dataclass(frozen=True)
class DemoWorld:
    """The served demo world: its root hints and the port of its name servers."""

    hints: Path
    port: int

    @property
    def flags(self) -> dict[str, str]:
        """The settings of a worker that tests its zones."""
        return {"root_hints_path": str(self.hints), "dns_port": str(self.port), "allow_non_global": "true"}


@contextmanager
def demo_world(folder: Path) -> Iterator[DemoWorld]:
    """Serve the demo world in a separate process."""
    hints = folder / "root.hints"
    command = [sys.executable, "-m", "tests.support.dnsworld", "demo", "--hints", str(hints)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield DemoWorld(hints, json.loads(process.stdout.readline() if process.stdout else "{}")["port"])
    finally:
        process.terminate()
        process.wait()


def demo_zones(*, with_silent: bool) -> list[str]:
    """Return the domains of the demo world."""
    return [name for name in DOMAINS if with_silent or name not in SILENT]
