"""The application of tests/api on SQLite; tests/api checks that both databases behave the same."""

import pytest

from gonemaster_db.core.settings import StoreSettings
from tests.api.conftest import client, made_apps, make_app, queue, settings, stopping
from tests.support.sent_forms import sends_its_forms
from tests.support.stores import MakeSettings

__all__ = ["client", "made_apps", "make_app", "queue", "sends_its_forms", "settings", "stopping"]


@pytest.fixture
def store_settings(make_store_settings: MakeSettings) -> StoreSettings:
    """Return a new database with the current schema."""
    return make_store_settings("sqlite")


_WITH_BROWSER_S = 400  # The first test of a process starts the service, which may be slow on a busy machine.


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give tests of the shared service a longer timeout, and run them in one pytest-xdist process."""
    if "site" in getattr(item, "fixturenames", ()):
        item.add_marker(pytest.mark.timeout(_WITH_BROWSER_S))
        item.add_marker(pytest.mark.xdist_group("browser"))
