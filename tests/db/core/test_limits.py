"""Time limits for each kind of work, and for silent servers."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import select, text

from gonemaster_db.core.connection import engine, limits
from gonemaster_db.core.connection.deadlines import Deadline
from gonemaster_db.core.connection.limits import with_deadline
from gonemaster_db.core.errors import StoreConflict, StoreUnavailable, TimeLimitExceeded
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import Limits, StoreSettings
from gonemaster_db.models import RunStatus, Setting
from gonemaster_db.queue.jobs import claim_job
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_db.service.probes import Pooler, find_pooler
from tests.support.rows import LEASE, NOON, queue_job, queue_jobs, record
from tests.support.stores import MakeSettings, opened
from tests.support.threads import together
from tests.support.workers import wait_until

BRIEF = Limits(timedelta(seconds=15), timedelta(seconds=5), timedelta(seconds=14))
LONG = Limits(timedelta(seconds=600), timedelta(seconds=5), timedelta(seconds=60))
NAMES = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@pytest.fixture
def limited(make_store_settings: MakeSettings) -> StoreSettings:
    """Return the settings of a PostgreSQL store with limits."""
    return replace(make_store_settings("postgres"), limits=BRIEF, long_limits=LONG)


def settings_in_effect(store: Store, how: str = "transaction") -> list[str]:
    with getattr(store, how)() as session:
        return [session.scalar(text(f"SHOW {name}")) for name in NAMES]


@pytest.mark.parametrize("how", ["transaction", "autocommit", "read_only"])
def test_each_kind_of_work_has_its_limits(limited: StoreSettings, how: str) -> None:
    with opened(limited) as store:
        assert settings_in_effect(store, how) == ["15s", "5s", "14s"]
        with store.background_limits():
            assert settings_in_effect(store, how) == ["10min", "5s", "1min"]
            with store.lock_timeout(lock=timedelta(seconds=1)):
                assert settings_in_effect(store, how) == ["15s", "1s", "14s"]
        assert settings_in_effect(store, how) == ["15s", "5s", "14s"]


def test_options_of_the_operator_take_precedence(limited: StoreSettings) -> None:
    url = f"{limited.dsn}&options=-c%20lock_timeout%3D7s"
    words = f"user=gonemaster host={home_of(limited)} dbname={database_of(limited)} options='-c lock_timeout=7s'"
    for dsn in (url, words):
        with opened(replace(limited, dsn=dsn)) as store:
            assert settings_in_effect(store) == ["15s", "7s", "14s"]


def home_of(settings: StoreSettings) -> str:
    return settings.dsn.partition("host=")[2]


def database_of(settings: StoreSettings) -> str:
    return settings.dsn.rpartition("?")[0].rpartition("/")[2]


def test_the_wait_for_a_lock_is_limited(limited: StoreSettings) -> None:
    with opened(limited) as store:
        job_id = queue_job(store).id
        with store.transaction() as other:
            other.execute(text("SELECT 1 FROM jobs FOR UPDATE"))
            with (
                store.lock_timeout(lock=timedelta(milliseconds=50)),
                pytest.raises(StoreConflict),
                store.autocommit() as session,
            ):
                claim_job(session, job_id, worker="w1", now=NOON, lease=LEASE)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process of the server, which then neither answers nor cancels anything; its kernel acknowledges."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def backend_of(session: Any) -> int:
    return int(session.scalar(text("SELECT pg_backend_pid()")))


def read_setting(store: Store) -> None:
    with store.read_only() as session:
        session.scalars(select(Setting)).all()


def test_a_silent_statement_is_given_up_and_blocks_no_other(
    limited: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MARGIN_S", 0.3)
    quick = replace(limited, limits=replace(BRIEF, statement=timedelta(milliseconds=100)))
    with opened(quick) as store:
        for how in (store.transaction, store.autocommit, store.read_only):

            def ask(how: Any = how) -> None:
                with how() as session, stopped(backend_of(session)):
                    read_setting(store)  # another connection still works
                    session.execute(text("SELECT 1"))

            with pytest.raises(StoreUnavailable):
                ask()
            read_setting(store)


def test_a_commit_without_an_answer_is_given_up(limited: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MARGIN_S", 0.3)
    with opened(replace(limited, limits=replace(BRIEF, statement=timedelta(milliseconds=100)))) as store:
        pids: list[int] = []

        def write() -> None:
            with store.transaction() as session:
                session.add(Setting(key="a", value=1, updated_at=NOON))
                session.flush()
                pids.append(backend_of(session))
                os.kill(pids[0], signal.SIGSTOP)

        try:
            with pytest.raises(StoreUnavailable):
                write()
        finally:
            os.kill(pids[0], signal.SIGCONT)


def test_a_dead_idle_connection_invalidates_the_pool(limited: StoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MARGIN_S", 0.3)
    monkeypatch.setattr(engine, "CHECK", timedelta(milliseconds=100))
    with opened(limited) as store:
        with store.read_only() as one, store.read_only() as other:
            pids = [backend_of(one), backend_of(other)]
        monkeypatch.setattr(engine, "IDLE_S", 0.0)
        with stopped(pids[0]), stopped(pids[1]), store.read_only() as session:
            assert backend_of(session) not in pids
            with store.read_only() as second:
                assert backend_of(second) not in pids


def test_work_after_its_deadline_commits_nothing(store: Store) -> None:
    over = Deadline(timedelta(0))

    def write() -> None:
        with store.transaction() as session:
            session.add(Setting(key="a", value=1, updated_at=NOON))
            session.flush()
            caller.enter_context(with_deadline(over))

    with ExitStack() as caller, pytest.raises(TimeLimitExceeded):
        write()
    with with_deadline(over), pytest.raises(TimeLimitExceeded):
        write()
    with store.read_only() as session:
        assert session.scalars(select(Setting)).all() == []


def test_a_statement_ends_at_the_deadline_of_its_thread(limited: StoreSettings) -> None:
    with opened(limited) as store:

        def wait() -> None:
            with store.transaction() as session:
                session.execute(text("SELECT pg_sleep(60)"))

        with with_deadline(Deadline(timedelta(milliseconds=100))), pytest.raises(TimeLimitExceeded):
            wait()
        read_setting(store)


@pytest.fixture
def pooler(limited: StoreSettings, tmp_path: Path) -> Iterator[StoreSettings]:
    """Return the same settings through PgBouncer."""
    with through_pooler(limited, tmp_path) as settings:
        yield settings


@contextmanager
def through_pooler(limited: StoreSettings, tmp_path: Path) -> Iterator[StoreSettings]:
    """Return the same settings through PgBouncer, which changes connections by transaction and drops `options`."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("there is no pgbouncer")
    database = database_of(limited)
    (tmp_path / "users.txt").write_text('"gonemaster" ""\n')
    (tmp_path / "ini").write_text(
        f"[databases]\n{database} = host={home_of(limited)} user=gonemaster\n"
        f"[pgbouncer]\nunix_socket_dir = {tmp_path}\nlisten_addr =\nauth_type = trust\n"
        f"auth_file = {tmp_path}/users.txt\nstats_users = gonemaster\n"
        "pool_mode = transaction\ndefault_pool_size = 3\nignore_startup_parameters = options\n"
    )
    account = ["-u", "nobody"] if os.geteuid() == 0 else []
    tmp_path.chmod(0o777)
    for directory in tmp_path.parents[:-2]:
        directory.chmod(directory.stat().st_mode | 0o055)
    process = subprocess.Popen(
        [program, "-q", *account, str(tmp_path / "ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: (tmp_path / ".s.PGSQL.6432").exists(), what="pgbouncer")
        yield replace(limited, dsn=f"postgresql://gonemaster@/{database}?host={tmp_path}&port=6432")
    finally:
        process.terminate()
        process.wait()


def test_limits_hold_through_a_pooler(pooler: StoreSettings) -> None:
    with opened(pooler) as store:
        for how in ("transaction", "autocommit", "read_only"):
            assert settings_in_effect(store, how) == ["15s", "5s", "14s"]
            with store.background_limits():
                assert settings_in_effect(store, how) == ["10min", "5s", "1min"]
        jobs = queue_jobs(store, [f"d{number}.test" for number in range(8)])

        def work(job_id: str) -> RunStatus:
            with store.autocommit() as session:
                assert claim_job(session, job_id, worker="w1", now=NOON, lease=LEASE)
            return store.run_in_transaction(
                lambda session: graduate_job(session, job_id, worker="w1", attempt=1, record=record("INFO"))
            )

        assert together(*[partial(work, job_id) for job_id in jobs]) == [RunStatus.SUCCEEDED] * 8
    with closing(psycopg2.connect(pooler.dsn)) as observer, observer.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)  # no setting remains on shared connections


def test_the_pooler_and_its_pause_after_a_refused_connection_are_found(
    pooler: StoreSettings, limited: StoreSettings
) -> None:
    with opened(pooler) as store:
        assert find_pooler(store) == Pooler(15.0)
    with opened(limited) as store:
        assert find_pooler(store) is None
