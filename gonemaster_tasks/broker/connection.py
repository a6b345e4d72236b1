"""Helpers of all broker classes: connection errors, slices of long lists, the server's time, scripts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from itertools import islice
from typing import Any

import redis

from gonemaster_tasks.errors import BrokerFull, BrokerLoginRefused, BrokerUnavailable

ErrorReply = redis.ResponseError  # Redis answers with an error.
CLIENT_ERRORS = (redis.RedisError, OSError)  # Everything that redis-py raises about a connection.
NOT_ALLOWED = (redis.exceptions.NoPermissionError,)  # The login is valid but lacks the permission for the command.
_FULL = "used memory > 'maxmemory'"  # Scripts and transactions report it only in the text.
OF_LOGIN = ("WRONGPASS", "NOAUTH", "NOPERM", "AuthenticationError", "NoPermissionError")
SLICE = 1000  # Messages or ids per command, so that Redis serves other clients in between.


@contextmanager
def reachable() -> Iterator[None]:
    """Convert every error of redis-py to BrokerUnavailable; no other code does this.

    A Redis that replies with an error (BUSY, MISCONF, OOM, NOPERM, READONLY, NOAUTH, WRONGTYPE of a corrupt key, ...)
    is as useless as a Redis that does not reply: the row is stored, and the reconciler sends the message later. All
    error codes count, because newer servers add more. Errors of scripts are caught inside the block.
    """
    try:
        yield
    except redis.exceptions.DataError:  # An argument that cannot be sent is a bug of this service.
        raise
    except (redis.ConnectionError, redis.TimeoutError) as error:
        if _is_login_error(error):
            raise BrokerLoginRefused(f"Redis refuses the login: {error}") from error
        raise BrokerUnavailable(f"Redis is unavailable: {error}") from error
    except redis.RedisError as error:
        if _is_login_error(error):
            raise BrokerLoginRefused(f"Redis answers with an error: {error_text(error)}") from error
        if is_out_of_memory(error):
            raise BrokerFull(f"the memory of Redis is full: {error_text(error)}") from error
        raise BrokerUnavailable(f"Redis answers with an error: {error_text(error)}") from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        if not _is_client_error(error):
            raise
        raise BrokerUnavailable(f"the server at the address of Redis is not Redis: {error}") from error


def is_out_of_memory(error: Exception) -> bool:
    """Return whether Redis refused a command because its memory is full."""
    return _FULL in str(error)


def _is_login_error(error: redis.RedisError) -> bool:
    """Return whether an error concerns the login; for Sentinels, redis-py reports that only in the text."""
    if isinstance(error, (redis.AuthenticationError, *NOT_ALLOWED)):
        return True
    return any(sign in error_text(error) for sign in OF_LOGIN)


def _is_client_error(error: Exception) -> bool:
    """Return whether redis-py itself failed on a reply that Redis never sends, rather than its caller."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and str(place.tb_frame.f_globals.get("__name__", "")).partition(".")[0] == "redis"


def error_text(error: redis.RedisError) -> str:
    """Return the text of an error reply including its code, which redis-py removes from known codes."""
    text, code = str(error), getattr(error, "status_code", None)  # redis-py has this attribute since version 7.
    return f"{code} {text}" if code and not text.startswith(code) else text


def slices(items: Iterable[str], size: int = SLICE) -> Iterator[list[str]]:
    """Split an iterable into lists of at most `size` items."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def read_script(name: str) -> str:
    """Return the text of a Lua script of this package."""
    return resources.files("gonemaster_tasks.broker").joinpath("scripts", name).read_text()


def server_time(client: Any) -> float:
    """Return the time of the Redis host in POSIX seconds."""
    seconds, microseconds = client.time()
    return float(seconds) + float(microseconds) / 1e6
