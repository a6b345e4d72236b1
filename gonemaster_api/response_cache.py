"""A cache of responses in memory; each entry is valid for one version."""

import threading

from cachetools import LRUCache

MAX_OCTETS = 16 * 1024 * 1024
_LARGEST = 512 * 1024
_OVERHEAD = 1024  # bytes of an entry in addition to its body and key

Key = tuple[str, str, bytes]
"""Version, path and query string."""


class ResponseCache:
    """A thread-safe cache of response bodies that drops the least recently used entries."""

    def __init__(self, *, max_octets: int = MAX_OCTETS) -> None:
        self._bodies: LRUCache[Key, tuple[Key, bytes]] = LRUCache(max_octets, getsizeof=_size)
        self._lock = threading.Lock()

    def find(self, key: Key) -> bytes | None:
        """Return a cached body, or None."""
        with self._lock:
            entry = self._bodies.get(key)
        return entry[1] if entry else None

    def keep(self, key: Key, body: bytes) -> None:
        """Cache a body in place of the least recently used bodies. Large bodies are not cached."""
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
