"""A private Redis or Valkey for each test session (each xdist worker), on a unix socket in a short temporary path."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis

_clients: WeakKeyDictionary[Broker, Any] = WeakKeyDictionary()


def raw(broker: Broker) -> Any:
    """Return a separate client for tests, to read keys and to corrupt them."""
    return _clients.setdefault(broker, broker.address.connect())


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """Return the server of the session; tests that stop it use `own_redis`."""
    yield from fresh_server()


@pytest.fixture
def own_redis() -> Iterator[EmbeddedRedis]:
    """Return a server for one test, which may kill it."""
    yield from fresh_server()


def fresh_server() -> Iterator[EmbeddedRedis]:
    """Start a server; remove it and its files at the end."""
    directory = Path(tempfile.mkdtemp(prefix="gm-redis-"))  # not tmp_path: the path of a socket must be short
    server = EmbeddedRedis(directory)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def broker(redis_server: EmbeddedRedis) -> Iterator[Broker]:
    """Return a connection to an empty broker."""
    connection = Broker.open(redis_server.url)
    raw(connection).flushall()
    yield connection
    connection.close()


def confirm_tiers(broker: Broker) -> None:
    """Record that the tiers match the rows, so that the reconciler does not rebuild them as those of an empty Redis."""
    broker.marks.set_epoch(broker.marks.controls().replication_id)
