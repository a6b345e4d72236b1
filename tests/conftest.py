"""Fixtures of all tests; each plugin module holds those of one part."""

import os
import sys

import pytest
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

# These start processes and wait. With the short tests at the end, no worker of pytest-xdist is long alone.
_FIRST = ("system", "hostile", "tasks")

pytest_plugins = [
    "tests.support.stores",
    "tests.support.dns_fixtures",
    "tests.support.redis",
    "tests.support.workers",
    "tests.support.faults",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the directories of long tests first; within one the order stays."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    directory = item.path.parent.name
    return _FIRST.index(directory) if directory in _FIRST else len(_FIRST)
