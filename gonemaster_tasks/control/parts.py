"""The store and the broker as one object, for code that controls the queue."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import Celery

from gonemaster_db.core.session import Store
from gonemaster_db.models import Job
from gonemaster_tasks.app import make_app_of
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.clock import LazyClock, SharedClock
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.grouping import Groups

_SUBMISSIONS = 100  # Single jobs that share a transaction.


@dataclass(frozen=True)
class SweepLimits:
    """The settings for batches from uploads and files; `directory` is for temporary files."""

    files: str = ""
    max_lines: int = 10_000_000
    lifetime: timedelta = timedelta(hours=24)
    directory: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> "SweepLimits":
        """Return the limits of the settings."""
        directory = settings.data_dir if settings.data_dir.is_dir() else None
        return cls(settings.sweep_files, settings.max_sweep_size, settings.upload_lifetime, directory)


@dataclass(frozen=True)
class QueueParts:
    """The database, broker and Celery application of a process that controls the queue. Thread-safe."""

    store: Store
    broker: Broker
    celery: Celery
    clock: SharedClock = field(default_factory=SharedClock)
    submissions: Groups[Any, Job] = field(default_factory=lambda: Groups(maximum=_SUBMISSIONS))
    sweeps: SweepLimits = SweepLimits()


def open_queue(settings: Settings, store: Store) -> QueueParts:
    """Connect to the broker of the settings, whose URL must be set. Raises BrokerRefused."""
    broker = Broker.open(settings.broker_url, window=settings.queue_window)
    return QueueParts(store, broker, make_app_of(settings), LazyClock(broker), sweeps=SweepLimits.of(settings))
