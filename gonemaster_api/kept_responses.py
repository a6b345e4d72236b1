"""Responses in memory: those that stay true for as long as their version, and those that waiting requests share."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from cachetools import LRUCache

MOST_OCTETS = 16 * 1024 * 1024
_LARGEST = 512 * 1024
_OVERHEAD = 1024  # of an entry, beside its body and its key
_MOST_SHARED = 8 * 1024 * 1024  # octets
_LARGEST_SHARED = 128 * 1024
_SHARED_OVERHEAD = 2048
_SHARED_LIFE_S = 2.0  # requests that have waited so long were refused

Key = tuple[str, str, bytes]
"""Version, path, query string."""

SharedKey = tuple[str, bytes]
"""Path, query string."""


class KeptResponses:
    """The bodies that a process keeps, those that were used last; safe in threads."""

    def __init__(self, *, most_octets: int = MOST_OCTETS) -> None:
        self._bodies: LRUCache[Key, tuple[Key, bytes]] = LRUCache(most_octets, getsizeof=_size)
        self._lock = threading.Lock()

    def find(self, key: Key) -> bytes | None:
        """Return a body that is kept."""
        with self._lock:
            entry = self._bodies.get(key)
        return entry[1] if entry else None

    def keep(self, key: Key, body: bytes) -> None:
        """Keep a body, in the place of those that were used longest ago; large ones are not kept."""
        if _size((key, body)) <= min(_LARGEST, self._bodies.maxsize):
            with self._lock:
                self._bodies[key] = key, body

    @property
    def octets(self) -> int:
        """The size of all bodies and their keys."""
        return int(self._bodies.currsize)


def _size(entry: tuple[Key, bytes]) -> int:
    (version, path, query), body = entry
    return len(body) + 4 * len(version) + 4 * len(path) + len(query) + _OVERHEAD


class MadeResponse(NamedTuple):
    """A response, and when the work on it began."""

    began: float
    body: bytes
    headers: list[tuple[str, str]]


class SharedResponses:
    """The newest response for each address; safe in threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most_octets: int = _MOST_SHARED) -> None:
        self._clock = clock
        self._most = most_octets
        self._made: OrderedDict[SharedKey, MadeResponse] = OrderedDict()
        self._octets = 0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the time by the clock that arrivals are told by."""
        return self._clock()

    def find(self, key: SharedKey, arrived: float) -> MadeResponse | None:
        """Return a response that a request which arrived then may have."""
        with self._lock:
            found = self._made.get(key)
        return found if found is not None and found.began >= arrived else None

    def keep(self, key: SharedKey, made: MadeResponse) -> None:
        """Keep a response in the place of those that nobody waits for any more; large ones are not kept."""
        if len(made.body) > _LARGEST_SHARED:
            return
        with self._lock:
            self._drop(key)
            self._made[key] = made
            self._octets += _shared_size(key, made)
            oldest = self._clock() - _SHARED_LIFE_S
            while self._made and (self._octets > self._most or next(iter(self._made.values())).began < oldest):
                self._drop(next(iter(self._made)))

    def _drop(self, key: SharedKey) -> None:
        made = self._made.pop(key, None)
        if made is not None:
            self._octets -= _shared_size(key, made)


def _shared_size(key: SharedKey, made: MadeResponse) -> int:
    path, query = key
    return len(made.body) + 4 * len(path) + len(query) + _SHARED_OVERHEAD
