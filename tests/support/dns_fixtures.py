"""Pytest fixtures: the demo world for a session, and worlds of a test's own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.dnsworld import World
from tests.support.dnsworld.demo_world import demo_world as describe_demo_world


@pytest.fixture(scope="session")
def demo_world() -> Iterator[World]:
    """The demo world, served in this process. Shared: read its logs by name, set no faults."""
    with describe_demo_world() as world:
        yield world


@pytest.fixture(scope="session")
def demo_hints(demo_world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the root hints of the demo world."""
    return demo_world.write_hints(tmp_path_factory.mktemp("dnsworld") / "root.hints")


@pytest.fixture
def loopback_dns() -> Iterator[Callable[[World], World]]:
    """Serve worlds until the test ends: `world = loopback_dns(World())`."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context
