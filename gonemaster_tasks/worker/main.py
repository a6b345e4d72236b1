"""A worker process: `python -m gonemaster_tasks.worker --name N [--queues normal,batch,maintenance,check]`."""

import argparse
import logging
import os
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import Celery, signals
from celery.worker.control import control_command

from gonemaster_db.core.clock import follow, utcnow
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.states import Keep
from gonemaster_engine.memory import (
    collect_rarely,
    limit_heaps,
    release_free_memory,
)
from gonemaster_engine.net.wire.rdata import load_all_types
from gonemaster_engine.open_files import raise_open_files_limit
from gonemaster_engine.version import __version__
from gonemaster_tasks import queues
from gonemaster_tasks.app import make_app_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import SharedClock
from gonemaster_tasks.broker.events import EventPublisher
from gonemaster_tasks.broker.politeness import RedisLeaseClient
from gonemaster_tasks.config.environment import refuse_unknown_protection, warn_of_unknown_variables
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.logging import log_as_set
from gonemaster_tasks.config.rendering import secrets_of
from gonemaster_tasks.config.scoring import current_scoring, known_scoring
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.config.store import worker_store_settings
from gonemaster_tasks.config.view_files import read_view_files
from gonemaster_tasks.config.watcher import SettingsWatcher
from gonemaster_tasks.control.broadcasts import CANCEL_COMMAND
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.revocation import ANNOUNCE_COMMAND
from gonemaster_tasks.errors import TasksError
from gonemaster_tasks.logs import JobLineHandler
from gonemaster_tasks.maintenance.metrics import aggregate_runs
from gonemaster_tasks.maintenance.operations import perform_due_operations
from gonemaster_tasks.maintenance.recurring import run_due_schedules
from gonemaster_tasks.maintenance.retention import purge_regularly
from gonemaster_tasks.maintenance.scores import ScoreRecomputation
from gonemaster_tasks.maintenance.statistics import make_due_statistics
from gonemaster_tasks.maintenance.tag_summaries import keep_tag_summaries
from gonemaster_tasks.repeating import BEAT_S, RepeatedTask
from gonemaster_tasks.tracing import start_tracing, stop_tracing
from gonemaster_tasks.worker.consume import tier_order
from gonemaster_tasks.worker.consume.gate import POOL_THREADS, Gate
from gonemaster_tasks.worker.consume.head_order import HeadOrder
from gonemaster_tasks.worker.consume.transport import transport_settings
from gonemaster_tasks.worker.execute import isolated_run
from gonemaster_tasks.worker.execute.claims import ClaimStore
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from gonemaster_tasks.worker.execute.fork_server import ForkServer
from gonemaster_tasks.worker.execute.isolation import Isolation
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.execute.run_job import run_job
from gonemaster_tasks.worker.execute.runner import ReachesNetwork, Runner
from gonemaster_tasks.worker.execute.running import Stop
from gonemaster_tasks.worker.execute.task_events import JobRequest, announce_revoked, bound_revoked
from gonemaster_tasks.worker.upkeep.analysis_tasks import register_analysis
from gonemaster_tasks.worker.upkeep.consumption import ConsumptionWatch
from gonemaster_tasks.worker.upkeep.external_data import external_data_task
from gonemaster_tasks.worker.upkeep.heartbeat import Heartbeat
from gonemaster_tasks.worker.upkeep.leases import LeaseKeeper
from gonemaster_tasks.worker.upkeep.maintenance_timer import MaintenanceTimer
from gonemaster_tasks.worker.upkeep.reaping import Reaper, reap_once
from gonemaster_tasks.worker.upkeep.repeated_tasks import OneAtATime, repeated
from gonemaster_tasks.worker.upkeep.unclaimed import Unclaimed
from gonemaster_tasks.worker.upkeep.usage import UsageReport
from gonemaster_tasks.worker.upkeep.watch_tasks import delivery_task, observation_task, register_watches
from gonemaster_tasks.worker.upkeep.watchdog import EXIT_STATUS, Watchdog

if TYPE_CHECKING:
    from gonemaster_tasks.worker.upkeep.process_metrics import ProcessMetrics

log = logging.getLogger(__name__)

# A minimum, because a step of an operation may take longer than the time between renewals for a test.
_OPERATION_LEASE = timedelta(seconds=30)
_OPEN_FILES = 16_384  # Sockets of the engine, TCP connections, and the other files of the process.

