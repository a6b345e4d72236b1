"""The maintenance timer: worker processes reconcile from time to time, one of them each time."""

import random
from datetime import timedelta

from celery import Celery

from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.repeating import RepeatedTask
from gonemaster_tasks.schedule import follow_purge_interval
from gonemaster_tasks.worker.execute.process import Process

_LOCK = "reconcile"
_LONGEST = timedelta(minutes=10)


class MaintenanceTimer:
    """It is not beat that drives it: a beat that lost its schedule sends nothing and reports nothing."""

    def __init__(self, process: Process, app: Celery) -> None:
        self._process = process
        self._app = app
        interval_s = float(process.settings.reconcile_interval_seconds)
        # Spread: workers that were started at one time would all ask for the lock at one time.
        self._task = RepeatedTask(
            "maintenance timer", self._reconcile, pause_s=lambda: interval_s * random.uniform(0.9, 1.1)
        )

    def start(self) -> None:
        """Reconcile now, then begin to do so regularly."""
        self._task.start(at_once=True)

    def reconcile_now(self) -> None:
        """Do not wait for the time of the next reconciliation."""
        self._task.wake()

    def stop(self) -> None:
        """End."""
        self._task.stop()

    def _reconcile(self) -> None:
        broker, name = self._process.broker, self._process.name
        if broker.locks.acquire(_LOCK, name, _LONGEST) or self._take_over():
            try:
                with self._process.store.long_work():
                    reconcile(self._process.store, broker, self._app, now=self._process.clock.now())
                follow_purge_interval(self._app, broker, self._process.settings)
            finally:
                broker.locks.release(_LOCK, name)

    def _take_over(self) -> bool:
        """Take the lock that a killed worker left behind, perhaps this one's predecessor of the same name."""
        broker, name = self._process.broker, self._process.name
        holder = broker.locks.holder(_LOCK)
        if holder != name and any(worker.name == holder for worker in broker.workers.live()):
            return False
        broker.locks.release(_LOCK, holder)
        return broker.locks.acquire(_LOCK, name, _LONGEST)
