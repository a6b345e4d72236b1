"""Responses in memory that stay true for as long as their version."""

import threading
from collections import OrderedDict

MOST_OCTETS = 16 * 1024 * 1024
_LARGEST = 512 * 1024
_OVERHEAD = 1024  # of an entry, beside its body and its key

Key = tuple[str, str, bytes]
"""Version, path, query string."""


class KeptResponses:
    """The bodies that a process keeps; safe in threads."""

    def __init__(self, *, most_octets: int = MOST_OCTETS) -> None:
        self._most = most_octets
        self._bodies: OrderedDict[Key, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.octets = 0

    def find(self, key: Key) -> bytes | None:
        """Return a body that is kept."""
        with self._lock:
            if key in self._bodies:
                self._bodies.move_to_end(key)
            return self._bodies.get(key)

    def keep(self, key: Key, body: bytes) -> None:
        """Keep a body, in the place of those that were used longest ago; large ones are not kept."""
        if _size(key, body) > min(_LARGEST, self._most):
            return
        with self._lock:
            self._drop(key)
            self._bodies[key] = body
            self.octets += _size(key, body)
            while self.octets > self._most:
                self._drop(next(iter(self._bodies)))

    def _drop(self, key: Key) -> None:
        body = self._bodies.pop(key, None)
        if body is not None:
            self.octets -= _size(key, body)


def _size(key: Key, body: bytes) -> int:
    version, path, query = key
    return len(body) + 4 * len(version) + 4 * len(path) + len(query) + _OVERHEAD
