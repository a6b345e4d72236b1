"""Fixtures of all tests; each plugin module holds those of one part."""

pytest_plugins = [
    "tests.support.stores",
    "tests.support.dns_fixtures",
    "tests.support.redis",
    "tests.support.workers",
    "tests.support.faults",
]
