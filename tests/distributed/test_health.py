"""Health reports real faults within 15 s from any process that detects them; the time is printed."""

import logging
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.monitoring.health import find_issues_in_time
from gonemaster_tasks.monitoring.issues import Issue
from gonemaster_tasks.process_report.database_observer import DatabaseObserver
from gonemaster_tasks.process_report.reporter import Reporter
from tests.support.postgres import PostgresServer
from tests.support.redis_faults import answering_with
from tests.support.relay import Relay, relayed
from tests.support.stores import MakeSettings, opened
from tests.support.workers import Farm, open_farm, wait_until

log = logging.getLogger(__name__)

PG_SOCKET = ".s.PGSQL.5432"
SETTINGS = load_settings({})


def issues(farm: Farm, kind: str) -> list[Issue]:
    return [issue for issue in find_issues_in_time(farm.parts, SETTINGS) if issue.kind == kind]


def wait_for_report(farm: Farm, kind: str, subject: str = "") -> Issue:
    """Wait until health reports this, and print the elapsed time; the issue has a remedy."""
    started_at = time.monotonic()
    found: list[Issue] = wait_until(
        lambda: [issue for issue in issues(farm, kind) if issue.subject.startswith(subject)], within_s=120, what=kind
    )
    log.info("%s was reported after %.1f s: %s", kind, time.monotonic() - started_at, found[0].text)
    assert found[0].advice
    return found[0]


def wait_for_end_of(farm: Farm, kind: str) -> None:
    wait_until(lambda: not issues(farm, kind), within_s=120, what=f"no {kind}")


@contextmanager
def path_to(socket: Path) -> Iterator[tuple[Relay, Path]]:
    """A path to a server that can go silent, and the directory of its socket."""
    with (
        tempfile.TemporaryDirectory(prefix="gm-relay-", dir="/tmp") as name,
        relayed(socket, Path(name) / socket.name) as relay,
    ):
        yield relay, Path(name)


@dataclass(frozen=True)
class Hosts:
    """A farm on PostgreSQL, and a path to the database that can go silent."""

    farm: Farm
    path: Relay
    dsn: str  # through that path


@pytest.fixture
def hosts(broker: Broker, make_store_settings: MakeSettings, tmp_path: Path) -> Iterator[Hosts]:
    settings = make_store_settings("postgres")
    before, _, home = settings.dsn.rpartition("?host=")
    with path_to(Path(home) / PG_SOCKET) as (path, name), open_farm(broker, settings, tmp_path) as farm:
        yield Hosts(farm, path, f"{before}?host={name}")


def test_a_process_that_the_database_does_not_answer_says_so_to_all(hosts: Hosts) -> None:
    farm = hosts.farm
    farm.start_beat(GONEMASTER_DB_DSN=hosts.dsn)
    wait_until(lambda: farm.broker.reports.recent(), within_s=180, what="its first report")
    hosts.path.go_silent()
    wait_for_report(farm, "process_without_database", "beat-")
    hosts.path.speak()
    wait_for_end_of(farm, "process_without_database")


def test_a_process_that_redis_does_not_answer_says_so_in_the_database(farm: Farm, redis_server: EmbeddedRedis) -> None:
    with path_to(redis_server.socket) as (path, directory):
        farm.start_worker("cut", GONEMASTER_BROKER_URL=f"redis+socket://{directory / redis_server.socket.name}")
        path.go_silent()
        assert wait_for_report(farm, "process_without_broker", "cut@").since is not None
        assert issues(farm, "process_vanished") == []
        path.speak()
        wait_for_end_of(farm, "process_without_broker")


def test_processes_that_ended_without_a_word_are_named_until_others_follow(farm: Farm) -> None:
    farm.start_worker("frozen").send_signal(signal.SIGSTOP)
    wait_for_report(farm, "process_vanished", "frozen@")
    farm.stop("frozen", signal.SIGKILL)
    farm.start_worker("frozen")
    wait_for_end_of(farm, "process_vanished")
    farm.stop("frozen")
    assert issues(farm, "process_vanished") == []


