"""Totals of large lists are kept for some seconds: paging through a list and sorting it again do not count it again.

A total is always counted where that reads few rows. Above, it may be that of up to LIFE_S ago, as in every client that
shows it: counting among a million rows takes longer than reading a page of them.
"""

from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from time import monotonic
from typing import Any, TypeVar, cast

from cachetools import TTLCache
from sqlalchemy import Dialect
from sqlalchemy.orm import Session

EXACT = 100_000
MOST_EXAMINED = 50_000  # rows, each of which takes longer than one that is only counted
LIFE_S = 10.0
MAX_KEPT = 500  # filters

Counted = TypeVar("Counted")
_kept: TTLCache[tuple[Dialect, Hashable], Any] = TTLCache(MAX_KEPT, LIFE_S, timer=monotonic)
_lock = Lock()
_ABSENT = object()


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
    own = (session.get_bind().engine.dialect, key)
    with _lock:
        found = _kept.get(own, _ABSENT)
    if found is not _ABSENT:
        return cast("Counted", found)
    counted = count()
    if large(counted):
        remember(session, key, counted)
    return counted


def remember(session: Session, key: Hashable, value: object) -> None:
    """Let `recent` return this value for LIFE_S."""
    with _lock:
        _kept[session.get_bind().engine.dialect, key] = value


def kept_totals(session: Session, keys: Iterable[Hashable]) -> dict[Hashable, int]:
    """Return the totals that need not be counted now."""
    dialect = session.get_bind().engine.dialect
    with _lock:
        found = {key: _kept.get((dialect, key), _ABSENT) for key in keys}
    return {key: total for key, total in found.items() if total is not _ABSENT}