_WATCHDOG_FIRST_S = 2.0  # The watchdog of the process logs its jobs before the fork server ends it.
_CHECK_NETWORK_S = 2.0
_GIVE_BACK_S = 2.0  # Limits the freed memory that is retained in the meantime to a few MiB.


@control_command(name=CANCEL_COMMAND, args=[("job_ids", list)], signature="[id1 [id2 ...]]")
def cancel_running(state: Any, job_ids: Sequence[str]) -> dict[str, Any]:
    """Cancel the given jobs that run in this process."""
    jobs = state.app.gonemaster.jobs
    return {"ok": [job_id for job_id in job_ids if jobs.stop(job_id, Stop.CANCELED)]}


@control_command(name=ANNOUNCE_COMMAND, args=[("tasks", list)], signature="[task1 [task2 ...]]")
def publish_revoked(state: Any, tasks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Announce to monitors the jobs that were canceled while waiting."""
    dispatcher = state.consumer.event_dispatcher
    if dispatcher is not None and dispatcher.enabled:
        announce_revoked(dispatcher, tasks)
    return {"ok": len(tasks)}


def register_tasks(app: Celery, process: Process, *, wake_deliveries: Callable[[], None] = lambda: None) -> None:
    """Bind the tasks to a process."""
    app.gonemaster = process
    _register_schedules(app, process)
    register_analysis(app, process)
    register_watches(app, process, wake_deliveries=wake_deliveries)

    # The task is not shared: it belongs to this process only.
    @app.task(name=queues.RUN, bind=True, shared=False, Request=JobRequest)
    def run(self: Any, job_id: str) -> None:
        run_job(process, job_id, self.request.delivery_info["routing_key"])

    @app.task(name=queues.REAP, shared=False)  # Sent by the beat of older releases, and manually.
    def reap_jobs() -> None:
        with repeated(queues.REAP):
            reap_once(process)

    @app.task(name=queues.PURGE, shared=False)
    def purge() -> None:
        now, stopped = process.clock.now(), process.stopping.is_set
        with repeated(queues.PURGE), process.store.background_limits():
            purge_regularly(process.store, process.broker, process.live, now=now, stopped=stopped)

    recomputation = ScoreRecomputation()
    adding_up = OneAtATime(queues.AGGREGATE, lambda: process.broker.locks)

    @app.task(name=queues.AGGREGATE, shared=False)
    def aggregate() -> None:
        with process.store.background_limits():
            adding_up.run(lambda: _aggregate(process, recomputation))

    operating = threading.Lock()

    @app.task(name=queues.OPERATE, shared=False)
    def operate() -> None:
        if not operating.acquire(blocking=False):  # The slot that performs operations also takes newly due ones.
            return
        try:
            lease = max(_OPERATION_LEASE, timedelta(seconds=process.settings.lease_seconds))
            now, stopped = process.clock.now, process.stopping.is_set
            parts = QueueParts(process.store, process.broker, app, process.clock)
            attempts = process.settings.max_attempts
            with repeated(queues.OPERATE), process.store.background_limits():
                perform_due_operations(
                    parts, worker=process.name, now=now, lease=lease, max_attempts=attempts, stopped=stopped
                )
                make_due_statistics(process.store, process.broker, now=now, stopped=stopped)
        finally:
            operating.release()


def _aggregate(process: Process, recomputation: ScoreRecomputation) -> None:
    now, stopped = process.clock.now, process.stopping.is_set
    aggregate_runs(process.store, now=now, stopped=stopped)
    keep_tag_summaries(process.store, process.broker, now=now, stopped=stopped)
    scoring = current_scoring(process.store, process.settings)
    recomputation.advance(process.store, process.broker, scoring, stopped=stopped)


def _register_schedules(app: Celery, process: Process) -> None:
    running = threading.Lock()

    @app.task(name=queues.RUN_SCHEDULES, shared=False)
    def run_schedules() -> None:
        # One slot is enough: a large batch takes longer than the interval.
        if not process.settings.scheduler_enabled or not running.acquire(blocking=False):
            return
        try:
            parts = QueueParts(process.store, process.broker, app, process.clock)
            maximum, stopped = process.settings.max_batch_size, process.stopping.is_set
            keep = Keep(process.settings.keep_runs)
            with repeated(queues.RUN_SCHEDULES), process.store.background_limits():
                run_due_schedules(parts, max_batch_size=maximum, keep=keep, stopped=stopped)
        finally:
            running.release()


class Worker:
    """A worker process, whose parts are started and stopped in order."""

    def __init__(
        self, live: LiveSettings, store: Store, runner: Runner, *, name: str, fork_server: ForkServer | None = None
    ) -> None:
        settings = live.base
        broker = Broker.open(settings.broker_url, window=settings.queue_window)
        clock = SharedClock()
        gate = Gate(
            slots=settings.worker_count,
            reserved_normal=settings.reserved_normal_slots,
            reserved_check=settings.reserved_check_slots,
            min_batch=settings.min_batch_slots,
            clock=clock,
        )
        tier_order.install(gate)
        claim_store = ClaimStore(store, worker=name, clock=clock, lease=timedelta(seconds=settings.lease_seconds))
        head_order = HeadOrder(store, broker)
        isolation = Isolation(fork_server, lambda: current_scoring(store, settings))
        publisher = EventPublisher(broker.events)
        self.process = Process(
            name, live, store, broker, runner, gate, publisher, claim_store, clock, head_order, isolation=isolation
        )
        JobLineHandler(self.process.lines.add, secrets=secrets_of(settings))
        self.app = make_app_of(settings, transport=transport_settings)
        self._deliveries = delivery_task(self.process)
        self._observations = observation_task(self.process)
        self._external_data = external_data_task(self.process)
        register_tasks(self.app, self.process, wake_deliveries=self._deliveries.wake)
        self._leases = LeaseKeeper(self.process)
        self._watchdog = Watchdog(
            self.process.loop,
            self.process.jobs,
            fork_server,
            limit_s=settings.stall_timeout_seconds,
            lease_s=settings.lease_seconds,
        )
        self._usage = UsageReport(self.process)
        self._reaper = Reaper(self.process)
        gate.pause_while(self.process.database.is_unavailable)
        self._database = RepeatedTask(
            "database watch", lambda: self.process.database.ask(store.ping), pause_s=BEAT_S, retry_s=0.5
        )
        self._network = RepeatedTask("network check", self.process.network.observe, pause_s=_CHECK_NETWORK_S)
        if isinstance(runner, ReachesNetwork):
            self.process.network.check_with(
                lambda: self.process.loop.call(runner.reach()),
                on_loss=lambda: self.process.jobs.stop_all(Stop.OFFLINE),
                traffic=runner.traffic,
            )
        gate.pause_tests_while(self.process.network.is_lost)
        self._free_memory = RepeatedTask("free memory", release_free_memory, pause_s=_GIVE_BACK_S, is_quick=True)
        self._unclaimed = Unclaimed(self.process)
        self._own_metrics: ProcessMetrics | None = None
        self._maintenance = MaintenanceTimer(self.process, self.app)
        self._settings = SettingsWatcher(live, store, broker, polls=False)
        self._consumption = ConsumptionWatch(self.process, queues=settings.worker_queues)
        self._heartbeat = Heartbeat(
            self.process,
            self._consumption,
            queues=settings.worker_queues,
            reconcile=self._maintenance.reconcile_now,
            follow_settings=self._settings.follow,
        )

    def run(self) -> int:
        """Run until a signal stops the process; return the exit code."""
        follow(self.process.clock.now)
        self._start()
        signals.worker_shutting_down.connect(self._shutting_down, weak=False)
        consumer = self.app.Worker(
            hostname=self.process.name,
            queues=list(self.process.settings.worker_queues),
            pool="threads",
            concurrency=POOL_THREADS,
            loglevel=logging.getLevelName(logging.getLogger().level),
            without_mingle=True,  # Revocations are stored in the rows.
            without_gossip=True,
            quiet=True,
        )
        bound_revoked()
        load_all_types()
        collect_rarely(for_runs=True)
        self._watchdog.start()
        self._consumption.start()
        try:
            consumer.start()
        finally:
            self._consumption.stop()
            self._watchdog.stop()
            self._stop()
        return EXIT_STATUS if self._consumption.has_ended else int(consumer.exitcode or 0)

    def _start(self) -> None:
        process = self.process
        process.broker.check()
        # This comes first, because an address in use must not leave a partly started worker.
        if process.settings.metrics_listen:
            from gonemaster_tasks.worker.upkeep.process_metrics import ProcessMetrics  # rarely needed, and large

            self._own_metrics = ProcessMetrics(process, process.settings.metrics_listen)
        process.loop.start()
        process.loop.call(process.runner.open())
        process.publisher.start()
        self._leases.start()
        self._settings.start()
        self._database.start(at_once=True)
        self._network.start()
        self._heartbeat.start()
        self._reaper.start()  # After the first heartbeat, which synchronizes the clock, and before the first claim.
        self._unclaimed.start()
        self._maintenance.start()
        self._deliveries.start()
        self._observations.start()
        self._external_data.start()
        self._usage.start()
        self._free_memory.start()

    def _stop(self) -> None:
        process = self.process
        self._free_memory.stop()
        self._external_data.stop()
        self._observations.stop()
        self._deliveries.stop()
        self._maintenance.stop()
        self._reaper.stop()
        self._unclaimed.stop()
        self._heartbeat.stop()
        self._network.stop()
        self._database.stop()
        self._settings.stop()
        self._leases.stop()
        process.publisher.stop()
        process.loop.call(process.runner.close())
        process.loop.stop()
        process.isolation.stop()
        self._usage.stop()  # After the last run that could add to it.
        stop_tracing()
        if self._own_metrics is not None:
            self._own_metrics.stop()
        process.broker.close()
        process.store.close()

    def _shutting_down(self, **_: object) -> None:
        """Stop taking messages; after the time limit, stop running jobs and requeue them."""
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
            log.warning("running jobs requeued", extra={"jobs": count})


def node_name(name: str) -> str:
    """Return the full name of a worker: `name@host`, unless it already contains the host."""
    return name if "@" in name else f"{name}@{socket.gethostname()}"


def parse_arguments(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, Settings]:
    """Parse the command line, and load the settings from it and the environment. Raises SettingsError."""
    parser = argparse.ArgumentParser(prog="gonemaster-worker", description=__doc__)
    parser.add_argument("--name", default=f"worker-{os.getpid()}", help="distinct among all workers of a host")
    parser.add_argument("--queues", help="queues to take from, separated by commas")
    parser.add_argument("--metrics-listen", metavar="HOST:PORT", help="serve figures of this process to Prometheus")
    parser.add_argument("--config", type=Path, help="configuration file (JSON)")
    options = parser.parse_args(arguments)
    flags = {"worker_queues": options.queues, "metrics_listen": options.metrics_listen}
    return options, load_settings(flags, file=options.config)


def _engine(live: LiveSettings, store: Store, name: str) -> EngineRunner:
    return EngineRunner(
        live,
        lambda: current_scoring(store, live.base),
        known_scoring=lambda: known_scoring(store, live.base),
        lease_client=RedisLeaseClient(live.base.broker_url, name),
        clock=_time,
        primes_root=True,
    )


def _time() -> float:
    return utcnow().timestamp()


def main(arguments: Sequence[str] | None = None, runner: Runner | None = None) -> int:
    """Run a worker process until a signal stops it. `runner` replaces the engine."""
    try:
        limit_heaps()
        options, settings = parse_arguments(arguments)
        log_as_set(settings)
        refuse_unknown_protection()
        warn_of_unknown_variables()
        # Celery warns if root can receive pickled messages; all messages here are JSON.
        warnings.filterwarnings("ignore", "You're running the worker")
        signals.setup_logging.connect(lambda **_: None, weak=False)  # Keeps Celery from configuring our loggers.
        raise_open_files_limit(_OPEN_FILES)  # Before the engine uses half of the available number.
        make_runner = None if runner is None else lambda _: runner
        fork_server = ForkServer.start(  # Before any thread.
            partial(isolated_run.main, make_runner=make_runner),
            silence_s=settings.stall_timeout_seconds + _WATCHDOG_FIRST_S,
        )
        store = open_store(worker_store_settings(settings))
        read_view_files(store, settings)
        live = LiveSettings(settings)
        start_tracing(settings.otlp_endpoint, service="gonemaster-worker", version=__version__)
        name = node_name(options.name)
        chosen = runner or _engine(live, store, name)
        return Worker(live, store, chosen, name=name, fork_server=fork_server).run()
    except TasksError as error:
        sys.stderr.write(f"gonemaster worker: {error}\n")
        return 2
