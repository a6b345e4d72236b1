"""Caches of a process for append-only tables: entry kinds, outcomes, effective profiles, sets of root causes."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from cachetools import LRUCache
from sqlalchemy import Dialect, event
from sqlalchemy.orm import Session

from gonemaster_db.core.connection.engine import call_on_connect

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_MAX_OUTCOMES = 20_000  # entries of 16 bytes and a number; sequences of kinds are larger and fewer
_MAX_SEQUENCES = 20_000  # entries of 300 bytes
_MAX_COMMON = 100
_MAX_COMPARISONS = 100
_MAX_PROFILES = 1_000
_MAX_CAUSE_SETS = 5_000
_MAX_REGISTERED = 50_000  # for each registry of the analysis
_CREATED = "gonemaster_created"


class EntryType(NamedTuple):
    """A row of entry_kinds without its ID; `module` is upper case, `testcase` lower case."""

    module: str
    testcase: str
    tag: str
    level: str


class RecentValues(Generic[K, V]):
    """A thread-safe LRU cache for sets of keys."""

    def __init__(self, size: int) -> None:
        self._values: LRUCache[K, V] = LRUCache(size)
        self._lock = Lock()

    def find(self, keys: set[K]) -> dict[K, V]:
        """Return the cached values of these keys."""
        with self._lock:
            return {key: self._values[key] for key in keys if key in self._values}

    def add(self, values: Mapping[K, V]) -> None:
        """Add values, dropping the least recently used ones."""
        with self._lock:
            self._values.update(values)

    def clear(self) -> bool:
        """Remove all values; return whether there were any."""
        with self._lock:
            had = bool(self._values)
            self._values.clear()
        return had


class StoreCaches:
    """The caches of one database. IDs of these tables are never reused, so committed values stay valid."""

    def __init__(self) -> None:
        self.kinds: Mapping[int, EntryType] = {}
        self.kind_ids: Mapping[EntryType, int] = {}
        self.outcomes: RecentValues[bytes, int] = RecentValues(_MAX_OUTCOMES)
        self.sequences: RecentValues[int, str] = RecentValues(_MAX_SEQUENCES)
        # Some outcomes of very frequent kinds, with the number of entries of these kinds.
        self.common: RecentValues[frozenset[int], Mapping[int, int]] = RecentValues(_MAX_COMMON)
        self.profiles: RecentValues[str, int] = RecentValues(_MAX_PROFILES)
        self.cause_sets: RecentValues[str, int] = RecentValues(_MAX_CAUSE_SETS)
        # Comparisons of batches by key and signature.
        self.comparisons: RecentValues[Hashable, Any] = RecentValues(_MAX_COMPARISONS)
        self.registries: defaultdict[str, RecentValues[Any, Any]] = defaultdict(lambda: RecentValues(_MAX_REGISTERED))
        self.epoch = 0
        self.drop_count = 0

    def set_kinds(self, kinds: Mapping[int, EntryType]) -> None:
        """Replace the registry of entry kinds."""
        self.kinds, self.kind_ids = kinds, {kind: number for number, kind in kinds.items()}

    def drop_references(self) -> bool:
        """Drop referenced rows that maintenance may remove; return whether there were any."""
        self.drop_count += 1
        forgotten = [recent.clear() for recent in (self.outcomes, self.profiles)]
        return any(forgotten)

    def clear(self) -> None:
        """Clear all caches, for example for a new connection, which may lead to a replica without the last commits."""
        self.epoch += 1
        self.drop_count += 1
        self.set_kinds({})
        recents = (self.outcomes, self.sequences, self.common, self.profiles, self.cause_sets, self.comparisons)
        for recent in recents:
            recent.clear()
        self.registries.clear()


_all: WeakKeyDictionary[Dialect, StoreCaches] = WeakKeyDictionary()
_creating = Lock()


def caches_of(session: Session) -> StoreCaches:
    """Return the caches of the database of a session; engines that share a pool share them too."""
    engine = session.get_bind().engine
    with _creating:
        found = _all.get(engine.dialect)
        if found is None:
            found = _all[engine.dialect] = StoreCaches()
            call_on_connect(engine, found.clear)
    return found


def mark_created(session: Session) -> None:
    """Record that this transaction creates rows whose IDs must not be cached before its commit."""
    session.info[_CREATED] = True


def has_created(session: Session) -> bool:
    """Return whether this transaction may read rows that it has created itself."""
    return _CREATED in session.info


def after_commit(session: Session, cache_value: Callable[[], Any]) -> None:
    """Once this transaction is committed, cache what it has written: after a rollback the IDs may be reused."""
    epoch = (caches := caches_of(session)).epoch

    def cache_unless_cleared(_session: Session) -> None:
        if caches.epoch == epoch:
            cache_value()

    event.listen(session, "after_commit", cache_unless_cleared, once=True)
