"""Totals of large lists are kept for some seconds: paging through a list and sorting it anew do not count it again.

A total is always counted where that reads few rows. Above, it may be that of up to LIFE_S ago, as in every client that
shows it: counting among a million rows takes longer than reading a page of them.
"""

from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from time import monotonic
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect
from sqlalchemy.orm import Session

EXACT = 100_000
MOST_EXAMINED = 50_000  # rows, each of which takes longer than one that is only counted
LIFE_S = 10.0
_MAX_KEPT = 500  # filters

Counted = TypeVar("Counted")
_Kept = dict[Hashable, tuple[float, Any]]
_all: WeakKeyDictionary[Dialect, _Kept] = WeakKeyDictionary()
_lock = Lock()


def recent_total(
    session: Session, key: Hashable, count: Callable[[], int], *, examined: Callable[[], int] = lambda: 0
) -> int:
    """Return the total of the list that `key` stands for: a recent one if it took long to count, else that of `count`.

    `examined` tells how many rows have to be looked at where there are more of those than are counted.
    """
    return recent(session, key, count, large=lambda total: total > EXACT or examined() > MOST_EXAMINED)


def recent(
    session: Session, key: Hashable, count: Callable[[], Counted], *, large: Callable[[Counted], bool]
) -> Counted:
    """Return what `count` counted up to LIFE_S ago if that was `large`, else what it counts now."""
    kept, now = _kept(session), monotonic()
    with _lock:
        counted_at, found = kept.get(key, (-LIFE_S, None))
    if now - counted_at < LIFE_S:
        return cast("Counted", found)
    counted = count()
    is_large = large(counted)
    with _lock:
        kept.pop(key, None)
        if is_large:
            _keep(kept, key, counted, now)
    return counted


def _keep(kept: _Kept, key: Hashable, value: object, now: float | None = None) -> None:
    kept.pop(key, None)
    kept[key] = (monotonic() if now is None else now, value)  # the last one: those before it are older
    while len(kept) > _MAX_KEPT:
        kept.pop(next(iter(kept)))


def remember(session: Session, key: Hashable, value: object) -> None:
    """Keep something for LIFE_S."""
    kept = _kept(session)
    with _lock:
        _keep(kept, key, value)


def remembered(session: Session, key: Hashable) -> Any:
    """Return what is kept, None if that is nothing."""
    kept, now = _kept(session), monotonic()
    with _lock:
        kept_at, found = kept.get(key, (-LIFE_S, None))
    return found if now - kept_at < LIFE_S else None


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
