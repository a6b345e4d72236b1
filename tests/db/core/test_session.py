"""Transactions commit once, are retried after conflicts, and translate database errors."""

import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import TRANSACTION_STATUS_INERROR
from sqlalchemy import delete, event, select, text

from gonemaster_db.core.errors import ReferenceGone, StoreConflict, StoreError, StoreFull, StoreUnavailable
from gonemaster_db.core.records import NewJob
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import AuditLine, Job, Setting
from gonemaster_db.queue.jobs import claim_job, create_jobs, get_job
from tests.support.postgres import PostgresServer
from tests.support.rows import LEASE, NOON, claim, entries_of, finish_job, queue_job, record
from tests.support.stores import MakeSettings, opened
from tests.support.threads import together


def count_up(store: Store) -> int:
    """Read a number, increment it and write it, which loses updates without a lock or a retry."""

    def work(session: object) -> int:
        number: Setting = session.scalars(select(Setting).with_for_update()).one()  # type: ignore[attr-defined]
        number.value = {"n": number.value["n"] + 1}
        return int(number.value["n"])

    return store.run_in_transaction(work)


def test_a_block_commits_and_an_exception_rolls_back(store: Store) -> None:
    with store.transaction() as session:
        session.add(Setting(key="a", value=1, updated_at=NOON))

    def break_off() -> None:
        with store.transaction() as session:
            session.add(Setting(key="b", value=2, updated_at=NOON))
            session.flush()
            raise LookupError

    with pytest.raises(LookupError):
        break_off()
    with store.read_only() as session:
        assert session.scalars(select(Setting.key)).all() == ["a"]


def test_a_single_statement_commits_on_its_own(store: Store) -> None:
    job_id = queue_job(store).id
    with store.autocommit() as session:
        assert claim_job(session, job_id, worker="w1", now=NOON, lease=LEASE) is not None
    with store.transaction() as session:  # the connection can still be used for transactions
        session.add(Setting(key="a", value=1, updated_at=NOON))
        session.flush()
        session.rollback()
    with store.read_only() as session:
        assert get_job(session, job_id).worker == "w1"
        assert session.scalars(select(Setting)).all() == []


def test_a_connection_in_an_aborted_transaction_is_not_reused(make_store_settings: MakeSettings) -> None:
    settings = replace(make_store_settings("postgres"), pool_size=1, pool_overflow=0)
    with opened(settings) as store:
        with store.autocommit() as session:
            raw = session.connection().connection.driver_connection
            assert raw is not None
            # the same state as after a BEGIN that the server cancels, which the driver does not notice
            with raw.cursor() as cursor:
                cursor.execute("BEGIN")
                with pytest.raises(psycopg2.Error):
                    cursor.execute("SELECT 1 / 0")
            assert raw.info.transaction_status == TRANSACTION_STATUS_INERROR
        for kind in (store.autocommit, store.transaction, store.read_only):
            with kind() as session:
                assert session.scalar(text("SELECT 1")) == 1
                assert session.connection().connection.driver_connection is not raw


@pytest.mark.parametrize("kind", ["read_only", "autocommit"])
def test_a_single_statement_sends_nothing_else_to_postgres(make_store_settings: MakeSettings, kind: str) -> None:
    last = "SELECT query FROM pg_stat_activity WHERE pid = %s"
    settings = replace(make_store_settings("postgres"), pool_size=1)
    with opened(settings) as store, closing(psycopg2.connect(settings.dsn)) as observer, observer.cursor() as cursor:
        observer.autocommit = True
        for _ in range(2):  # as a fresh connection, and after a transaction
            with getattr(store, kind)() as session:
                session.execute(text("SELECT 1 + 1"))
                raw = session.connection().connection.driver_connection
                assert raw is not None
            cursor.execute(last, (raw.info.backend_pid,))
            assert cursor.fetchall() == [("SELECT 1 + 1",)]  # no COMMIT and no SET after it
            with store.transaction() as session:
                session.execute(text("SELECT 1"))


def test_times_are_read_as_aware_utc(store: Store) -> None:
    with store.transaction() as session:
        session.add(AuditLine(at=NOON.astimezone(), action="x"))
    with store.read_only() as session:
        found = session.scalars(select(AuditLine)).one().at
    assert (found, found.utcoffset()) == (NOON, timedelta(0))


