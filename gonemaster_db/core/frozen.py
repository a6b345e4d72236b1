"""What a process keeps of frozen views: totals and counts that are true for as long as the view exists.

Ids of views are never given twice, so nothing has to be invalidated; what was not used for long is dropped.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Dialect
from sqlalchemy.orm import Session

T = TypeVar("T")
_MOST_KEPT = 2000  # values, of some kilobytes at most

_all: WeakKeyDictionary[Dialect, OrderedDict[Hashable, Any]] = WeakKeyDictionary()
_lock = Lock()


def kept(session: Session, key: Hashable, compute: Callable[[], T]) -> T:
    """Return what `key`, which contains the id of a view, stands for; computed unless it is known."""
    with _lock:
        values = _all.setdefault(session.get_bind().engine.dialect, OrderedDict())
        if key in values:
            values.move_to_end(key)
            found: T = values[key]
            return found
    found = compute()
    with _lock:
        values[key] = found
        while len(values) > _MOST_KEPT:
            values.popitem(last=False)
    return found
