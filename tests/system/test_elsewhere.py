"""The same service runs on a separate PostgreSQL and Redis through configuration alone."""

import os
import subprocess
import sys
from pathlib import Path

from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.postgres import PostgresServer
from tests.support.service import wait_for
from tests.system.conftest import StartService


def test_whole_service_on_postgresql_and_a_separate_redis(
    own_redis: EmbeddedRedis, postgres_server: PostgresServer, start: StartService
) -> None:
    dsn = postgres_server.url(postgres_server.create_database())
    service = start(
        environ={
            "GONEMASTER_DB_DRIVER": "postgres",
            "GONEMASTER_DB_DSN": dsn,
            "GONEMASTER_BROKER_URL": own_redis.url,
        }
    )
    assert service.get("/readyz")["parts"] == {"database": "ok", "migrations": "ok", "broker": "ok"}
    assert not service.pids("redis")
    assert not (service.data_dir / "gonemaster.db").exists()
    batch = service.submit_batch(["good.xa", "plain.xa", "lame.xa"])
    assert service.finished(service.submit("serials.xa"))["status"] == "succeeded"
    assert service.batch_done(batch["batch_id"])["completed"] == 3


def test_of_several_supervisors_one_is_killed_and_the_others_do_its_work(
    own_redis: EmbeddedRedis, postgres_server: PostgresServer, start: StartService
) -> None:
    shared = {
        "GONEMASTER_DB_DRIVER": "postgres",
        "GONEMASTER_DB_DSN": postgres_server.url(postgres_server.create_database()),
        "GONEMASTER_BROKER_URL": own_redis.url,
        "GONEMASTER_LEASE_SECONDS": "2",
        "GONEMASTER_REAP_INTERVAL_SECONDS": "1",
    }
    api = start(environ=shared, worker_processes=1)
    doomed, other = (
        start("worker", ready=False, listen=None, worker_processes=2, environ=shared) for _ in ("doomed", "other")
    )
    wait_for(lambda: len(api.get("/queue")["workers"]) == 5, what="the workers of all supervisors")
    batch = api.submit_batch(["good.xa", "plain.xa", *(f"n{number}.good.xa" for number in range(58))])
    orphans = [*doomed.pids("worker-1"), *doomed.pids("worker-2")]
    wait_for(lambda: api.get(f"/batches/{batch['batch_id']}")["completed"], what="the first results")
    doomed.process.kill()
    done = api.batch_done(batch["batch_id"])
    assert (done["total"], done["status_counts"]["succeeded"]) == (60, 60)
    wait_for(lambda: not any(_lives(pid) for pid in orphans), what="the end of its workers")
    wait_for(lambda: len(api.get("/queue")["workers"]) == 3, what="the workers that are left")
    assert other.stop() == 0


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_worker_on_tables_of_another_version_is_refused(own_redis: EmbeddedRedis, start: StartService) -> None:
    worker = start("worker", ready=False, listen=None, environ={"GONEMASTER_BROKER_URL": own_redis.url})
    assert worker.process.wait(120) == 2
    assert "gonemaster-server db upgrade" in worker.log


def test_broker_that_is_not_there_refuses_the_start(start: StartService) -> None:
    service = start(ready=False, broker_url="redis://127.0.0.1:1/0")
    assert service.process.wait(120) == 2
    assert "Redis is unavailable" in service.log
    assert "Traceback" not in service.log


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gonemaster_api.server", *arguments], capture_output=True, text=True, timeout=120
    )


def test_database_is_migrated_back_and_forth_on_the_command_line(tmp_path: Path) -> None:
    where = ("--data-dir", str(tmp_path), "--db-dsn", str(tmp_path / "store.db"))
    assert command(*where, "db", "upgrade").returncode == 0
    newest = command(*where, "db", "current").stdout
    back = command(*where, "db", "downgrade", "base")
    assert (back.returncode, command(*where, "db", "current").stdout) == (0, "none\n")
    assert "database migrated" in back.stderr
    unknown = command(*where, "db", "downgrade", "9999")
    assert unknown.returncode == 2
    assert "9999" in unknown.stderr
    assert "Traceback" not in unknown.stderr
    assert command(*where, "db", "upgrade").returncode == 0
    assert command(*where, "db", "current").stdout == newest


def test_reader_of_the_settings_may_leave_early() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gonemaster_api.server", "--dump-config"],
            stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
