"""Totals of large lists are kept for some seconds: paging through a list and sorting it anew do not count it again.

A total of up to EXACT is always counted. Above, it may be that of up to LIFE_S ago, as it is in every client that shows
it: counting a million rows takes longer than reading a page of them.
"""

from collections.abc import Callable, Hashable
from threading import Lock
from time import monotonic
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect
from sqlalchemy.orm import Session

EXACT = 100_000
LIFE_S = 10.0
_MAX_KEPT = 500  # filters

_Kept = dict[Hashable, tuple[float, int]]
_all: WeakKeyDictionary[Dialect, _Kept] = WeakKeyDictionary()
_lock = Lock()


def recent_total(session: Session, key: Hashable, count: Callable[[], int]) -> int:
    """Return the total of the list that `key` stands for: a recent one if it was large, else that of `count`."""
    kept, now = _kept(session), monotonic()
    with _lock:
        counted_at, total = kept.get(key, (now, 0))
    if total > EXACT and now - counted_at < LIFE_S:
        return total
    total = count()
    with _lock:
        kept.pop(key, None)
        if total > EXACT:
            kept[key] = (now, total)  # the last one: those before it are older
            while len(kept) > _MAX_KEPT:
                kept.pop(next(iter(kept)))
    return total


def _kept(session: Session) -> _Kept:
    """Return what is kept of the database of a session."""
    with _lock:
        return _all.setdefault(session.get_bind().engine.dialect, {})
