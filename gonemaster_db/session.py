"""Connections and transactions: the store of one process."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gonemaster_db.engine import make_engine, reading_engine
from gonemaster_db.errors import StoreConflict
from gonemaster_db.failures import translated
from gonemaster_db.settings import StoreSettings

T = TypeVar("T")
_FIRST_PAUSE_S = 0.01


class Store:
    """Database of one process: engine, pool and transactions. Shared by threads; see `after_fork`."""

    def __init__(self, engine: Engine, settings: StoreSettings) -> None:
        self.engine = engine
        self.settings = settings
        self._reader = reading_engine(engine)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a writing transaction, committed at the end of the block, rolled back on an exception.

        Raises:
            StoreUnavailable: the database is away.
            StoreConflict: a deadlock, serialisation failure or held lock; use `run` to repeat.
        """
        with translated(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a transaction that only reads; it never waits for a writer. Raises StoreUnavailable."""
        with translated(), Session(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    def run(self, work: Callable[[Session], T], *, attempts: int = 5) -> T:
        """Call `work` in a transaction, again after a StoreConflict; it must be safe to repeat."""
        for attempt in range(1, attempts):
            try:
                with self.transaction() as session:
                    return work(session)
            except StoreConflict:
                time.sleep(random.uniform(0.5, 1) * _FIRST_PAUSE_S * 2**attempt)
        with self.transaction() as session:
            return work(session)

    def ping(self) -> None:
        """Ask the database for an answer. Raises StoreUnavailable."""
        with self.reading() as session:
            session.execute(text("SELECT 1"))

    def after_fork(self) -> None:
        """Forget, without closing, the connections that belong to the parent process."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        """Close all idle connections."""
        self.engine.dispose()


def open_store(settings: StoreSettings) -> Store:
    """Make the store; no connection is opened yet. Raises StoreError for settings that cannot be read."""
    return Store(make_engine(settings), settings)
