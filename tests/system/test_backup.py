"""A backup taken during a sweep is restored with an empty Redis, as the how-to page describes, and the sweep finishes.
The sweep is paused before the backup, so that some jobs are still waiting even on a fast machine; long jobs keep
running.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Job, Run
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from tests.support.faults import SLOTS, Load, kill_and_empty
from tests.support.postgres import PostgresServer, find_binaries
from tests.support.sources import ROOT
from tests.support.stores import MakeSettings
from tests.support.workers import Farm, open_farm, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
_JOBS = 80
_ENVIRON = {"GONEMASTER_WORKER_COUNT": SLOTS}


def blocks() -> list[str]:
    """The commands of the page."""
    return re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/howto/backup.md").read_text(), re.MULTILINE | re.DOTALL)


def run(block: str, directory: Path, environ: dict[str, str]) -> None:
    """Run commands of the page literally."""
    program = f'gonemaster-server() {{ "{sys.executable}" -m gonemaster_api.server "$@"; }}'
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{program}\n{block}"],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{find_binaries()}:{os.environ['PATH']}"} | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def begin_sweep(farm: Farm) -> Load:
    """Let a worker finish some of many jobs."""
    farm.start_worker("one")
    load = Load(farm)
    load.submit(_JOBS, each_ms=200)
    load.wait_until_running(0.3)
    load.job_ids += [farm.submit(f"long{number}-5000.test") for number in range(3)]
    wait_until(lambda: all(farm.started(job_id) for job_id in load.job_ids[-3:]), what="the long jobs")
    pause_queue(farm.parts, ("batch",))
    return load


def end_sweep(farm: Farm, job_ids: list[str]) -> None:
    """Let the remaining jobs finish on the restored data; then each job has one run."""
    with farm.store.read_only() as session:
        waiting = session.scalar(select(func.count()).select_from(Job)) or 0
        done = session.scalar(select(func.count()).select_from(Run)) or 0
    assert waiting + done == len(job_ids)
    assert waiting
    assert done
    farm.start_beat()
    farm.start_worker("again")
    wait_until(lambda: farm.broker.lists.depth("batch"), what="messages in a Redis that was empty")
    assert resume_queue(farm.parts) == ["batch"]
    Load(farm, job_ids).assert_each_ended_once()


def test_sqlite(
    own_redis: EmbeddedRedis, own_broker: Broker, make_store_settings: MakeSettings, tmp_path: Path
) -> None:
    saving, restoring, *_ = blocks()
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    settings = StoreSettings(dsn=str(data / "gonemaster.db"))
    Path(make_store_settings("sqlite").dsn).rename(settings.dsn)
    with open_farm(own_broker, settings, tmp_path, **_ENVIRON) as farm:
        load = begin_sweep(farm)
        run(saving, tmp_path, farm.environ)
        assert (tmp_path / "gonemaster-backup.db").stat().st_mode & 0o077 == 0
    kill_and_empty(own_redis)
    later = tmp_path / "later"
    later.mkdir()
    run(restoring, tmp_path, farm.environ)
    with open_farm(own_broker, settings, later, **_ENVIRON) as farm:
        end_sweep(farm, load.job_ids)


@pytest.mark.skipif(shutil.which("pg_dump", path=str(find_binaries())) is None, reason="NOT RUN: no pg_dump here")
def test_postgres(
    own_redis: EmbeddedRedis,
    own_broker: Broker,
    make_store_settings: MakeSettings,
    postgres_server: PostgresServer,
    tmp_path: Path,
) -> None:
    _, _, saving, restoring, copying = blocks()
    with open_farm(own_broker, make_store_settings("postgres"), tmp_path, **_ENVIRON) as farm:
        load = begin_sweep(farm)
        run(saving, tmp_path, farm.environ)
        run(copying, tmp_path, {"REPLICATION_DSN": postgres_server.url("postgres")})
    kill_and_empty(own_redis)
    later = tmp_path / "later"
    later.mkdir()
    settings = StoreSettings(driver="postgres", dsn=postgres_server.url("gonemaster_restored"))
    environ = farm.environ | {"GONEMASTER_DB_DSN": settings.dsn, "ADMIN_DSN": postgres_server.url("postgres")}
    run(restoring, tmp_path, environ)
    try:
        with open_farm(own_broker, settings, later, **_ENVIRON) as farm:
            end_sweep(farm, load.job_ids)
    finally:
        postgres_server.drop_database("gonemaster_restored")
