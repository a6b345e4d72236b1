"""A cache of totals and counts of immutable views.

IDs of views are never reused, so no entry becomes invalid; the least recently used entries are dropped.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar

from cachetools import LRUCache, cached
from sqlalchemy import Dialect
from sqlalchemy.orm import Session

T = TypeVar("T")
_MAX_VALUES = 2000  # each a few kilobytes at most


def _key(session: Session, key: Hashable, compute: Callable[[], object]) -> tuple[Dialect, Hashable]:
    """Add the dialect to the key. It distinguishes databases: engines that share a pool share their dialect."""
    return session.get_bind().engine.dialect, key


@cached(LRUCache(_MAX_VALUES), key=_key, lock=Lock())
def cached_value(session: Session, key: Hashable, compute: Callable[[], T]) -> T:
    """Return the cached value of `key`, which contains the ID of a view, or compute it."""
    return compute()
