"""What a process keeps of frozen views: totals and counts that are true for as long as the view exists.

Ids of views are never given twice, so nothing has to be invalidated; what was not used for long is dropped.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar

from cachetools import LRUCache, cached
from sqlalchemy import Dialect
from sqlalchemy.orm import Session

T = TypeVar("T")
_MAX_VALUES = 2000  # of some kilobytes at most


def _key(session: Session, key: Hashable, compute: Callable[[], object]) -> tuple[Dialect, Hashable]:
    """Tell databases apart; engines that share a pool share their dialect."""
    return session.get_bind().engine.dialect, key


@cached(LRUCache(_MAX_VALUES), key=_key, lock=Lock())
def kept(session: Session, key: Hashable, compute: Callable[[], T]) -> T:
    """Return what `key`, which contains the id of a view, stands for; computed unless it is known."""
    return compute()
