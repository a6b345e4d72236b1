"""The live workers, with their jobs and last runs, for pages."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gonemaster_api.errors import NotFound
from gonemaster_api.state import State
from gonemaster_db.models import Job, Run
from gonemaster_db.queue.jobs import list_running_jobs
from gonemaster_db.runs.runs import list_last_runs_of_worker
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.errors import BrokerUnavailable

GROUPED_FROM = 21  # Above 20 workers a list has one line per host.
_LAST_RUNS = 50


@dataclass(frozen=True)
class WorkerHost:
    """The workers of one host."""

    name: str
    workers: Sequence[WorkerState]

    @property
    def slots(self) -> int:
        """The slots of the host."""
        return sum(worker.slots for worker in self.workers)

    @property
    def slots_in_use(self) -> int:
        """The slots that run a job."""
        return sum(worker.slots_in_use for worker in self.workers)

    @property
    def running(self) -> int:
        """The running jobs, including those that wait for name servers without a slot."""
        return sum(len(worker.running) for worker in self.workers)


@dataclass(frozen=True)
class WorkerDetail:
    """A worker with its running jobs and its last runs."""

    worker: WorkerState
    started_at: datetime
    jobs: Sequence[Job]
    runs: Sequence[Run]


def read_workers(state: State) -> list[WorkerState] | None:
    """Return the live workers, sorted by name; None if the broker is unavailable."""
    try:
        return state.broker.workers.live()
    except BrokerUnavailable:
        return None


def group_workers(workers: Iterable[WorkerState]) -> list[WorkerHost]:
    """Return the workers by host."""
    found = defaultdict(list)
    for worker in workers:
        found[worker.host].append(worker)
    return [WorkerHost(name, found[name]) for name in sorted(found)]


def read_worker(state: State, name: str) -> WorkerDetail:
    """Return a live worker with its jobs and last runs.

    Raises:
        BrokerUnavailable: the broker does not respond.
        NotFound: no live worker has the name.
    """
    worker = next((worker for worker in state.broker.workers.live() if worker.name == name), None)
    if worker is None:
        raise NotFound("worker", name)
    with state.store.read_only() as session:
        jobs = list_running_jobs(session, list(worker.running))
        runs = list_last_runs_of_worker(session, name, limit=_LAST_RUNS)
    return WorkerDetail(worker, datetime.fromtimestamp(worker.started_at, UTC), jobs, runs)


def domains_of(state: State, workers: Iterable[WorkerState]) -> dict[str, list[dict[str, Any]]]:
    """Return the running jobs of workers by worker name, with ID and domain."""
    workers = list(workers)
    ids = [job_id for worker in workers for job_id in worker.running]
    with state.store.read_only() as session:
        jobs = {job.id: {"id": job.id, "domain": job.domain} for job in list_running_jobs(session, ids)}
    return {worker.name: [jobs[job_id] for job_id in worker.running if job_id in jobs] for worker in workers}
