"""Fixtures of all tests; each plugin module holds those of one part."""

import logging
import os
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

# The tests start hundreds of processes: without bytecode each compiles all packages again, a quarter of its start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A busy machine is slow, which proves nothing; the same examples come each time.
settings.register_profile(
    "repeatable",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

# These start processes and wait; those in a browser are one group. With the short tests at the end, no worker of
# pytest-xdist is long alone.
_FIRST = ("distributed", "ui", "system", "hostile", "deploy", "tasks")

pytest_plugins = [
    "tests.support.stores",
    "tests.support.dns_fixtures",
    "tests.support.redis",
    "tests.support.workers",
    "tests.support.faults",
    "tests.support.browser",
    "tests.support.routes",
]


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo what a command that runs inside the test process does to the loggers: its stream is closed soon."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the directories of long tests first; within one the order stays.

    The tests in a browser go to one worker: service and browser of the session start once. So do those of a module
    that share a service.
    """
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker(pytest.mark.flaky(reruns=0))  # what its examples found would be lost
        if "page" in getattr(item, "fixturenames", ()) or "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("browser"))
        elif _shares_a_service(item) and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=_rank)


def _shares_a_service(item: pytest.Item) -> bool:
    known = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    return any(fixture.scope == "module" for name in ("service", "hasty") for fixture in known.get(name, ()))


def _rank(item: pytest.Item) -> int:
    directory = item.path.parent.name
    return _FIRST.index(directory) if directory in _FIRST else len(_FIRST)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show why a test passed only when it ran again: it depends on the load of the machine, or on luck."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"ran again: {report.nodeid}", sep="_")
        terminalreporter.write_line(report.longreprtext)
