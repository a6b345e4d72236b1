"""The services of the measurement: PostgreSQL with durable commits or SQLite, Redis, the API, workers, beat."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from gonemaster_api.app import create_app
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.migrations.runner import upgrade
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.rendering import to_environ
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import store_settings
from gonemaster_tasks.control.parts import QueueParts, open_queue
from tests.support.postgres import PostgresServer

ROOT = Path(__file__).parents[2]
_DURABLE = {"shared_buffers": "256MB", "max_wal_size": "2GB", "max_connections": "150", "log_min_messages": "fatal"}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Rig:
    """The services of one measurement."""

    settings: Settings
    parts: QueueParts
    client: FlaskClient
    directory: Path
    redis_pid: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def broker(self) -> Broker:
        return self.parts.broker

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.client.post(f"/api/v1{path}", json=body)
        assert answer.status_code in (200, 201, 202), answer.get_data(as_text=True)[:500]
        return answer.get_json()

    def get(self, path: str) -> Any:
        answer = self.client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
        return answer.get_json()

    def value(self, sql: str) -> Any:
        """Return the single value of a query."""
        with self.parts.store.read_only() as session:
            return session.execute(text(sql)).scalar()

    def start(self, name: str, module: str, *arguments: str) -> None:
        """Start a worker or beat; its log is in the directory."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("GONEMASTER_")}
        command = [sys.executable, "-W", "ignore:You're running the worker", "-m", module, *arguments]
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=environ | to_environ(self.settings), stdout=log, stderr=log
            )

    def start_workers(self, count: int, module: str = "benchmarks.queue.standin") -> None:
        """Start worker processes and beat, and wait until all have registered."""
        for number in range(count):
            self.start(f"worker-{number}", module, "--name", f"worker-{number}")
        self.start("beat", "gonemaster_tasks.maintenance.beat")
        wait_until(lambda: len(self.broker.workers.live()) == count, within_s=60)

    def stop_processes(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds so far of workers, PostgreSQL's processes and Redis."""
        workers = [process.pid for name, process in self.processes.items() if name.startswith("worker")]
        servers = [row[0] for row in self._rows("SELECT pid FROM pg_stat_activity")] if self.on_postgres else []
        groups = {"workers": workers, "postgres": servers, "redis": [self.redis_pid]}
        return {name: sum(map(cpu_s_of, pids)) for name, pids in groups.items()}

    def redis_info(self, section: str) -> dict[str, Any]:
        """Return the INFO of Redis."""
        with closing(self.broker.address.connect()) as client:
            return dict(client.info(section))

    @property
    def on_postgres(self) -> bool:
        return self.settings.db_driver == "postgres"

    def counters(self) -> dict[str, int]:
        """Return the work of the servers so far: commands of Redis, transactions and written rows of PostgreSQL."""
        commands = self.redis_info("commandstats")
        return {"redis_commands": sum(item["calls"] for item in commands.values()), **self._postgres_counters()}

    def _postgres_counters(self) -> dict[str, int]:
        if not self.on_postgres:
            return {}
        time.sleep(1.1)  # a backend reports its statistics once a second
        row = self._rows(
            "SELECT xact_commit, tup_inserted + tup_updated + tup_deleted FROM pg_stat_database"
            " WHERE datname = current_database()"
        )[0]
        return {
            "transactions": int(row[0]),
            "rows_written": int(row[1]),
            "wal_bytes": int(self.value("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")),
        }

    def _rows(self, sql: str) -> list[Any]:
        with self.parts.store.read_only() as session:
            return list(session.execute(text(sql)).all())


@contextmanager
def open_rig(*, slots: int, driver: str = "postgres", **settings_of_workers: str) -> Iterator[Rig]:
    """Start the servers in a temporary directory, which is removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="gm-bench-", dir="/tmp"))
    redis = EmbeddedRedis(directory / "redis")
    try:
        with _database(driver) as url:
            redis.start()
            flags = {
                "broker_url": redis.url,
                "db_driver": driver,
                "db_dsn": url,
                "data_dir": str(directory),
                "worker_count": str(slots),
                "log_level": "warn",
                **settings_of_workers,
            }
            settings = load_settings(flags, environ={})
            with closing(open_store(store_settings(settings))) as store:
                upgrade(store)
                yield from _with_parts(settings, store, directory, redis)
    finally:
        redis.stop()
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _database(driver: str) -> Iterator[str]:
    """Start PostgreSQL, and return the URL of a new database; for SQLite nothing is needed."""
    if driver != "postgres":
        yield ""
        return
    with PostgresServer(_DURABLE) as postgres:
        yield postgres.url(postgres.create_database())


def _with_parts(settings: Settings, store: Store, directory: Path, redis: EmbeddedRedis) -> Iterator[Rig]:
    parts = open_queue(settings, store)
    app = create_app(settings, queue=parts)
    assert redis.process is not None
    rig = Rig(settings, parts, app.test_client(), directory, redis.process.pid)
    try:
        yield rig
    finally:
        rig.stop_processes()
        parts.celery.close()
        parts.broker.close()


def wait_until(condition: Callable[[], bool], *, within_s: float, every_s: float = 0.02) -> None:
    """Poll until the condition is true."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {within_s} s")
        time.sleep(every_s)


def cpu_s_of(pid: int) -> float:
    """Return the CPU time of a process in seconds; 0 once it has ended."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(after_name[11]) + int(after_name[12])) / _TICKS