def test_a_naive_time_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="naive"), store.transaction() as session:
        session.add(AuditLine(at=NOON.replace(tzinfo=None), action="x"))


def test_writers_in_many_threads_lose_no_update(store: Store) -> None:
    with store.transaction() as session:
        session.add(Setting(key="n", value={"n": 0}, updated_at=NOON))
    answers = together(*[lambda: [count_up(store) for _ in range(10)]] * 4)
    assert sorted(n for answer in answers if isinstance(answer, list) for n in answer) == list(range(1, 41))


def test_reading_does_not_wait_for_a_writer(store: Store) -> None:
    with store.transaction() as writer:
        writer.add(Setting(key="a", value=1, updated_at=NOON))
        writer.flush()
        with store.read_only() as reader:
            assert reader.scalars(select(Setting)).all() == []


def test_a_reading_session_refuses_to_write(store: Store) -> None:
    with pytest.raises(StoreError, match="read-only"), store.read_only() as session:
        session.execute(delete(Setting))
    with pytest.raises(StoreError, match="read-only"), store.read_only() as session:
        session.add(Setting(key="a", value=1, updated_at=NOON))
    with store.transaction() as session:
        session.add(Setting(key="a", value=1, updated_at=NOON))
    with pytest.raises(StoreError, match="read-only"), store.read_only() as session:
        session.scalars(select(Setting)).one().value = 2


def test_a_conflict_is_retried_and_finally_raised(store: Store) -> None:
    calls = 0

    def fail_twice(_session: object) -> str:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise StoreConflict("deadlock")
        return "done"

    assert store.run_in_transaction(fail_twice) == "done"
    calls = -10
    with pytest.raises(StoreConflict):
        store.run_in_transaction(fail_twice, attempts=2)
    assert calls == -8


def test_a_deadlock_on_postgres_is_a_conflict_that_run_resolves(make_store_settings: MakeSettings) -> None:
    met = threading.Barrier(2, timeout=20)
    with opened(make_store_settings("postgres")) as store:
        with store.transaction() as session:
            session.execute(text("INSERT INTO settings VALUES ('a', '0', now()), ('b', '0', now())"))

        def touch(first: str, second: str) -> int:
            tries = 0

            def work(session: object) -> int:
                nonlocal tries
                tries += 1
                update = text("UPDATE settings SET updated_at = now() WHERE key = :key")
                session.execute(update, {"key": first})  # type: ignore[attr-defined]
                if tries == 1:
                    met.wait()
                session.execute(update, {"key": second})  # type: ignore[attr-defined]
                return tries

            return store.run_in_transaction(work)

        answers = together(lambda: touch("a", "b"), lambda: touch("b", "a"))
    assert sorted(n for n in answers if isinstance(n, int)) == [1, 2]


def test_an_unavailable_sqlite_lock_is_a_conflict(make_store_settings: MakeSettings) -> None:
    settings = replace(make_store_settings("sqlite"), busy_timeout=timedelta(milliseconds=50))
    with opened(settings) as store, store.transaction() as session:
        session.execute(text("SELECT 1"))  # takes the lock
        with pytest.raises(StoreConflict):
            store.run_in_transaction(lambda other: other.execute(text("SELECT 1")), attempts=2)


def test_waiting_writers_leave_a_connection_to_readers(store_settings: StoreSettings) -> None:
    # Long enough for 50 pings on a busy machine, because the writers wait during all of them.
    few = replace(store_settings, pool_size=2, pool_overflow=0, pool_wait=timedelta(seconds=30))
    with opened(few) as store, ThreadPoolExecutor(4) as pool:
        with store.transaction() as session:
            session.add(Setting(key="n", value={"n": 0}, updated_at=NOON))
            session.flush()
            counts = [pool.submit(count_up, store) for _ in range(4)]
            for _ in range(50):
                store.ping()
        assert sorted(count.result() for count in counts) == [1, 2, 3, 4]


