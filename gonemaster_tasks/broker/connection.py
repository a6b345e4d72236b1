"""What the parts of the broker share: errors of the connection, slices of long lists, the server's clock, scripts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from itertools import islice
from typing import Any

import redis

from gonemaster_tasks.errors import BrokerUnavailable

SLICE = 1000  # messages or ids of one command: Redis serves others in between


@contextmanager
def reachable() -> Iterator[None]:
    """Turn what redis-py raises when Redis cannot serve into BrokerUnavailable."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError, redis.exceptions.OutOfMemoryError) as error:
        raise BrokerUnavailable(f"Redis is unavailable: {error}") from error
    except redis.exceptions.ReadOnlyError as error:
        raise BrokerUnavailable("Redis is a read-only replica") from error


def slices(items: Iterable[str], size: int = SLICE) -> Iterator[list[str]]:
    """Cut an iterable into lists of at most `size`."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def read_script(name: str) -> str:
    """Return the text of a Lua script of this package."""
    return resources.files("gonemaster_tasks.broker").joinpath("scripts", name).read_text()


def server_time(client: Any) -> float:
    """Return the clock of Redis' host in POSIX seconds."""
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6
