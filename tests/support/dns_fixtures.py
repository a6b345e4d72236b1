"""Pytest fixtures: the demo world for the whole session, and separate worlds for single tests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.dnsworld import World
from tests.support.dnsworld.demo_world import demo_world as describe_demo_world


@pytest.fixture(scope="session")
def demo_world() -> Iterator[World]:
    """Serve the demo world in this process. It is shared: read its logs by name, and set no faults."""
    with describe_demo_world() as world:
        yield world


@pytest.fixture(scope="session")
def demo_hints(demo_world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the root hints of the demo world."""
    return demo_world.write_hints(tmp_path_factory.mktemp("dnsworld") / "root.hints")


@pytest.fixture
def loopback_dns() -> Iterator[Callable[[World], World]]:
    """Serve worlds until the test ends: `world = loopback_dns(World())`."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context
