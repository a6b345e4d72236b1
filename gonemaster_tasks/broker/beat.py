"""What beat sends, as RedBeat keeps it in Redis."""

from typing import Any

from celery import Celery
from redbeat import RedBeatSchedulerEntry
from redbeat.schedulers import REDBEAT_REDIS_KEY, ensure_conf

from gonemaster_tasks.broker.connection import reachable
from gonemaster_tasks.broker.keys import BEAT_LOCK


class BeatSchedule:
    """RedBeat's entries and lock. All methods raise BrokerUnavailable."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def lend_client(self, app: Celery) -> None:
        """Let RedBeat use our client: its own one retries for ever while Redis is unavailable."""
        ensure_conf(app)
        setattr(app, REDBEAT_REDIS_KEY, self._client)

    def active(self) -> bool:
        """Say whether a beat holds the lock; without one nothing recurring is sent."""
        with reachable():
            return bool(self._client.exists(BEAT_LOCK))

    def missing_entries(self, app: Celery) -> list[str]:
        """Return the names of configured entries that Redis does not have; beat is silent about them."""
        ensure_conf(app)
        names = list(app.conf.beat_schedule)
        with reachable():
            keys = [RedBeatSchedulerEntry.generate_key(app, name) for name in names]
            scores = [self._client.zscore(app.redbeat_conf.schedule_key, key) for key in keys]
        return [name for name, score in zip(names, scores, strict=True) if score is None]

    def saved_entry(self, app: Celery, name: str) -> RedBeatSchedulerEntry | None:
        """Return the entry that beat knows by this name."""
        self.lend_client(app)
        with reachable():
            try:
                return RedBeatSchedulerEntry.from_key(RedBeatSchedulerEntry.generate_key(app, name), app=app)
            except KeyError:
                return None

    def save_entry(self, app: Celery, name: str) -> None:
        """Save a configured entry in place of the saved one; it is due by its last run and the new interval."""
        saved = self.saved_entry(app, name)
        entry = RedBeatSchedulerEntry(name, app=app, **app.conf.beat_schedule[name])
        # A new entry counts from now: without the last run each change of the interval would postpone the task.
        if saved is not None and saved.last_run_at is not None:
            entry.last_run_at = saved.last_run_at
        with reachable():
            entry.save()
