"""What the parts of the broker share: errors of the connection, slices of long lists, the server's clock, scripts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from itertools import islice
from typing import Any

import redis

from gonemaster_tasks.errors import BrokerLoginRefused, BrokerUnavailable

ErrorReply = redis.ResponseError  # Redis is there and refuses
CLIENT_ERRORS = (redis.RedisError, OSError)  # whatever redis-py raises about a connection
NOT_ALLOWED = (redis.exceptions.NoPermissionError,)  # the login is right, and the command is not among its permissions
_OF_LOGIN = ("WRONGPASS", "NOAUTH", "NOPERM", "AuthenticationError", "NoPermissionError")
SLICE = 1000  # messages or ids of one command: Redis serves others in between


@contextmanager
def reachable() -> Iterator[None]:
    """Turn what redis-py raises into BrokerUnavailable, the only place that does.

    A Redis that answers with an error (BUSY, MISCONF, OOM, NOPERM, READONLY, NOAUTH, WRONGTYPE of a spoiled key, ...)
    serves as little as one that does not answer: the row is written, the reconciler writes the message later. Which
    errors servers know grows with their versions, so all of them count. Errors of our own scripts are caught inside.
    """
    try:
        yield
    except redis.exceptions.DataError:  # an argument that cannot be sent: our own fault
        raise
    except (redis.ConnectionError, redis.TimeoutError) as error:
        if _is_of_login(error):
            raise BrokerLoginRefused(f"Redis refuses the login: {error}") from error
        raise BrokerUnavailable(f"Redis is unavailable: {error}") from error
    except redis.RedisError as error:
        if _is_of_login(error):
            raise BrokerLoginRefused(f"Redis answers with an error: {error_text(error)}") from error
        raise BrokerUnavailable(f"Redis answers with an error: {error_text(error)}") from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        if not _is_of_client(error):
            raise
        raise BrokerUnavailable(f"what answers at the address of Redis is none: {error}") from error


def _is_of_login(error: redis.RedisError) -> bool:
    """Say whether an error is about the login; for Sentinels, redis-py tells it in its text only."""
    if isinstance(error, (redis.AuthenticationError, *NOT_ALLOWED)):
        return True
    return any(sign in error_text(error) for sign in _OF_LOGIN)


def _is_of_client(error: Exception) -> bool:
    """Say whether redis-py itself failed, on an answer that no Redis gives, and not what uses it."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and str(place.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "redis"


def error_text(error: redis.RedisError) -> str:
    """Return the text of an error reply with its code, which redis-py cuts off the codes that it knows."""
    text, code = str(error), getattr(error, "status_code", None)  # redis-py has it from 7 on
    return f"{code} {text}" if code and not text.startswith(code) else text


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
