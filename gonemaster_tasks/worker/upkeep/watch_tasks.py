"""The tasks of watches: find events and deliver notifications.

A repeated task, woken by a Celery task, attempts the deliveries. Receivers determine how long an attempt takes, so it
must not occupy a maintenance slot.
"""

import math
from collections.abc import Callable
from functools import partial

from celery import Celery

from gonemaster_tasks import queues
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.watches.deliveries import attempt_due_deliveries, notify_due_deliveries
from gonemaster_tasks.maintenance.watches.follower import follow_watches
from gonemaster_tasks.maintenance.watches.observing import ZoneObserver, ZoneWatching
from gonemaster_tasks.maintenance.watches.queue_issues import notify_issues
from gonemaster_tasks.monitoring.health import find_issues
from gonemaster_tasks.repeating import BEAT_S, RepeatedTask
from gonemaster_tasks.worker.execute.process import Process
from gonemaster_tasks.worker.upkeep.repeated_tasks import OneAtATime

_OBSERVE_EVERY_S = 2 * BEAT_S
_LOOK_ANYWAY_S = 600.0  # rarely needed, since code that makes a delivery due wakes the task


def delivery_task(process: Process) -> RepeatedTask:
    """Return the task that attempts deliveries when it is woken."""

    def attempt() -> None:
        now, stopped = process.clock.now, process.stopping.is_set
        attempt_due_deliveries(process.store, process.settings, worker=process.name, now=now, stopped=stopped)

    return RepeatedTask("deliveries", attempt, pause_s=_LOOK_ANYWAY_S)


def observation_task(process: Process) -> RepeatedTask:
    """Return the task that observes the zones of watches; workers that do not serve the batch queue do nothing.

    A paused batch queue stops it, as does the loss of the network.
    """
    runner = process.runner
    if not isinstance(runner, ZoneObserver):
        return RepeatedTask("observations", lambda: None, pause_s=math.inf)

    def stopped() -> bool:
        return process.stopping.is_set() or process.gate.paused(queues.BATCH)

    watching = ZoneWatching(process.store, runner, process.clock.now, stopped)

    def observe() -> None:
        if queues.BATCH in process.settings.worker_queues and not stopped() and watching.is_due():
            process.loop.call(watching.observe_due())

    return RepeatedTask("observations", observe, pause_s=_OBSERVE_EVERY_S)


def register_watches(app: Celery, process: Process, *, wake_deliveries: Callable[[], None]) -> None:
    """Register the tasks for a worker process."""
    watching = OneAtATime(queues.WATCH, lambda: process.broker.locks)

    def find_events() -> None:
        store, broker, now = process.store, process.broker, process.clock.now()
        scoring = partial(current_scoring, store, process.settings)
        parts = QueueParts(store, broker, app, process.clock)
        follow_watches(store, scoring, now=now, stopped=process.stopping.is_set)
        notify_due_deliveries(store, broker, now=now)
        if notify_issues(store, partial(find_issues, parts, process.settings), now=now):
            notify_due_deliveries(store, broker, now=now)

    @app.task(name=queues.WATCH, shared=False)
    def watch() -> None:
        with process.store.background_limits():
            watching.run(find_events)

    @app.task(name=queues.DELIVER, shared=False)
    def deliver() -> None:
        wake_deliveries()
