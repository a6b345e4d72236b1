"""Serve a world in a separate process: `python -m tests.support.dnsworld demo`, stopped by SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import signal
import tempfile
from pathlib import Path

from .world import World

DEMO = "tests.support.dnsworld.demo_world:demo_world"


def described(spec: str) -> World:
    """Call the function that the argument `demo` or `module:function` names."""
    module, _, function = (DEMO if spec == "demo" else spec).partition(":")
    world = getattr(importlib.import_module(module), function)()
    if not isinstance(world, World):
        raise TypeError(f"{spec} gives no World")
    return world


def serve(world: World, hints: Path) -> None:
    """Serve until a signal arrives, after printing one line of JSON: {"port": ..., "hints": ...}."""
    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    with world:
        world.write_hints(hints)
        print(json.dumps({"port": world.port, "hints": str(hints)}), flush=True)
        signal.sigwait(stop)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.dnsworld", description=__doc__)
    parser.add_argument("spec", help="demo, or module:function that gives a World")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--hints", type=Path, help="where to write the root hints; default: a temporary file")
    options = parser.parse_args()
    world = described(options.spec)
    world.port = options.port or world.port
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dnsworld-")))
        serve(world, options.hints or directory / "root.hints")


if __name__ == "__main__":
    main()
