"""The application of tests/api, on SQLite: that both databases answer alike is what tests/api holds."""

import pytest

from gonemaster_db.core.settings import StoreSettings
from tests.api.conftest import client, made_apps, make_app, queue, settings, stopping
from tests.support.sent_forms import sends_its_forms
from tests.support.stores import MakeSettings

__all__ = ["client", "made_apps", "make_app", "queue", "sends_its_forms", "settings", "stopping"]


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """A new database with current tables."""
    return make_store_settings("sqlite")


_WITH_BROWSER_S = 400  # the first test of a process starts the service, and a busy machine is slow


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give tests of the shared service more time, and keep them in one process of pytest-xdist."""
    if "site" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.timeout(_WITH_BROWSER_S))
        item.add_marker(pytest.mark.xdist_group("browser"))
