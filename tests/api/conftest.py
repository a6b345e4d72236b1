"""An application on real parts: both databases, and a Redis of this session."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_api.app import create_app, make_state
from gonemaster_api.state import NAME
from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts, open_queue
from tests.support.redis import raw

MakeApp = Callable[..., Flask]


@pytest.fixture
def settings(redis_server: EmbeddedRedis, tmp_path: Path) -> Settings:
    return load_settings({"broker_url": redis_server.url, "data_dir": str(tmp_path / "data")}, {})


@pytest.fixture
def queue(settings: Settings, store: Store) -> Iterator[QueueParts]:
    """Queue and store of a test, the queue empty."""
    parts = open_queue(settings, store)
    raw(parts.broker).flushall()
    yield parts
    parts.broker.close()
    parts.celery.close()


@pytest.fixture
def stopping() -> threading.Event:
    """What tells open streams to end."""
    return threading.Event()


@pytest.fixture
def make_app(settings: Settings, queue: QueueParts, stopping: threading.Event) -> MakeApp:
    """`make_app(max_body_size=100)` is an application with other settings."""

    def make(**flags: Any) -> Flask:
        chosen = load_settings({"broker_url": settings.broker_url, "data_dir": str(settings.data_dir)} | flags, {})
        return create_app(chosen, queue=queue, stopping=stopping)

    return make


@pytest.fixture(scope="session")
def made_apps() -> dict[str, Flask]:
    """The application that `client` has made; its rules and its OpenAPI document take longer than most tests."""
    return {}


@pytest.fixture
def client(
    made_apps: dict[str, Flask], make_app: MakeApp, settings: Settings, queue: QueueParts, stopping: threading.Event
) -> FlaskClient:
    """A client of an application with default settings; all but the state is that of the tests before."""
    if not made_apps:
        made_apps["default"] = make_app()
    app = made_apps["default"]
    app.extensions[NAME] = make_state(settings, queue=queue, stopping=stopping)
    return app.test_client()
