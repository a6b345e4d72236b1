"""One API and remote workers: three processes with separate names, one of them for interactive jobs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from gonemaster_db.core.session import open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Run
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from tests.support.postgres import PostgresServer
from tests.support.service import Service, wait_for
from tests.system.conftest import StartService

SWEEP = [f"{label}.xa" for label in ("good", "plain", "lame", "serials", "cname", "nosoa")]


@contextmanager
def worker(environ: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker process as another machine would."""
    process = subprocess.Popen([sys.executable, "-m", "gonemaster_tasks.worker", *arguments], env=environ)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def test_three_workers_of_three_hosts_share_one_queue(
    own_redis: EmbeddedRedis, postgres_server: PostgresServer, start: StartService
) -> None:
    dsn = postgres_server.url(postgres_server.create_database())
    shared = {"GONEMASTER_DB_DRIVER": "postgres", "GONEMASTER_DB_DSN": dsn, "GONEMASTER_BROKER_URL": own_redis.url}
    api = start(environ=shared | {"GONEMASTER_WORKER_QUEUES": "maintenance"}, worker_processes=1)
    with ExitStack() as stack, closing(open_store(StoreSettings(driver="postgres", dsn=dsn))) as store:

        def ran_on(job_id: str) -> str:
            with store.read_only() as session:
                run = find_job_or_run(session, job_id)
            assert isinstance(run, Run), run.status
            return str(run.worker)

        environ = api.environ | {"GONEMASTER_WORKER_COUNT": "2", "GONEMASTER_RESERVED_NORMAL_SLOTS": "0"}
        stack.enter_context(worker(environ, "--name", "people@alpha", "--queues", "normal"))
        wait_for(lambda: "people@alpha" in names(api.get("/queue")), what="the dedicated worker")
        batch = api.submit_batch(SWEEP)
        assert ran_on(finished(api, "good.xa")) == "people@alpha"
        assert api.get("/queue")["depth"]["batch"] == len(SWEEP)  # no worker takes batch jobs yet

        for name in ("sweep@beta", "sweep@gamma"):
            stack.enter_context(worker(environ, "--name", name, "--queues", "normal,batch"))
        wait_for(lambda: {"sweep@beta", "sweep@gamma"} <= names(api.get("/queue")), what="the other workers")
        assert api.batch_done(batch["batch_id"])["completed"] == len(SWEEP)
        assert {ran_on(job_id) for job_id in batch["job_ids"]} <= {"sweep@beta", "sweep@gamma"}


def finished(api: Service, domain: str) -> str:
    """Test one domain until the job finishes; return the id."""
    job_id = api.submit(domain)
    api.finished(job_id)
    return job_id


def names(queue: dict[str, Any]) -> set[str]:
    return {worker["name"] for worker in queue["workers"]}
