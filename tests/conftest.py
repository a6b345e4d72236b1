"""Fixtures of all tests; each plugin module holds those of one part."""

import logging
import os
import sys
import zlib
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.examples import examples

# The tests start hundreds of processes: without bytecode each compiles all packages again, a quarter of its start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A busy machine is slow, which proves nothing; the same examples come each time.
settings.register_profile(
    "repeatable",
    max_examples=examples(20, 100),
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


# These fixtures start workers, the whole service or a browser, which takes seconds of CPU.
_PROCESSES = frozenset(("farm", "fault_farm", "deadly_farm", "service", "page"))
_WHOLE_SERVICE = ("distributed", "system")
# These tests behave the same on both databases, because the differences are in gonemaster_db: `make test` uses one.
_DATABASES = ("sqlite", "postgres")
_ONE_DATABASE = ("api", "tasks")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups and pytest the markers in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test` leaves out, and run the directories of long tests first; within one the order stays.

    The tests in a browser go to one worker: service and browser of the session start once. So do those of a module
    that share a service.
    """
    for item in items:
        if _starts_processes(item) and not item.get_closest_marker("core"):
            item.add_marker(pytest.mark.thorough)
        if _is_twin(item):
            item.add_marker(pytest.mark.twin)
        if not _fixtures(item).isdisjoint(("page", "site")):
            item.add_marker(pytest.mark.xdist_group("browser"))
        elif _shares_a_service(item) and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=_rank)


def _starts_processes(item: pytest.Item) -> bool:
    return _room(item) in _WHOLE_SERVICE or not _PROCESSES.isdisjoint(_fixtures(item))


def _is_twin(item: pytest.Item) -> bool:
    """Return whether a test repeats one on the other database."""
    driver = item.callspec.params.get("store_settings") if hasattr(item, "callspec") else None
    return _room(item) in _ONE_DATABASE and driver in _DATABASES and driver != _first_database(item)


def _room(item: pytest.Item) -> str:
    """Return the first directory below tests/."""
    return item.path.relative_to(item.config.rootpath / "tests").parts[0]


def _first_database(item: pytest.Item) -> str:
    """Return the database on which `make test` runs a test: half of them each."""
    name = item.nodeid
    for driver in _DATABASES:
        name = name.replace(driver, "")
    return _DATABASES[zlib.crc32(name.encode()) % len(_DATABASES)]


def _fixtures(item: pytest.Item) -> frozenset[str]:
    """Return the names of the fixtures of a test, without parameters of the same name."""
    if not isinstance(item, pytest.Function):
        return frozenset()
    given = item.callspec.params if hasattr(item, "callspec") else {}
    return frozenset(item._fixtureinfo.name2fixturedefs) - given.keys()


def _shares_a_service(item: pytest.Item) -> bool:
    known = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    return any(fixture.scope == "module" for name in ("service", "hasty") for fixture in known.get(name, ()))


def _rank(item: pytest.Item) -> int:
    room = _room(item)
    return _FIRST.index(room) if room in _FIRST else len(_FIRST)
