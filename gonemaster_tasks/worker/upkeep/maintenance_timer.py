"""The maintenance timer: worker processes reconcile at intervals and refill tiers, one process at a time."""

import random
from datetime import timedelta

from celery import Celery

from gonemaster_tasks.control.messages.window import LOW
from gonemaster_tasks.control.order_changes import refill_tier
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.repeating import BEAT_S, RepeatedTask
from gonemaster_tasks.schedule import follow_purge_interval
from gonemaster_tasks.worker.execute.process import Process

_LOCK = "reconcile"
_MAX_INTERVAL = timedelta(minutes=10)


class MaintenanceTimer:
    """The tasks that reconcile at intervals, and that write the messages of further jobs when a tier has few.

    They do not depend on beat, because a beat without a schedule fails silently.
    """

    def __init__(self, process: Process, app: Celery) -> None:
        self._process = process
        self._app = app
        interval_s = float(process.settings.reconcile_interval_seconds)
        # Use random intervals, because workers that start together would otherwise request the lock at the same time.
        self._task = RepeatedTask(
            "maintenance timer", self._reconcile, pause_s=lambda: interval_s * random.uniform(0.9, 1.1)
        )

        self._refill = RepeatedTask("refill", self._refill_low, pause_s=BEAT_S)

    def start(self) -> None:
        """Reconcile immediately, then at intervals."""
        self._task.start(at_once=True)
        self._refill.start()

    def reconcile_now(self) -> None:
        """Reconcile without waiting for the next interval."""
        self._task.wake()

    def stop(self) -> None:
        """Stop the timer."""
        self._refill.stop()
        self._task.stop()

    def _refill_low(self) -> None:
        process, pulse = self._process, self._process.pulse.read()
        low = LOW * process.broker.window.size
        for tier in pulse.cut:
            if pulse.depths[tier] < low and not pulse.controls.outdated:
                with process.store.background_limits():
                    refill_tier(process.store, process.broker, tier)

    def _reconcile(self) -> None:
        broker, name = self._process.broker, self._process.name
        # A Redis that returns with older files may have the lock of an earlier reconciliation.
        lock = f"{_LOCK}:{broker.marks.controls().replication_id}"
        if broker.locks.acquire(lock, name, _MAX_INTERVAL) or self._take_over(lock):
            try:
                with self._process.store.background_limits():
                    reconcile(self._process.store, broker, self._app, now=self._process.clock.now())
                follow_purge_interval(self._app, broker, self._process.settings)
            finally:
                broker.locks.release(lock, name)

    def _take_over(self, lock: str) -> bool:
        """Acquire the lock left behind by a killed worker, which may be a predecessor with the same name."""
        broker, name = self._process.broker, self._process.name
        holder = broker.locks.holder(lock)
        if holder != name and any(worker.name == holder for worker in broker.workers.live()):
            return False
        broker.locks.release(lock, holder)
        return broker.locks.acquire(lock, name, _MAX_INTERVAL)
