"""Fixtures of all tests; each plugin module holds those of one part."""

import gc
import logging
import os
import sys
import zlib
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.support.examples import examples

# The tests start hundreds of processes: without bytecode each compiles all packages again, which takes a quarter of its
# start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No deadline, because a busy machine is slow; the same examples in each run.
settings.register_profile(
    "repeatable",
    max_examples=examples(20, 100),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")

# The browser is the longest group and starts first; the others start processes and wait. The short tests come last, so
# that all workers of pytest-xdist finish at about the same time.
_FIRST = ("distributed", "system", "hostile", "deploy", "tasks", "ui")

pytest_plugins = [
    "tests.support.server_errors",  # the first: other plugins import it
    "tests.support.stores",
    "tests.support.dns_fixtures",
    "tests.support.redis",
    "tests.support.workers",
    "tests.support.faults",
    "tests.support.browser",
    "tests.support.routes",
]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for garbage only after all modules and tests exist, and never again among them: both would take seconds."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Restore the loggers that a command inside the test process has changed: its stream is soon closed."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)


# These fixtures start workers, the whole service or a browser, which takes seconds of CPU.
_PROCESSES = frozenset(("farm", "fault_farm", "deadly_farm", "service", "page"))
_WHOLE_SERVICE = ("distributed", "system")
_PROCESSES_S = 600  # only ends a hang: the start of one process may take three minutes on a busy machine
# `make test` takes one of both databases for each test. The differences between them are in gonemaster_db, whose tests
# `make test-long` repeats on the other one; the nightly job repeats all.
_DATABASES = ("sqlite", "postgres")
_OF_DATABASE = ("store_settings", "empty_store", "farm", "driver")  # parameters that choose one
_OTHER_DATABASE = {
    "api": pytest.mark.twin,
    "db": pytest.mark.thorough,
    "system": pytest.mark.twin,
    "tasks": pytest.mark.twin,
}


_MAX_ID_LENGTH = 80  # octets or characters of one parameter


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Shorten the ids of long texts: each test process stores them, sends them and puts them into its environment."""
    if isinstance(val, str | bytes) and len(val) > _MAX_ID_LENGTH:
        content = val if isinstance(val, bytes) else val.encode("utf-8", "surrogatepass")
        return f"{argname}-{len(val)}-{zlib.crc32(content):08x}"
    return None


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups and pytest the markers in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `make test` skips, and run the directories of long tests first, each in its original order.

    One worker runs all tests in a browser, so that service and browser start once per session. The same holds for the
    tests of a module that share a service, and for the conventions, which share the syntax trees of all sources.
    """
    for item in items:
        if _starts_processes(item):
            if not item.get_closest_marker("core"):
                item.add_marker(pytest.mark.thorough)
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(_PROCESSES_S))
        if _room(item) in _OTHER_DATABASE and _repeats(item):
            item.add_marker(_OTHER_DATABASE[_room(item)])
        if _is_in_browser(item):
            item.add_marker(pytest.mark.xdist_group("browser"))
        elif _room(item) == "conventions":
            item.add_marker(pytest.mark.xdist_group("conventions"))
        elif _shares_a_service(item) and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    items.sort(key=_rank)


def _is_in_browser(item: pytest.Item) -> bool:
    return not _fixtures(item).isdisjoint(("page", "site"))


def _starts_processes(item: pytest.Item) -> bool:
    return _room(item) in _WHOLE_SERVICE or not _PROCESSES.isdisjoint(_fixtures(item))


def _repeats(item: pytest.Item) -> bool:
    """Return whether a test repeats one on the other database."""
    values = item.callspec.params if hasattr(item, "callspec") else {}
    drivers = {value for name, value in values.items() if name in _OF_DATABASE and value in _DATABASES}
    return bool(drivers) and drivers != {_first_database(item)}


def _room(item: pytest.Item) -> str:
    """Return the first directory below tests/."""
    return item.nodeid.split("/", 2)[1]  # `path` would take a second for all tests


def _first_database(item: pytest.Item) -> str:
    """Return the database on which `make test` runs a test: each database gets half of the tests."""
    name = item.nodeid
    for driver in _DATABASES:
        name = name.replace(driver, "")
    return _DATABASES[zlib.crc32(name.encode()) % len(_DATABASES)]


def _fixtures(item: pytest.Item) -> frozenset[str]:
    """Return the names of the fixtures of a test, without parameters of the same name."""
    if not isinstance(item, pytest.Function):
        return frozenset()
    values = item.callspec.params if hasattr(item, "callspec") else {}
    return frozenset(item._fixtureinfo.name2fixturedefs) - values.keys()


def _shares_a_service(item: pytest.Item) -> bool:
    known = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    return any(fixture.scope == "module" for name in ("service", "hasty") for fixture in known.get(name, ()))


def _rank(item: pytest.Item) -> int:
    room = _room(item)
    if _is_in_browser(item):
        return -1
    return _FIRST.index(room) if room in _FIRST else len(_FIRST)
