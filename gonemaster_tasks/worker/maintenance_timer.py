"""The maintenance timer: worker processes reconcile from time to time, one of them each time."""

import logging
import random
import threading
from datetime import timedelta

from celery import Celery

from gonemaster_db.errors import StoreError
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.schedule import follow_purge_interval
from gonemaster_tasks.worker.process import Process

log = logging.getLogger(__name__)

_LOCK = "reconcile"
_LONGEST = timedelta(minutes=10)


class MaintenanceTimer:
    """One thread. It is not beat that drives it: a beat that lost its schedule sends nothing and reports nothing."""

    def __init__(self, process: Process, app: Celery) -> None:
        self._process = process
        self._app = app
        self._interval_s = float(process.settings.reconcile_interval_seconds)
        self.emptied = threading.Event()  # Redis lost its content: do not wait for the timer
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="maintenance timer", daemon=True)

    def start(self) -> None:
        """Reconcile now, then begin to do so regularly."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ended.set()
        self.emptied.set()
        self._thread.join(timeout=10)

    def _work(self) -> None:
        while not self._ended.is_set():
            self.emptied.clear()
            self._try_reconcile()
            self.emptied.wait(self._interval_s * random.uniform(0.9, 1.1))

    def _try_reconcile(self) -> None:
        broker, name = self._process.broker, self._process.name
        try:
            if broker.locks.acquire(_LOCK, name, _LONGEST) or self._take_over():
                try:
                    reconcile(self._process.store, broker, self._app, now=self._process.clock.now())
                    follow_purge_interval(self._app, broker, self._process.settings)
                finally:
                    broker.locks.release(_LOCK, name)
        except (BrokerUnavailable, StoreError) as error:
            log.warning("not reconciled", extra={"error": str(error)})
        except Exception:  # the thread must live on
            log.exception("not reconciled")

    def _take_over(self) -> bool:
        """Take the lock that a killed worker left behind, perhaps this one's predecessor of the same name."""
        broker, name = self._process.broker, self._process.name
        holder = broker.locks.holder(_LOCK)
        if holder != name and any(worker.name == holder for worker in broker.workers.live()):
            return False
        broker.locks.release(_LOCK, holder)
        return broker.locks.acquire(_LOCK, name, _LONGEST)
