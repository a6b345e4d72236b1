"""PostgreSQL ends connections, cancels statements, causes deadlocks: no job is lost, run twice or failed."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg2
import pytest

from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.broker.client import Broker
from tests.support.faults import SLOTS, Load
from tests.support.postgres import PostgresServer
from tests.support.workers import open_farm

pytestmark = pytest.mark.slow

FAULT_S = 5.0  # duration of the faults in seconds
_ACTIVE = "FROM pg_stat_activity WHERE datname = %s AND state = 'active'"
_CANCEL, _END = f"SELECT pg_cancel_backend(pid) {_ACTIVE}", f"SELECT pg_terminate_backend(pid) {_ACTIVE}"
_OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this file."""
    with PostgresServer() as made:
        yield made


@dataclass(frozen=True)
class Database:
    """A database that misbehaves while the service works."""

    server: PostgresServer
    name: str

    def end_connections(self) -> None:
        """End the connections of all others."""
        with self.server.cursor("postgres") as cursor:  # databases to which the fault does not apply
            cursor.execute(_OTHERS, (self.name,))

    def keep_ending_connections(self) -> None:
        """End all connections, and then those that execute a statement, as often as possible."""
        self.end_connections()
        self._repeat(_END)

    def cancel_statements(self) -> None:
        """Cancel all statements that are being executed, as often as possible."""
        self._repeat(_CANCEL)

    def _repeat(self, statement: str) -> None:
        until = time.monotonic() + FAULT_S
        with self.server.cursor("postgres") as cursor:
            while time.monotonic() < until:
                cursor.execute(statement, (self.name,))

    def refuse_writes(self) -> None:
        """Make transactions read-only, as after a failover."""
        self._alter("SET default_transaction_read_only = on")
        try:
            time.sleep(FAULT_S)  # the fault itself
        finally:
            self._alter("SET default_transaction_read_only = off")

    def make_deadlocks(self) -> None:
        """Lock jobs and domains in the opposite order of the service, and hold the locks for a while."""
        until = time.monotonic() + FAULT_S
        while time.monotonic() < until:
            with suppress(psycopg2.Error), self._transaction() as cursor:
                cursor.execute("SET deadlock_timeout = '20ms'")
                cursor.execute("SELECT id FROM domains ORDER BY id DESC LIMIT 20 FOR UPDATE")
                time.sleep(0.05)  # the fault itself
                cursor.execute("SELECT id FROM jobs WHERE status = 'running' ORDER BY id DESC FOR UPDATE")

    @contextmanager
    def _transaction(self) -> Iterator["psycopg2.extensions.cursor"]:
        connection = psycopg2.connect(self.server.url(self.name))
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def _alter(self, what: str) -> None:
        with self.server.cursor("postgres") as cursor:
            cursor.execute(f"ALTER DATABASE {self.name} {what}")
        self.end_connections()  # new connections have it


FAULTS: dict[str, Callable[[Database], None]] = {
    "connections ended": Database.keep_ending_connections,
    "statements canceled": Database.cancel_statements,
    "read only": Database.refuse_writes,
    "deadlocks": Database.make_deadlocks,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_each_job_ends_once_with_every_fault_of_the_database(
    fault: Callable[[Database], None], server: PostgresServer, own_broker: Broker, tmp_path: Path
) -> None:
    database = Database(server, server.create_database())
    settings = StoreSettings(driver="postgres", dsn=server.url(database.name))
    environ = {"GONEMASTER_WORKER_COUNT": SLOTS, "GONEMASTER_LEASE_SECONDS": "30"}
    with open_farm(own_broker, settings, tmp_path, **environ) as farm:
        upgrade(farm.store)
        farm.start_beat()
        farm.start_worker("one")
        farm.start_worker("two")
        load = Load(farm)
        load.submit(400, each_ms=200)
        load.wait_until_running()
        misbehaving = threading.Thread(target=partial(fault, database))
        misbehaving.start()
        misbehaving.join()
        load.assert_each_ended_once()
        assert all(process.poll() is None for process in farm.processes.values())
        logs = farm.log("one") + farm.log("two") + farm.log("beat")
        assert "the database is unavailable" in logs or fault is Database.make_deadlocks
        assert "Traceback" not in logs
