"""What a process remembers of the tables that only grow: kinds of entries, outcomes, effective profiles."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from cachetools import LRUCache
from sqlalchemy import Dialect, event
from sqlalchemy.orm import Session

from gonemaster_db.core.engine import call_on_connect

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_MAX_OUTCOMES = 20_000  # of 16 octets and a number; sequences of kinds are larger and fewer
_MAX_SEQUENCES = 20_000  # of 300 octets
_MAX_COMMON = 100
_MAX_COMPARISONS = 100
_MAX_PROFILES = 1_000
_MAX_REGISTERED = 50_000  # of each registry of the analysis
_CREATED = "gonemaster_created"


class EntryType(NamedTuple):
    """A row of entry_kinds without its id; `module` is upper case, `testcase` lower case."""

    module: str
    testcase: str
    tag: str
    level: str


class RecentValues(Generic[K, V]):
    """The values that were used last, up to a number of them: an LRU cache that threads share, for sets of keys."""

    def __init__(self, size: int) -> None:
        self._values: LRUCache[K, V] = LRUCache(size)
        self._lock = Lock()

    def find(self, keys: set[K]) -> dict[K, V]:
        """Return the values of those keys that are remembered."""
        with self._lock:
            return {key: self._values[key] for key in keys if key in self._values}

    def add(self, values: Mapping[K, V]) -> None:
        """Remember values, and forget those that were not used for longest."""
        with self._lock:
            self._values.update(values)

    def clear(self) -> bool:
        """Forget all; say whether there was anything to forget."""
        with self._lock:
            had = bool(self._values)
            self._values.clear()
        return had


class StoreCaches:
    """The caches of one database. Ids of these tables are never given twice, so what was committed stays true."""

    def __init__(self) -> None:
        self.kinds: Mapping[int, EntryType] = {}
        self.kind_ids: Mapping[EntryType, int] = {}
        self.outcomes: RecentValues[bytes, int] = RecentValues(_MAX_OUTCOMES)
        self.sequences: RecentValues[int, str] = RecentValues(_MAX_SEQUENCES)
        # Some outcomes of kinds that very many have, with the number of entries of these kinds.
        self.common: RecentValues[frozenset[int], Mapping[int, int]] = RecentValues(_MAX_COMMON)
        self.profiles: RecentValues[str, int] = RecentValues(_MAX_PROFILES)
        # Comparisons of batches, by keys and signatures.
        self.comparisons: RecentValues[Hashable, Any] = RecentValues(_MAX_COMPARISONS)
        self.registries: defaultdict[str, RecentValues[Any, Any]] = defaultdict(lambda: RecentValues(_MAX_REGISTERED))
        self.epoch = 0
        self.forgettings = 0

    def set_kinds(self, kinds: Mapping[int, EntryType]) -> None:
        """Replace the registry of kinds."""
        self.kinds, self.kind_ids = kinds, {kind: number for number, kind in kinds.items()}

    def forget_references(self) -> bool:
        """Forget what runs refer to and maintenance may remove; say whether there was anything to forget."""
        self.forgettings += 1
        forgotten = [recent.clear() for recent in (self.outcomes, self.profiles)]
        return any(forgotten)

    def clear(self) -> None:
        """Forget all, such as for a new connection: it may lead to a replica that has not seen the last commits."""
        self.epoch += 1
        self.forgettings += 1
        self.set_kinds({})
        for recent in (self.outcomes, self.sequences, self.common, self.profiles, self.comparisons):
            recent.clear()
        self.registries.clear()


_all: WeakKeyDictionary[Dialect, StoreCaches] = WeakKeyDictionary()
_creating = Lock()


def caches_of(session: Session) -> StoreCaches:
    """Return the caches of the database of a session; engines that share a pool share them, too."""
    engine = session.get_bind().engine
    with _creating:
        found = _all.get(engine.dialect)
        if found is None:
            found = _all[engine.dialect] = StoreCaches()
            call_on_connect(engine, found.clear)
    return found


def mark_created(session: Session) -> None:
    """Note that this transaction creates rows whose ids it may not remember before its commit."""
    session.info[_CREATED] = True


def has_created(session: Session) -> bool:
    """Say whether what this transaction reads may have been created by itself."""
    return _CREATED in session.info


def after_commit(session: Session, remember: Callable[[], Any]) -> None:
    """Remember what this transaction has written once it is committed: the ids of a rollback may be given again."""
    epoch = (caches := caches_of(session)).epoch

    def remember_unless_cleared(_session: Session) -> None:
        if caches.epoch == epoch:
            remember()

    event.listen(session, "after_commit", remember_unless_cleared, once=True)
