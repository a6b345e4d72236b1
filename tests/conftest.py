"""Fixtures of all tests; each plugin module holds those of one part."""

import os
import sys

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

pytest_plugins = [
    "tests.support.stores",
    "tests.support.dns_fixtures",
    "tests.support.redis",
    "tests.support.workers",
    "tests.support.faults",
]