@pytest.mark.slow
def test_no_worker_counts_as_vanished_after_redis_was_unavailable(farm: Farm) -> None:
    farm.start_worker("one")
    wait_until(farm.broker.reports.recent, what="its first report")
    (before,) = farm.broker.reports.recent()
    farm.processes["one"].send_signal(signal.SIGSTOP)
    wait_for_report(farm, "process_vanished")  # no other process has reported either, as after an outage of Redis
    farm.processes["one"].send_signal(signal.SIGCONT)
    reporter = Reporter(farm.broker, farm.parts.clock, kind="other")
    reporter.report()
    assert issues(farm, "process_vanished") == []
    reporter.forget()
    assert [one.report.name for one in farm.broker.reports.recent()] == [before.report.name]


def test_a_locked_table_holds_up_the_reaper_and_both_are_reported(hosts: Hosts) -> None:
    farm = hosts.farm
    farm.start_worker("one")
    wait_until(lambda: farm.broker.maintenance_times.ages_s(), what="a reap")
    with farm.store.engine.connect() as other, other.begin():
        other.exec_driver_sql("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
        issue = wait_for_report(farm, "lock_held", "pid ")
        assert "role gonemaster" in issue.text
        wait_for_report(farm, "reap_overdue")
        assert issues(farm, "database_unavailable") == []
    wait_for_end_of(farm, "lock_held")
    wait_for_end_of(farm, "reap_overdue")


@pytest.mark.slow
def test_rows_that_an_idle_transaction_has_changed_are_reported(hosts: Hosts) -> None:
    with hosts.farm.store.engine.connect() as other, other.begin():
        other.exec_driver_sql("INSERT INTO tags (name, description, created_at) VALUES ('t', '', now())")
        assert "idle in transaction" in wait_for_report(hosts.farm, "lock_held").text


@pytest.fixture
def observed(farm: Farm) -> Iterator[Farm]:
    """A farm whose database is watched as by an API."""
    with opened(farm.store.settings) as store, observing(farm, store):
        yield farm


@contextmanager
def observing(farm: Farm, store: Store) -> Iterator[None]:
    observer = DatabaseObserver(store, is_full=lambda: False)
    clock = farm.parts.clock
    reporter = Reporter(farm.broker, clock, kind="api", store=store, facts=lambda: observer.facts(clock.timestamp()))
    observer.start()
    reporter.start()
    try:
        yield
    finally:
        reporter.stop()
        observer.stop()


def test_a_turn_to_write_to_sqlite_that_is_not_given_back_is_reported(observed: Farm) -> None:
    path = str(observed.store.engine.url.database)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        wait_for_report(observed, "lock_held", "sqlite")
        other.execute("ROLLBACK")
        wait_for_end_of(observed, "lock_held")


@pytest.mark.slow
def test_a_deletion_of_old_runs_that_does_not_begin_is_reported(farm: Farm) -> None:
    quick = load_settings({"purge_interval_seconds": "1"})
    farm.environ["GONEMASTER_DB_PURGE_INTERVAL"] = "1"
    farm.start_worker("one")
    beat = farm.start_beat()
    wait_until(lambda: farm.broker.maintenance_times.ages_s().get("purge", 60) < 1, within_s=180, what="a purge")
    beat.send_signal(signal.SIGSTOP)
    started_at = time.monotonic()

    def overdue() -> bool:
        return "purge_overdue" in {issue.kind for issue in find_issues_in_time(farm.parts, quick)}

    wait_until(overdue, within_s=120, what="purge_overdue")
    log.info("purge_overdue was reported after %.1f s", time.monotonic() - started_at)
    beat.send_signal(signal.SIGCONT)
    wait_until(lambda: not overdue(), within_s=120, what="a purge again")


@contextmanager
def small_disk(megabytes: int, owner: tuple[int, int] = (0, 0)) -> Iterator[Path]:
    """A separate file system."""
    directory = Path(tempfile.mkdtemp(prefix="gm-disk-", dir="/tmp"))
    options = f"size={megabytes}m,mode=700,uid={owner[0]},gid={owner[1]}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system needs the right to mount one")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)
        directory.rmdir()


