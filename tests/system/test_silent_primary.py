"""The host of the database falls silent: its standby is promoted, or it comes back, and work goes on soon."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gonemaster_db.migrations.runner import upgrade
from gonemaster_db.settings import StoreSettings
from gonemaster_tasks.broker.client import Broker
from tests.support.faults import JOBS, SLOTS, Load
from tests.support.networks import Host, hosts
from tests.support.postgres import USER, PostgresServer, find_binaries
from tests.support.workers import open_farm, wait_until

log = logging.getLogger(__name__)

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(300 + JOBS)]

# Those of a service that nobody has configured.
AS_DEFAULT = {
    "GONEMASTER_LEASE_SECONDS": "15",
    "GONEMASTER_REAP_INTERVAL_SECONDS": "2",
    "GONEMASTER_RECONCILE_INTERVAL_SECONDS": "60",
    "GONEMASTER_WORKER_COUNT": SLOTS,
}


@contextmanager
def loaded(broker: Broker, directory: Path, database: str, *where: Host) -> Iterator[Load]:
    """Two workers at work on a database on these hosts."""
    dsn = f"host={','.join(host.address for host in where)} user={USER} dbname={database}"
    settings = StoreSettings(driver="postgres", dsn=dsn)
    with open_farm(broker, settings, directory, **AS_DEFAULT) as farm:
        upgrade(farm.store)
        for name in ("one", "two"):
            farm.start_worker(name, ready=False)
        for name in ("one", "two"):
            farm.wait_ready(name)
        load = Load(farm)
        load.submit()
        load.wait_until_running()
        yield load


def tell_standstill(load: Load, since: float, until: float) -> None:
    """Print when the first job was started after a moment, and after the fault was over."""
    first = min((start["at"] for start in load.farm.starts() if start["at"] > since + 1), default=since)
    log.info("the standstill was %.1f s, %.1f s of it after the fault was over", first - since, first - until)


def test_a_standby_is_promoted(own_broker: Broker, tmp_path: Path) -> None:
    if not (find_binaries() / "pg_basebackup").exists():
        pytest.skip("this PostgreSQL has no pg_basebackup to make a standby")
    with hosts(2) as (first, second), PostgresServer(on=first) as primary:
        database = primary.create_database()
        with (
            PostgresServer(on=second, standby_of=primary) as standby,
            loaded(own_broker, tmp_path, database, first, second) as load,
        ):
            wait_until(lambda: _count(standby, database), what="the standby has the jobs")
            first.cut()
            cut_at = time.time()
            standby.promote()
            load.assert_each_ended_once(lost_claims=1)
            tell_standstill(load, cut_at, cut_at)


def _count(server: PostgresServer, database: str) -> int:
    with server.cursor(database) as cursor:
        cursor.execute("SELECT count(*) FROM jobs")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("for_s", [5, 30])
def test_it_comes_back(own_broker: Broker, tmp_path: Path, for_s: int) -> None:
    with (
        hosts(1) as (host,),
        PostgresServer(on=host) as server,
        loaded(own_broker, tmp_path, server.create_database(), host) as load,
    ):
        host.cut()
        cut_at = time.time()
        time.sleep(for_s)  # the fault itself
        host.join()
        back_at = time.time()
        load.assert_each_ended_once()
        tell_standstill(load, cut_at, back_at)
