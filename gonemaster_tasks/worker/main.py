"""A worker process: `python -m gonemaster_tasks.worker --name N [--queues normal,batch,maintenance]`."""

import argparse
import logging
import os
import socket
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import Celery, signals
from celery.worker.control import control_command

from gonemaster_db.session import Store, open_store
from gonemaster_engine.memory import spare_collections
from gonemaster_engine.open_files import raise_open_files_limit
from gonemaster_tasks import queues
from gonemaster_tasks.app import make_app_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.events import EventPublisher
from gonemaster_tasks.config.environment import refuse_unknown_protection, warn_of_unknown_variables
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import worker_store_settings
from gonemaster_tasks.config.watcher import SettingsWatcher
from gonemaster_tasks.control.cancel_broadcast import CANCEL_COMMAND
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import TasksError
from gonemaster_tasks.logs import configure_logging
from gonemaster_tasks.maintenance.operations import perform_due_operations
from gonemaster_tasks.maintenance.reaper import expire, reap
from gonemaster_tasks.maintenance.recurring import run_due_schedules
from gonemaster_tasks.maintenance.retention import purge_regularly
from gonemaster_tasks.maintenance.statistics import make_due_statistics
from gonemaster_tasks.reference_data.fetch import refresh_external_data
from gonemaster_tasks.worker import tier_order
from gonemaster_tasks.worker.analysis_tasks import register_analysis
from gonemaster_tasks.worker.claims import ClaimStore
from gonemaster_tasks.worker.engine_runner import EngineRunner
from gonemaster_tasks.worker.gate import POOL_THREADS, Gate
from gonemaster_tasks.worker.head_order import HeadOrder
from gonemaster_tasks.worker.heartbeat import Heartbeat
from gonemaster_tasks.worker.isolation import Isolation
from gonemaster_tasks.worker.leases import LeaseKeeper
from gonemaster_tasks.worker.maintenance_timer import MaintenanceTimer
from gonemaster_tasks.worker.process import Process
from gonemaster_tasks.worker.repeated_tasks import repeated
from gonemaster_tasks.worker.run_job import run_job
from gonemaster_tasks.worker.runner import Runner
from gonemaster_tasks.worker.running import Stop
from gonemaster_tasks.worker.transport import transport_settings
from gonemaster_tasks.worker.watch_tasks import register_watches
from gonemaster_tasks.worker.watchdog import Watchdog

log = logging.getLogger(__name__)

_OPEN_FILES = 16_384  # sockets of the engine, connections over TCP, and what the process has besides


@control_command(name=CANCEL_COMMAND, args=[("job_ids", list)], signature="[id1 [id2 ...]]")
def cancel_running(state: Any, job_ids: Sequence[str]) -> dict[str, Any]:
    """Cancel those of the jobs that run in this process."""
    jobs = state.app.gonemaster.jobs
    return {"ok": [job_id for job_id in job_ids if jobs.stop(job_id, Stop.CANCELED)]}


def register_tasks(app: Celery, process: Process) -> None:
    """Bind the tasks to a process."""
    app.gonemaster = process
    _register_schedules(app, process)
    register_analysis(app, process)
    register_watches(app, process)

    @app.task(name=queues.RUN, bind=True, shared=False)  # not shared: the task belongs to this process alone
    def run(self: Any, job_id: str) -> None:
        run_job(process, job_id, self.request.delivery_info["routing_key"])

    @app.task(name=queues.REAP, shared=False)
    def reap_jobs() -> None:
        now = process.clock.now()
        with repeated(queues.REAP):
            reap(process.store, process.broker, now=now, max_attempts=process.settings.max_attempts)
            expire(process.store, now=now)

    @app.task(name=queues.PURGE, shared=False)
    def purge() -> None:
        now, stopped = process.clock.now(), process.stopping.is_set
        with repeated(queues.PURGE):
            purge_regularly(process.store, process.broker, process.live, now=now, stopped=stopped)
            refresh_external_data(process.store, process.settings, now=now)

    operating = threading.Lock()

    @app.task(name=queues.OPERATE, shared=False)
    def operate() -> None:
        if not operating.acquire(blocking=False):  # the slot that performs operations takes what is due, too
            return
        try:
            lease = timedelta(seconds=process.settings.lease_seconds)
            now, stopped = process.clock.now, process.stopping.is_set
            parts = QueueParts(process.store, process.broker, app, process.clock)
            attempts = process.settings.max_attempts
            with repeated(queues.OPERATE):
                perform_due_operations(
                    parts, worker=process.name, now=now, lease=lease, max_attempts=attempts, stopped=stopped
                )
                make_due_statistics(process.store, process.broker, now=now, stopped=stopped)
        finally:
            operating.release()


def _register_schedules(app: Celery, process: Process) -> None:
    running = threading.Lock()

    @app.task(name=queues.RUN_SCHEDULES, shared=False)
    def run_schedules() -> None:
        # One slot is enough: a large batch takes longer than the interval.
        if not process.settings.scheduler_enabled or not running.acquire(blocking=False):
            return
        try:
            parts = QueueParts(process.store, process.broker, app, process.clock)
            most, stopped = process.settings.max_batch_size, process.stopping.is_set
            with repeated(queues.RUN_SCHEDULES):
                run_due_schedules(parts, max_batch_size=most, stopped=stopped)
        finally:
            running.release()


