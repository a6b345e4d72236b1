"""Cached totals of large lists, so that paging and sorting do not count a list again.

A total is always counted if that reads few rows. A larger total may be up to LIFE_S seconds old: counting among a
million rows takes longer than reading a page of them.
"""

from collections.abc import Callable, Hashable, Iterable
from threading import Lock
from time import monotonic
from typing import Any, TypeVar, cast

from cachetools import TTLCache
from sqlalchemy import Dialect
from sqlalchemy.orm import Session

EXACT = 100_000
MAX_EXAMINED = 50_000  # rows, each of which takes longer to read than a counted index entry
LIFE_S = 10.0
MAX_KEPT = 500  # number of filters

Counted = TypeVar("Counted")
kept: TTLCache[tuple[Dialect, Hashable], Any] = TTLCache(MAX_KEPT, LIFE_S, timer=monotonic)  # tests set another clock
_lock = Lock()
_ABSENT = object()


def recent_total(
    session: Session, key: Hashable, count: Callable[[], int], *, examined: Callable[[], int] = lambda: 0
) -> int:
    """Return the total of the list with this key: the cached total if it was expensive to count, otherwise a new one.

    `examined` returns the number of rows to read, if it is larger than the number of counted rows.
    """
    return recent(session, key, count, large=lambda total: total > EXACT or examined() > MAX_EXAMINED)


def recent(
    session: Session, key: Hashable, count: Callable[[], Counted], *, large: Callable[[Counted], bool]
) -> Counted:
    """Return the result of `count`; a `large` result is reused for LIFE_S seconds."""
    full_key = (session.get_bind().engine.dialect, key)
    with _lock:
        found = kept.get(full_key, _ABSENT)
    if found is not _ABSENT:
        return cast("Counted", found)
    counted = count()
    if large(counted):
        cache_value(session, key, counted)
    return counted


def cache_value(session: Session, key: Hashable, value: object) -> None:
    """Cache a value that `recent` returns for LIFE_S."""
    with _lock:
        kept[session.get_bind().engine.dialect, key] = value


def cached_totals(session: Session, keys: Iterable[Hashable]) -> dict[Hashable, int]:
    """Return the cached totals by key."""
    dialect = session.get_bind().engine.dialect
    with _lock:
        found = {key: kept.get((dialect, key), _ABSENT) for key in keys}
    return {key: total for key, total in found.items() if total is not _ABSENT}
