"""An application on real parts: both databases, and a Redis of this session."""

import threading
from collections import defaultdict
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
    """Queue and store of a test; the queue is empty."""
    parts = open_queue(settings, store)
    raw(parts.broker).flushall()
    yield parts
    parts.broker.close()
    parts.celery.close()


@pytest.fixture
def stopping() -> threading.Event:
    """The signal that ends open streams."""
    return threading.Event()


# The settings on which rules and hooks of an application depend; all other settings are in its state.
_BUILT_FROM = ("trusted_proxy_cidrs", "public_ui_path", "max_body_size", "max_batch_body_size")


@pytest.fixture(scope="session")
def made_apps() -> dict[str, list[Flask]]:
    """Applications to reuse: building rules and the OpenAPI document takes longer than most tests."""
    return defaultdict(list)


@pytest.fixture
def make_app(
    made_apps: dict[str, list[Flask]], settings: Settings, queue: QueueParts, stopping: threading.Event
) -> Iterator[MakeApp]:
    """Create applications: `make_app(max_body_size=100)` has other settings; everything except the state may be reused.

    `make_app(fresh=True)` is an application that a test may change, `make_app(parts=...)` has another queue or store.
    """
    made: list[tuple[str, Flask]] = []

    def make(*, fresh: bool = False, file: Path | None = None, parts: QueueParts | None = None, **flags: Any) -> Flask:
        parts = parts or queue
        flags = {"broker_url": settings.broker_url, "data_dir": str(settings.data_dir)} | flags
        chosen = load_settings(flags, {}, file)
        kind = "" if fresh else str({name: flags.get(name) for name in _BUILT_FROM})
        if made_apps[kind]:
            app = made_apps[kind].pop()
            app.extensions[NAME] = make_state(chosen, queue=parts, stopping=stopping)
        else:
            app = create_app(chosen, queue=parts, stopping=stopping)
        made.append((kind, app))
        return app

    yield make
    for kind, app in made:
        if kind:
            made_apps[kind].append(app)


@pytest.fixture
def client(make_app: MakeApp) -> FlaskClient:
    """A client of an application with default settings."""
    return make_app().test_client()