class Worker:
    """All parts of a worker process, started and stopped in order."""

    def __init__(self, live: LiveSettings, store: Store, runner: Runner, *, name: str) -> None:
        settings = live.own
        broker = Broker.open(settings.broker_url)
        clock = SharedClock()
        gate = Gate(
            slots=settings.worker_count,
            reserved_normal=settings.reserved_normal_slots,
            min_batch=settings.min_batch_slots,
            clock=clock,
        )
        tier_order.install(gate)
        claim_store = ClaimStore(store, worker=name, clock=clock, lease=timedelta(seconds=settings.lease_seconds))
        head_order = HeadOrder(store, broker)
        isolation = Isolation(lambda: current_scoring(store, settings))
        publisher = EventPublisher(broker.events)
        self.process = Process(
            name, live, store, broker, runner, gate, publisher, claim_store, clock, head_order, isolation=isolation
        )
        self.app = make_app_of(settings, transport=transport_settings)
        register_tasks(self.app, self.process)
        self._leases = LeaseKeeper(self.process)
        self._watchdog = Watchdog(self.process.loop, self.process.jobs, limit_s=settings.stall_timeout_seconds)
        self._maintenance = MaintenanceTimer(self.process, self.app)
        self._settings = SettingsWatcher(live, store, broker)
        self._heartbeat = Heartbeat(
            self.process, queues=settings.worker_queues, reconcile=self._maintenance.reconcile_now
        )

    def run(self) -> int:
        """Work until a signal ends it; returns the exit code."""
        raise_open_files_limit(_OPEN_FILES)  # before the engine takes half of what there is
        self._start()
        signals.worker_shutting_down.connect(self._shutting_down, weak=False)
        consumer = self.app.Worker(
            hostname=self.process.name,
            queues=list(self.process.settings.worker_queues),
            pool="threads",
            concurrency=POOL_THREADS,
            loglevel=logging.getLevelName(logging.getLogger().level),
            without_mingle=True,  # what is revoked stands in the rows
            without_gossip=True,
            quiet=True,
        )
        spare_collections()
        self._watchdog.start()
        try:
            consumer.start()
        finally:
            self._watchdog.stop()
            self._stop()
        return int(consumer.exitcode or 0)

    def _start(self) -> None:
        process = self.process
        process.broker.check()
        process.loop.start()
        process.loop.call(process.runner.open())
        process.publisher.start()
        self._leases.start()
        self._settings.start()
        self._heartbeat.start()
        self._maintenance.start()

    def _stop(self) -> None:
        process = self.process
        self._maintenance.stop()
        self._heartbeat.stop()
        self._settings.stop()
        self._leases.stop()
        process.publisher.stop()
        process.loop.call(process.runner.close())
        process.loop.stop()
        process.broker.close()
        process.store.close()

    def _shutting_down(self, **_: object) -> None:
        """Take nothing more; after the limit running jobs are stopped and queued again."""
        process = self.process
        process.gate.close()
        process.stopping.set()
        timer = threading.Timer(process.settings.drain_timeout.total_seconds(), self._give_up)
        timer.daemon = True
        timer.start()

    def _give_up(self) -> None:
        self.process.given_up.set()
        count = self.process.jobs.stop_all(Stop.DRAINED)
        if count:
            log.warning("running jobs are queued again", extra={"jobs": count})


def node_name(name: str) -> str:
    """Return the full name of a worker: `name@host`, unless the host is in it already."""
    return name if "@" in name else f"{name}@{socket.gethostname()}"


def parse_arguments(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, Settings]:
    """Return the command line, and settings from it and the environment. Raises SettingsError."""
    parser = argparse.ArgumentParser(prog="gonemaster-worker", description=__doc__)
    parser.add_argument("--name", default=f"worker-{os.getpid()}", help="distinct among all workers of a host")
    parser.add_argument("--queues", help="queues to take from, separated by commas")
    parser.add_argument("--config", type=Path, help="configuration file (JSON)")
    given = parser.parse_args(arguments)
    return given, load_settings({"worker_queues": given.queues}, file=given.config)


def _engine(live: LiveSettings, store: Store) -> EngineRunner:
    return EngineRunner(live, lambda: current_scoring(store, live.own))


def main(arguments: Sequence[str] | None = None, runner: Runner | None = None) -> int:
    """Run a worker process until it is told to stop. `runner` replaces the engine."""
    try:
        given, settings = parse_arguments(arguments)
        configure_logging(form=settings.log_format, level=settings.effective_log_level)
        refuse_unknown_protection()
        warn_of_unknown_variables()
        signals.setup_logging.connect(lambda **_: None, weak=False)  # celery keeps off our loggers
        store = open_store(worker_store_settings(settings))
        live = LiveSettings(settings)
        chosen = runner or _engine(live, store)
        return Worker(live, store, chosen, name=node_name(given.name)).run()
    except TasksError as error:
        sys.stderr.write(f"gonemaster worker: {error}\n")
        return 2
