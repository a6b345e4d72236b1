"""Real worker and beat processes (a "farm") on a private broker and database, with a stand-in for the engine."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Run
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.submit import SubmittedBatch, submit_batch, submit_job
from tests.support.forked import Forked, can_be_forked
from tests.support.stores import MakeSettings, opened

Process = subprocess.Popen[bytes] | Forked
ROOT = Path(__file__).parents[2]
STAND_IN = "tests.support.standin_worker"


def wait_until(condition: Callable[[], Any], *, within_s: float = 60.0, what: str = "") -> Any:
    """Poll until the condition is true; return its value."""
    deadline = time.monotonic() + within_s
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what or condition}")
        time.sleep(0.02)
    return answer


@dataclass
class Farm:
    """The workers of one test. `quick` settings let leases expire, reaper and reconciler act within seconds."""

    store: Store
    broker: Broker
    directory: Path
    environ: dict[str, str]
    processes: dict[str, Process] = field(default_factory=dict)
    release: Path = ROOT  # source directory of processes that are started from now on

    def __post_init__(self) -> None:
        app = make_app(self.broker.address.url)
        self.parts = QueueParts(self.store, self.broker, app)
        self.starts_file = self.directory / "starts.jsonl"
        self.environ["GONEMASTER_TEST_STARTS"] = str(self.starts_file)

    # Jobs

    def submit(self, domain: str) -> str:
        """Queue one normal job; return its id."""
        return submit_job(self.parts, NewJob(domain)).id

    def submit_batch(self, domains: Sequence[str]) -> SubmittedBatch:
        """Queue a batch."""
        jobs = (NewJob(domain, priority=1) for domain in domains)
        return submit_batch(self.parts, NewBatch(len(domains)), jobs)

    def status(self, job_id: str) -> str:
        """Return the state of a job or run."""
        with self.store.read_only() as session:
            return str(find_job_or_run(session, job_id).status)

    def run_of(self, job_id: str, *, within_s: float = 60.0) -> Run:
        """Wait for a job to finish; return its run."""

        def ended() -> Run | None:
            with self.store.read_only() as session:
                item = find_job_or_run(session, job_id)
            return item if isinstance(item, Run) else None

        run: Run = wait_until(ended, within_s=within_s, what=f"end of {job_id}")
        return run

    def starts(self) -> list[dict[str, Any]]:
        """Return the starts of jobs in order."""
        if not self.starts_file.exists():
            return []
        return [json.loads(line) for line in self.starts_file.read_text().splitlines()]

    def started(self, job_id: str) -> bool:
        """Return whether a worker has started this job."""
        return any(start["job_id"] == job_id for start in self.starts())

    # Processes

    def start_worker(self, name: str, *arguments: str, ready: bool = True, **environ: str) -> Process:
        """Start a worker process; with `ready` wait until it consumes."""
        process = self._start(name, [STAND_IN, "--name", name, *arguments], environ)
        if ready:
            self.wait_ready(name)
        return process

    def wait_ready(self, name: str) -> None:
        """Wait until a worker consumes from its queues."""

        def ready() -> bool:
            assert self.processes[name].poll() is None, self.log(name)
            return any(state.name.startswith(f"{name}@") for state in self.broker.workers.live()) and (
                "ready." in self.log(name)
            )

        wait_until(ready, within_s=180, what=f"worker {name}")  # on a busy machine the imports take up to a minute

    def start_beat(self, name: str = "beat", **environ: str) -> Process:
        """Start a beat process."""
        return self._start(name, ["gonemaster_tasks.maintenance.beat"], environ)

    def _start(
        self, name: str, module: list[str], environ: dict[str, str], *, descriptor: int | None = None
    ) -> Process:
        environ, file = {**os.environ, **self.environ, **environ}, self.directory / f"{name}.log"
        file.touch()  # a forked process opens it later
        if self.release == ROOT and can_be_forked(module[0], environ):
            self.processes[name] = Forked(module[0], module[1:], environ=environ, log=file)
            return self.processes[name]
        with file.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=self.release,
                env=environ,
                stdout=log,
                stderr=log,
                pass_fds=[] if descriptor is None else [descriptor],
            )
        return self.processes[name]

    def start_api(self, name: str, descriptor: int) -> Process:
        """Start an API process on a listening socket; wait until it accepts connections."""
        module = ["gonemaster_api.server", "api", "--listen-descriptor", str(descriptor)]
        process = self._start(name, module, {}, descriptor=descriptor)
        wait_until(lambda: "event='serving'" in self.log(name), within_s=180, what=name)
        return process

    def run_server(self, *command: str) -> str:
        """Run a command of `gonemaster-server` until it exits; return its output."""
        done = subprocess.run(
            [sys.executable, "-m", "gonemaster_api.server", *command],
            cwd=self.release,
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def log(self, name: str) -> str:
        """Return the log of a process."""
        return (self.directory / f"{name}.log").read_text()

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM, *, within_s: float = 60.0) -> int:
        """Stop a process and wait for it; return its exit code."""
        process = self.processes.pop(name)
        process.send_signal(how)
        return process.wait(timeout=within_s)

    def stop_all(self) -> None:
        """Kill all running processes."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.processes.clear()


@contextmanager
def open_farm(broker: Broker, settings: StoreSettings, directory: Path, **environ: str) -> Iterator[Farm]:
    """Open a farm without workers, with short leases and quick reaper and reconciler."""
    quick = {
        "GONEMASTER_BROKER_URL": broker.address.url,
        "GONEMASTER_DB_DRIVER": settings.driver,
        "GONEMASTER_DB_DSN": settings.dsn,
        "GONEMASTER_DATA_DIR": str(directory),
        "GONEMASTER_WORKER_COUNT": "4",
        "GONEMASTER_LEASE_SECONDS": "2",
        "GONEMASTER_REAP_INTERVAL_SECONDS": "1",
        "GONEMASTER_RECONCILE_INTERVAL_SECONDS": "1",
        "GONEMASTER_DRAIN_TIMEOUT": "10s",
    }
    with opened(settings) as store:
        made = Farm(store, broker, directory, quick | environ)
        try:
            yield made
        finally:
            made.stop_all()
            made.parts.celery.close()


@pytest.fixture
def farm(broker: Broker, make_store_settings: MakeSettings, tmp_path: Path) -> Iterator[Farm]:
    """Return a farm without workers, on SQLite."""
    with open_farm(broker, make_store_settings("sqlite"), tmp_path) as made:
        yield made


@pytest.fixture
def parts(store: Store, broker: Broker) -> Iterator[QueueParts]:
    """Return store, broker and application without a worker; the test runs once on each kind of database."""
    app = make_app(broker.address.url)
    yield QueueParts(store, broker, app)
    app.close()
