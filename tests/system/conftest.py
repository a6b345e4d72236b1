"""The service as its users start it, on the demo world on loopback addresses."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.dnsworld import World
from tests.support.service import Service

StartService = Callable[..., Service]


@pytest.fixture(scope="session")
def in_demo_world(demo_world: World, demo_hints: Path) -> dict[str, str]:
    """Return the variables that connect an engine to the demo world."""
    return {
        "GONEMASTER_ROOT_HINTS": str(demo_hints),
        "GONEMASTER_DNS_PORT": str(demo_world.port),
        "GONEMASTER_ALLOW_NON_GLOBAL": "true",
    }


@pytest.fixture
def start(in_demo_world: dict[str, str]) -> Iterator[StartService]:
    """Start servers: `start(worker_processes=2)` returns a ready one, which is stopped after the test.

    A test names the servers that the service uses before this fixture, so that they outlive the service.
    """
    with ExitStack() as stack:

        def start_service(*command: str, ready: bool = True, **options: Any) -> Service:
            environ = in_demo_world | options.pop("environ", {})
            service = stack.enter_context(Service(*command, environ=environ, **options))
            return service.wait_until_ready() if ready else service

        yield start_service


@pytest.fixture(scope="module")
def service(in_demo_world: dict[str, str]) -> Iterator[Service]:
    """A server with two workers that the tests of a module share."""
    with Service(environ=in_demo_world, worker_processes=2) as shared:
        yield shared.wait_until_ready()
