"""While another client of PostgreSQL has locked all rows, and writers wait for them, the queue can still be read."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2
import pytest

from gonemaster_db.core.base import Base
from gonemaster_db.core.settings import StoreSettings
from gonemaster_tasks.broker.client import Broker
from tests.distributed.test_silent_servers import ask, serving
from tests.support.stores import MakeSettings
from tests.support.workers import Farm, wait_until

READS = ("/queue", "/queue/health", "/jobs", "/batches", "/readyz", "/metrics")
WRITERS = 24


@contextmanager
def all_rows_locked(dsn: str) -> Iterator[None]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        for table in Base.metadata.sorted_tables:
            cursor.execute(f'SELECT 1 FROM "{table.name}" FOR UPDATE')
        yield
        connection.rollback()


def waiting_for_locks(dsn: str) -> list[str]:
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return [query for (query,) in cursor.fetchall()]


def hold_all(farm: Farm, job_ids: list[str]) -> None:
    for job_id in job_ids:
        request = urllib.request.Request(f"{farm.environ['URL']}/jobs/{job_id}/hold", b"{}", method="POST")
        request.add_header("Content-Type", "application/json")
        with suppress(OSError, urllib.error.HTTPError), urllib.request.urlopen(request, timeout=120):
            pass


@pytest.mark.parametrize("writers", [0, WRITERS])
def test_reads_of_the_queue_wait_for_no_lock(
    broker: Broker, make_store_settings: MakeSettings, tmp_path: Path, writers: int
) -> None:
    settings: StoreSettings = make_store_settings("postgres")
    dsn = settings.dsn.replace("postgresql+psycopg2://", "postgresql://")
    with serving(broker, settings, tmp_path) as farm:
        farm.submit_batch([f"n{number}.test" for number in range(20)])
        job_ids = [farm.submit(f"held{number}.test") for number in range(writers)]
        for path in READS:
            ask(farm, path)
        with all_rows_locked(dsn):
            threads = [threading.Thread(target=hold_all, args=(farm, [job_id])) for job_id in job_ids]
            for thread in threads:
                thread.start()
            if writers:
                wait_until(lambda: waiting_for_locks(dsn), what="a writer that waits")
            for path in READS * 3:
                status, document = ask(farm, path)
                assert status == 200, (path, document, farm.log("api")[-1500:])
                stuck = [query for query in waiting_for_locks(dsn) if "jobs" not in query]
                assert stuck == [], path
        for thread in threads:
            thread.join()
