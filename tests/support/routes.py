"""An application whose routes tests read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from gonemaster_api.app import create_app
from gonemaster_tasks.config.loader import load_settings


@pytest.fixture(scope="session")
def routed_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Create an application to read its routes; neither database nor broker is reachable."""
    data_dir = tmp_path_factory.mktemp("data")
    made = create_app(load_settings({"broker_url": "redis://127.0.0.1:1/0", "data_dir": str(data_dir)}, {}))
    yield made
    parts = made.extensions["gonemaster"].queue
    parts.broker.close()
    parts.celery.close()
    parts.store.close()
