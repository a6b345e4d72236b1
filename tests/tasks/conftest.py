"""Fixtures of the queue's tests."""

from collections.abc import Iterator

import pytest

from gonemaster_db.session import Store
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.parts import QueueParts


@pytest.fixture
def parts(store: Store, broker: Broker) -> Iterator[QueueParts]:
    """Store, broker and application without any worker; the test runs once on each kind of database."""
    app = make_app(broker.address.url)
    yield QueueParts(store, broker, app)
    app.close()
