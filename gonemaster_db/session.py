"""Connections and transactions: the store of one process."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from gonemaster_db.settings import StoreSettings

T = TypeVar("T")


class Store:
    """Database of one process: engine, pool and transactions. Safe to share between threads, not over a fork."""

    def __init__(self, engine: Engine, settings: StoreSettings) -> None:
        self.engine = engine
        self.settings = settings

    def transaction(self) -> AbstractContextManager[Session]:
        """Open a writing transaction, committed at the end of the block, rolled back on an exception.

        Raises:
            StoreUnavailable: the database is away.
            StoreConflict: a deadlock, serialisation failure or held lock; use `run` to repeat.
        """
        raise NotImplementedError

    def reading(self) -> AbstractContextManager[Session]:
        """Open a transaction that only reads; never waits for a writer."""
        raise NotImplementedError

    def run(self, work: Callable[[Session], T], *, attempts: int = 5) -> T:
        """Call `work` in a transaction, again after a StoreConflict; it must be safe to repeat."""
        raise NotImplementedError

    def ping(self) -> None:
        """Ask the database for an answer. Raises StoreUnavailable."""
        raise NotImplementedError

    def close(self) -> None:
        """Close all idle connections."""
        raise NotImplementedError


def open_store(settings: StoreSettings) -> Store:
    """Make the store; no connection is opened yet."""
    raise NotImplementedError