def test_an_exhausted_pool_is_unavailable(store_settings: StoreSettings) -> None:
    small = replace(store_settings, pool_size=1, pool_overflow=0, pool_wait=timedelta(milliseconds=50))
    with opened(small) as store, store.read_only() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(StoreUnavailable):
            store.ping()
    with opened(small) as store:
        store.ping()


def test_a_full_disk_on_sqlite_is_reported_and_keeps_existing_rows(make_store_settings: MakeSettings) -> None:
    with opened(make_store_settings("sqlite")) as store:
        job = claim(store, queue_job(store).id)
        with store.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        raw = store.engine.raw_connection()
        assert raw.driver_connection is not None
        raw.driver_connection.execute(f"PRAGMA max_page_count = {pages}")
        raw.close()  # returned to the pool, which reuses it
        many = record(entries=entries_of("INFO", args={"noise": secrets.token_hex(200_000)}))
        with pytest.raises(StoreFull):
            finish_job(store, job, many)
        with store.read_only() as session:
            assert session.scalars(select(Job.id)).all() == [job.id]


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    nowhere = StoreSettings(driver="postgres", dsn=f"host={tmp_path} dbname=x connect_timeout=2")
    for settings in (nowhere, StoreSettings(dsn=str(tmp_path / "none" / "x.db"))):
        with opened(settings) as store, pytest.raises(StoreUnavailable):
            store.ping()


def test_an_invalid_or_damaged_file_is_unavailable(tmp_path: Path, make_store_settings: MakeSettings) -> None:
    foreign = tmp_path / "foreign.db"
    foreign.write_bytes(b"not a database" * 400)
    with opened(StoreSettings(dsn=str(foreign))) as store, pytest.raises(StoreUnavailable, match="not a database"):
        store.run_in_transaction(lambda session: session.execute(text("SELECT * FROM sqlite_master")))
    settings = make_store_settings("sqlite")
    with opened(settings) as store:
        store.ping()  # closing the store writes the whole log into the file
    damaged = Path(settings.dsn)
    content = damaged.read_bytes()
    damaged.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with opened(settings) as store, pytest.raises(StoreUnavailable, match="malformed"):
        store.run_in_transaction(lambda session: session.execute(text("SELECT * FROM jobs")))