def fill(directory: Path) -> Path:
    """Fill the file system."""
    filler = directory / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"\0" * 65536)
                file.flush()
        except OSError:
            return filler


@pytest.mark.root
def test_a_full_disk_of_sqlite_is_reported(farm: Farm, tmp_path: Path) -> None:
    with (
        small_disk(8) as disk,
        opened(StoreSettings(dsn=str(disk / "gonemaster.db"))) as store,
        observing(farm, store),
    ):
        wait_until(farm.broker.reports.recent, what="its first report")
        assert issues(farm, "disk_full") == []
        filler = fill(disk)
        assert str(disk) in wait_for_report(farm, "disk_full", "database").text
        filler.unlink()
        wait_for_end_of(farm, "disk_full")


@pytest.mark.root
@pytest.mark.slow
def test_a_full_disk_of_postgresql_is_reported_by_the_process_that_meets_it(broker: Broker, tmp_path: Path) -> None:
    with PostgresServer() as server, small_disk(64, server.owner) as disk:
        with server.cursor("postgres") as cursor:
            cursor.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
            cursor.execute("CREATE DATABASE service TABLESPACE small")
        settings = StoreSettings(driver="postgres", dsn=server.url("service"))
        with open_farm(broker, settings, tmp_path) as farm:
            upgrade(farm.store)
            farm.start_worker("one")
            jobs = farm.submit_batch([f"n{number}-20.test" for number in range(400)])
            wait_until(farm.starts, what="their start")
            filler = fill(disk)
            wait_for_report(farm, "disk_full", "database")
            filler.unlink()
            farm.run_of(jobs.job_ids[-1], within_s=300)


def test_a_redis_that_cannot_write_is_reported(own_redis: EmbeddedRedis, farm: Farm) -> None:
    with closing(Broker.open(own_redis.url)) as broker:
        own = Farm(farm.store, broker, farm.directory, farm.environ)
        with answering_with("misconf", own_redis):
            wait_for_report(own, "disk_full", "redis")
        own.parts.celery.close()


def test_jobs_that_a_promotion_loses_are_counted(broker: Broker, tmp_path: Path) -> None:
    with PostgresServer() as primary:
        database = primary.create_database()
        with PostgresServer(standby_of=primary) as standby:
            dsn = f"host={primary.home},{standby.home} user=gonemaster dbname={database}"
            with open_farm(broker, StoreSettings(driver="postgres", dsn=dsn), tmp_path) as farm:
                upgrade(farm.store)
                kept = farm.submit("kept.test")
                wait_until(lambda: _has_job(standby, database, kept), what="replication")
                with standby.cursor("postgres") as cursor:
                    cursor.execute("ALTER SYSTEM SET primary_conninfo = ''")
                    cursor.execute("SELECT pg_reload_conf()")
                wait_until(lambda: not _receives(standby), what="a standby that lags")
                lost = [farm.submit(f"lost{number}.test") for number in range(3)]
                primary.close()
                standby.promote()
                started_at = time.monotonic()
                farm.start_worker("one")
                issue = wait_for_report(farm, "commits_lost")
                log.info("%.1f s of it is the start of the worker", time.monotonic() - started_at)
                wait_until(lambda: issues(farm, "commits_lost")[0].count == len(lost), what="all three")
                assert issue.subject == "database"
                assert farm.run_of(kept).status == "succeeded"


def _has_job(server: PostgresServer, database: str, job_id: str) -> bool:
    # A standby may be so far behind that it has no tables yet.
    with suppress(psycopg2.errors.UndefinedTable), server.cursor(database) as cursor:
        cursor.execute("SELECT count(*) FROM jobs WHERE id = %s", (job_id,))
        return bool(cursor.fetchone()[0])
    return False


def _receives(server: PostgresServer) -> bool:
    with server.cursor("postgres") as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_wal_receiver")
        return bool(cursor.fetchone()[0])
