# ruff: noqa: RUF009 - option() is dataclasses.field() with metadata
"""Settings of the broker, the workers and the maintenance of the queue."""

import os
from dataclasses import dataclass
from datetime import timedelta

from gonemaster_tasks.config.address_types import listen_address, optional_listen_address, redis_url
from gonemaster_tasks.config.credential_types import login
from gonemaster_tasks.config.option_types import boolean, duration, integer, words
from gonemaster_tasks.config.options import option
from gonemaster_tasks.queues import BATCH, CHECK, MAINTENANCE, NORMAL

_QUEUES = (NORMAL, BATCH, MAINTENANCE, CHECK)


@dataclass(frozen=True, kw_only=True)
class QueueOptions:
    """Broker, workers, maintenance of the queue, Flower."""

    broker_url: str = option("", redis_url(), "Redis, Valkey or Sentinel that holds the queues", secret=True)
    worker_count: int = option(
        16, integer(1, 1024), "number of slots per worker process", flag="--workers", runtime=True
    )
    worker_processes: int = option(
        os.cpu_count() or 1, integer(1, 1024), "number of worker processes that gonemaster-server starts"
    )
    worker_queues: tuple[str, ...] = option(_QUEUES, words(*_QUEUES), "queues that a worker consumes")
    metrics_listen: str = option(
        "",
        optional_listen_address(),
        "address on which the first worker process serves its own metrics to Prometheus; each further process uses the"
        " next port",
    )
    reserved_normal_slots: int = option(
        1, integer(0, 1024), "slots per worker process that never run batch jobs", runtime=True
    )
    reserved_check_slots: int = option(
        0,
        integer(0, 1024),
        "slots per worker process that run only checks before delegation; one slot always remains for other jobs",
        runtime=True,
    )
    min_batch_slots: int = option(0, integer(0, 1024), "slots per worker process that prefer batch jobs", runtime=True)
    max_concurrent_jobs: int = option(
        0,
        integer(0, 1024),
        "maximum number of jobs that run at the same time, over all workers; 0 means no limit",
        runtime=True,
    )
    queue_window: int = option(
        100_000,
        integer(1000, 10_000_000),
        "maximum number of messages of batch jobs that wait in Redis; the other batch jobs wait in the database and"
        " follow in their order",
    )
    job_timeout_seconds: int = option(
        300, integer(1, 3000), "time limit of one run, in seconds", env="JOB_TIMEOUT", flag="--job-timeout"
    )
    max_attempts: int = option(3, integer(1, 100), "number of starts after which a job fails")
    stall_timeout_seconds: int = option(
        30, integer(2, 3600), "time after which a worker process with a blocked event loop exits, in seconds"
    )
    lease_seconds: int = option(15, integer(2, 3600), "time for which a claim is valid without renewal, in seconds")
    reap_interval_seconds: int = option(
        2, integer(1, 3600), "interval at which jobs with expired leases are requeued, in seconds"
    )
    reconcile_interval_seconds: int = option(
        60, integer(1, 3600), "interval at which the broker is reconciled with the database, in seconds"
    )
    drain_timeout: timedelta = option(
        timedelta(seconds=30),
        duration(above_zero=False),
        "time that running jobs have to finish when a worker stops; the remaining jobs are requeued",
    )
    stuck_job_timeout_minutes: int = option(
        20,
        integer(0, 525600),
        "minutes without progress after which a job counts as stalled; 0 means never",
        env="STUCK_JOB_TIMEOUT",
        flag="--stuck-job-timeout",
        runtime=True,
    )
    scheduler_enabled: bool = option(True, boolean(), "submit batches of schedules", runtime=True)
    scheduler_interval_seconds: int = option(
        60, integer(1, 3600), "interval at which due schedules are submitted, in seconds"
    )
    flower_listen: str = option("127.0.0.1:5555", listen_address(), "address on which Flower listens")
    flower_basic_auth: str = option(
        "", login(), "login of Flower; if empty, a password is generated and printed at start", secret=True
    )

    @property
    def embedded_broker(self) -> bool:
        """Whether the server starts its own broker."""
        return not self.broker_url
