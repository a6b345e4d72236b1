"""The application of tests/api, for malicious callers and browsers."""

from pathlib import Path

import pytest

from tests.api.conftest import client, made_apps, make_app, queue, settings, stopping
from tests.hostile import LONG

__all__ = ["client", "made_apps", "make_app", "queue", "settings", "stopping"]

_LONG_LIMIT_S = 7_200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Raise the time limit of tests that explore for longer, unless they set a separate limit."""
    if not LONG:
        return
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(_LONG_LIMIT_S))
