"""Totals of large lists are kept for some seconds: paging through a list and sorting it anew do not count it again.

A total is always counted where that reads few rows. Above, it may be that of up to LIFE_S ago, as in every client that
shows it: counting among a million rows takes longer than reading a page of them.
"""

from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from time import monotonic
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect
from sqlalchemy.orm import Session

EXACT = 100_000
MOST_EXAMINED = 50_000  # rows, each of which takes longer than one that is only counted
LIFE_S = 10.0
_MAX_KEPT = 500  # filters

_Kept = dict[Hashable, tuple[float, int]]
_all: WeakKeyDictionary[Dialect, _Kept] = WeakKeyDictionary()
_lock = Lock()


def recent_total(
    session: Session, key: Hashable, count: Callable[[], int], *, examined: Callable[[], int] = lambda: 0
) -> int:
    """Return the total of the list that `key` stands for: a recent one if it took long to count, else that of `count`.

    `examined` tells how many rows have to be looked at where there are more of those than are counted.
    """
    kept, now = _kept(session), monotonic()
    with _lock:
        counted_at, total = kept.get(key, (-LIFE_S, 0))
    if now - counted_at < LIFE_S:
        return total
    total = count()
    large = total > EXACT or examined() > MOST_EXAMINED
    with _lock:
        kept.pop(key, None)
        if large:
            kept[key] = (now, total)  # the last one: those before it are older
            while len(kept) > _MAX_KEPT:
                kept.pop(next(iter(kept)))
    return total


def kept_totals(session: Session, keys: Iterable[Hashable]) -> dict[Hashable, int]:
    """Return the totals that need not be counted now."""
    kept, now = _kept(session), monotonic()
    with _lock:
        found = {key: kept[key] for key in keys if key in kept}
    return {key: total for key, (counted_at, total) in found.items() if now - counted_at < LIFE_S}


def _kept(session: Session) -> _Kept:
    """Return what is kept of the database of a session."""
    with _lock:
        return _all.setdefault(session.get_bind().engine.dialect, {})
