"""A short-lived cache of responses, because many clients may request the same response at the same time."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from cachetools import LRUCache

_MAX_KEPT = 32


@dataclass
class _RecentValue:
    lock: threading.Lock = field(default_factory=threading.Lock)
    created_at: float | None = None
    value: Any = None


class SharedResults:
    """The cache of recent results by key. Of simultaneous requests for the same key, one creates the result."""

    def __init__(self, maximum: int = _MAX_KEPT) -> None:
        self._lock = threading.Lock()
        self._entries: LRUCache[Hashable, _RecentValue] = LRUCache(maximum)

    def get(self, key: Hashable, make: Callable[[], Any], *, life_s: float) -> Any:
        """Return the cached result, or the result of `make`. `make` may request another key."""
        with self._lock:
            entry = self._entries.setdefault(key, _RecentValue())
        with entry.lock:
            if entry.created_at is None or monotonic() - entry.created_at >= life_s:
                entry.value = make()
                entry.created_at = monotonic()
            return entry.value

    def forget(self, chosen: Callable[[Hashable], bool] = lambda _: True) -> None:
        """Remove the cached results with the chosen keys, or all results."""
        with self._lock:
            for key in [key for key in self._entries if chosen(key)]:
                del self._entries[key]