@pytest.mark.parametrize(
    "settings",
    [
        StoreSettings(dsn=":memory:"),
        StoreSettings(dsn=""),
        StoreSettings(dsn="postgresql:///x"),
        StoreSettings(driver="postgres", dsn="sqlite:///x.db"),
        StoreSettings(driver="postgres", dsn="no parameters"),
        StoreSettings(driver="mariadb", dsn="x"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_invalid_settings_are_refused(settings: StoreSettings) -> None:
    with pytest.raises(StoreError):
        open_store(settings)


def test_each_form_of_a_postgres_address_connects(make_store_settings: MakeSettings) -> None:
    url = make_store_settings("postgres").dsn
    user, database, host = "gonemaster", url.split("@/")[1].split("?")[0], url.split("host=")[1]
    for dsn in (
        url,
        url.replace("postgresql:", "postgres:"),
        f"{url}&application_name=mine&connect_timeout=3",
        f"host={host} dbname={database} user={user}",
    ):
        with opened(StoreSettings(driver="postgres", dsn=dsn)) as store:
            store.ping()


def test_each_form_of_a_sqlite_path_opens_the_same_file(make_store_settings: MakeSettings) -> None:
    path = make_store_settings("sqlite").dsn
    for dsn in (path, f"sqlite:///{path}"):
        with opened(StoreSettings(dsn=dsn)) as store, store.read_only() as session:
            assert session.scalars(select(Job)).all() == []
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_closed_store_keeps_no_connection(make_store_settings: MakeSettings) -> None:
    """Neither a connection that a thread still uses, nor one that a thread opens later, remains open."""
    store = open_store(make_store_settings("sqlite"))
    in_use = store.engine.raw_connection()
    store.close()
    later = store.engine.raw_connection()
    for connection in (in_use, later):
        raw = connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        connection.close()
        with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
            raw.execute("SELECT 1")


def test_an_error_of_the_row_source_aborts_a_bulk_insert(store: Store) -> None:
    def jobs() -> Iterator[NewJob]:
        yield NewJob("a.example")
        raise LookupError("bad name")

    with pytest.raises(LookupError, match="bad name"), store.transaction() as session:
        list(create_jobs(session, jobs()))
    with pytest.raises(ReferenceGone), store.transaction() as session:
        list(create_jobs(session, [NewJob("a.example", batch_id="batch_none")]))
    with store.read_only() as session:
        assert session.scalars(select(Job.id)).all() == []


@pytest.fixture
def own_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


def test_a_restarted_postgres_is_used_again(own_server: PostgresServer) -> None:
    settings = StoreSettings(driver="postgres", dsn=own_server.url(own_server.create_database()))

    def lose_the_server(store: Store) -> None:
        with store.transaction() as session:
            session.execute(text("SELECT 1"))
            own_server.stop(signal.SIGQUIT)
            session.execute(text("SELECT 1"))

    with opened(settings) as store:
        with pytest.raises(StoreUnavailable):
            lose_the_server(store)
        with pytest.raises(StoreUnavailable):
            store.ping()
        own_server.start()
        store.ping()


def test_further_connection_keeps_the_locks_of_the_first(make_store_settings: MakeSettings) -> None:
    """Without the locks, another process that closes its last connection would delete the WAL in use."""
    settings = make_store_settings("sqlite")
    with opened(settings) as store, store.read_only() as first:
        first.execute(text("SELECT count(*) FROM jobs"))
        with store.transaction() as second:  # a second connection, opened while the first is in use
            list(create_jobs(second, [NewJob("a.example")], now=NOON))
        script = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM jobs'); c.close()"
        )
        subprocess.run([sys.executable, "-c", script, settings.dsn], check=True)
        assert Path(f"{settings.dsn}-wal").exists()


def burst(store: Store, size: int) -> None:
    """Use several connections at the same time."""
    with ExitStack() as stack:
        for _ in range(size):
            stack.enter_context(store.read_only()).execute(text("SELECT 1"))


def test_connections_of_a_burst_stay_open_for_the_next_one(make_store_settings: MakeSettings) -> None:
    settings = replace(make_store_settings("sqlite"), pool_size=1, pool_overflow=3)
    opened_ones: list[object] = []
    with opened(settings) as store:
        event.listen(store.engine, "connect", lambda *_: opened_ones.append(None))
        for _ in range(3):
            burst(store, 4)
        assert len(opened_ones) == 4


def test_idle_surplus_connections_are_closed(
    make_store_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(make_store_settings("sqlite"), pool_size=1, pool_overflow=3)
    with opened(settings) as store:
        closed: list[object] = []
        event.listen(store.engine, "close", lambda *_: closed.append(None))
        burst(store, 4)
        monkeypatch.setattr("gonemaster_db.core.connection.pool.LINGER_S", -1.0)
        burst(store, 1)
        assert len(closed) == 3
        monkeypatch.undo()
        burst(store, 4)  # the pool can grow again
        store.close()
        assert len(closed) == 7


@pytest.mark.parametrize("how", ["transaction", "autocommit", "read_only"])
def test_a_connection_that_the_server_has_just_closed_is_replaced(own_server: PostgresServer, how: str) -> None:
    settings = StoreSettings(driver="postgres", dsn=own_server.url(own_server.create_database()))
    with closing(open_store(settings)) as store, closing(psycopg2.connect(own_server.url("postgres"))) as other:
        store.ping()  # This was less than IDLE_S ago.
        other.autocommit = True
        with other.cursor() as cursor:
            ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'gonemaster'"
            cursor.execute(ended)
            assert cursor.fetchall() == [(True,)]
        with getattr(store, how)() as session:
            assert session.scalar(text("SELECT 1")) == 1


def test_a_connection_closed_by_this_process_is_unavailable_and_replaced(own_server: PostgresServer) -> None:
    settings = StoreSettings(driver="postgres", dsn=own_server.url(own_server.create_database()))

    def read_over_a_closed_connection(store: Store) -> None:
        with store.read_only() as session:
            session.connection().connection.driver_connection.close()  # type: ignore[union-attr]  # of psycopg2
            session.scalar(text("SELECT 1"))

    with closing(open_store(settings)) as store:
        with pytest.raises(StoreUnavailable):
            read_over_a_closed_connection(store)
        store.ping()
