"""Connections and transactions: the store of one process."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Engine, TextClause, event, text
from sqlalchemy.orm import FromStatement, Session

from gonemaster_db.core.connection.deadlines import Deadline, limit_session
from gonemaster_db.core.connection.engine import autocommit_engine, make_engine, read_only_engine, transaction_engine
from gonemaster_db.core.connection.failures import translated
from gonemaster_db.core.connection.limits import check_thread_deadline, is_past_deadline, limited_by
from gonemaster_db.core.connection.writer_queue import WriterQueue
from gonemaster_db.core.errors import (
    StoreConflict,
    StoreError,
    StoreFull,
    StoreUnavailable,
    TimeLimitExceeded,
)
from gonemaster_db.core.settings import StoreSettings

T = TypeVar("T")
VIEW_READER = "view_reader"  # in the information of a session: reads views that are in files
_CLOSING = "closing"
_BASE_DELAY_S = 0.01
_PING = text("SELECT 1")


class _ReadOnlySession(Session):
    """A session that refuses to write.

    A listener of `do_orm_execute` would do the same, but SQLAlchemy would then prepare each statement twice.
    """

    def execute(self, statement: Any, *arguments: Any, **options: Any) -> Any:
        """Execute a reading statement."""
        return super().execute(_reading(statement), *arguments, **options)

    def scalar(self, statement: Any, *arguments: Any, **options: Any) -> Any:
        """Execute a statement that reads one value."""
        return super().scalar(_reading(statement), *arguments, **options)

    def scalars(self, statement: Any, *arguments: Any, **options: Any) -> Any:
        """Execute a statement that reads one column."""
        return super().scalars(_reading(statement), *arguments, **options)


def _reading(statement: Any) -> Any:
    """Return the statement. Raises StoreError for a writing statement."""
    if not (statement.is_select or isinstance(statement, TextClause | FromStatement)):
        raise StoreError("this session is read-only")
    return statement


@event.listens_for(_ReadOnlySession, "before_flush")
def _refuse_flush(session: Session, _context: object, _instances: object) -> None:
    if session.new or session.dirty or session.deleted:
        raise StoreError("this session is read-only")


def close_at_end(session: Session, close: Callable[[], object]) -> None:
    """Call a function when a read-only session ends, such as one that closes another session."""
    session.info.setdefault(_CLOSING, []).append(close)


@contextmanager
def _reading_session(engine: Engine, info: dict[str, Any]) -> Iterator[Session]:
    with _ReadOnlySession(engine, expire_on_commit=False, info=info) as session, session.begin():
        try:
            yield session
        finally:
            for close in session.info.pop(_CLOSING, ()):
                close()


class Store:
    """The database of one process: engine, pool and transactions. Threads share it; a forked process opens its own."""

    def __init__(self, engine: Engine, settings: StoreSettings) -> None:
        self.engine = engine
        self.settings = settings
        self._read_only_engine = read_only_engine(engine)
        self._transaction_engine = transaction_engine(engine)
        self._autocommit_engine = autocommit_engine(engine)
        self._writers = _writer_queue(engine, settings)
        self._full_at: float | None = None  # on the monotonic clock
        self._is_unavailable: Callable[[], bool] = lambda: False
        self._info: dict[str, Any] = {}

    def read_views_with(self, reader: Any) -> None:
        """Read views that are in files with a reader (gonemaster_db.analysis.views.files.source); None: not at all."""
        self._info[VIEW_READER] = reader

    def refuse_while(self, is_unavailable: Callable[[], bool]) -> None:
        """Refuse new work while the function returns True: another component gets no answer from the database.

        Otherwise each caller would wait for its whole timeout and block a thread.
        """
        self._is_unavailable = is_unavailable

    def _admit(self) -> None:
        if self._is_unavailable():
            raise StoreUnavailable("the database does not respond")

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a writing transaction, committed at the end of the block, rolled back on an exception.

        Raises: StoreUnavailable: The database is unavailable. StoreConflict: A deadlock, serialisation failure or held
        lock; `run_in_transaction` retries it. TimeLimitExceeded: The deadline of this thread has passed
        (`limits.with_deadline`); nothing is committed.
        """
        self._admit()
        # Rows are not expired, because they are used after the block, where each attribute would be read again.
        opened = Session(self.engine, expire_on_commit=False)
        with _within_deadline(), self._writers, self._recording_full_disk(), opened as session, session.begin():
            yield session
            check_thread_deadline()

    @contextmanager
    def read_only(self) -> Iterator[Session]:
        """Open a read-only session, which never waits for a writer.

        Raises: StoreUnavailable: The database is unavailable. StoreError: A statement tries to write.
        """
        self._admit()
        with translated(), _reading_session(self._read_only_engine, self._info) as session:
            yield session

    @contextmanager
    def read_only_within(self, limit: timedelta) -> Iterator[Session]:
        """Open a read-only session with one snapshot of the database, for a limited time.

        Raises: TimeLimitExceeded: The limit has passed; the database cancels a running statement. StoreUnavailable,
        StoreError: As in `read_only`.
        """
        self._admit()
        deadline = Deadline(limit)
        engine = self._transaction_engine
        try:
            with translated(), _reading_session(engine, self._info) as session:
                unlimit = limit_session(session, deadline)
                try:
                    yield session
                finally:
                    unlimit()
        except StoreUnavailable as error:
            if deadline.remaining_s > 0 or isinstance(error, TimeLimitExceeded):
                raise
            raise TimeLimitExceeded("the time limit was exceeded") from error

    @contextmanager
    def autocommit(self) -> Iterator[Session]:
        """Open a session for a single writing statement, such as a claim, which commits on its own.

        On PostgreSQL this saves the round trips of BEGIN and COMMIT; on SQLite it is an ordinary transaction.

        Raises: StoreUnavailable, StoreConflict: As in `transaction`.
        """
        self._admit()
        check_thread_deadline()
        engine = self._autocommit_engine
        with (
            self._writers,
            self._recording_full_disk(),
            Session(engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def run_in_transaction(self, work: Callable[[Session], T], *, attempts: int = 5) -> T:
        """Call `work` in a transaction and retry it after a StoreConflict; `work` must be safe to repeat."""
        for attempt in range(1, attempts):
            try:
                with self.transaction() as session:
                    return work(session)
            except StoreConflict:
                # The delay is random and grows, so that two transactions that met in a deadlock do not meet again.
                time.sleep(random.uniform(0.5, 1) * _BASE_DELAY_S * 2**attempt)
        with self.transaction() as session:
            return work(session)

    def background_limits(self) -> AbstractContextManager[None]:
        """Apply the limits of background work to this thread in the block."""
        return limited_by(self.settings.long_limits)

    def lock_timeout(self, *, lock: timedelta) -> AbstractContextManager[None]:
        """Wait at most this long for a lock in the block."""
        return limited_by(replace(self.settings.limits, lock=lock))

    def was_full_within(self, span: timedelta) -> bool:
        """Return whether a write of this process failed within this time because the disk was full."""
        full_at = self._full_at
        return full_at is not None and time.monotonic() - full_at < span.total_seconds()

    @contextmanager
    def _recording_full_disk(self) -> Iterator[None]:
        try:
            with translated():
                yield
        except StoreFull:
            self._full_at = time.monotonic()
            raise

    def ping(self) -> None:
        """Check that the database responds. Raises StoreUnavailable."""
        self._admit()
        with translated(), self._read_only_engine.connect() as connection:
            connection.execute(_PING)

    def close(self) -> None:
        """Close all idle connections, and the reader of views in files."""
        self.engine.dispose()
        reader = self._info.pop(VIEW_READER, None)
        if reader is not None:
            reader.close()


@contextmanager
def _within_deadline() -> Iterator[None]:
    """Refuse to begin after the deadline of this thread, and report it as the cause of later database errors."""
    check_thread_deadline()
    try:
        yield
    except (StoreUnavailable, StoreConflict) as error:
        if is_past_deadline(error):
            raise TimeLimitExceeded("the time limit was exceeded") from error
        raise


def _writer_queue(engine: Engine, settings: StoreSettings) -> WriterQueue:
    """Return the queue of writers: one thread on SQLite; all connections but one on PostgreSQL.

    The last connection is reserved for readers, such as a heartbeat, which would otherwise wait for writers.
    """
    if engine.dialect.name == "sqlite":
        return WriterQueue(1, timeout=settings.busy_timeout, refusal=StoreConflict)
    maximum = max(1, settings.pool_size + settings.pool_overflow - 1)
    return WriterQueue(maximum, timeout=settings.pool_wait, refusal=StoreUnavailable)


def open_store(settings: StoreSettings) -> Store:
    """Create the store without opening a connection. Raises StoreError for invalid settings."""
    return Store(make_engine(settings), settings)
