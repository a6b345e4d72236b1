"""What beat sends, as RedBeat keeps it in Redis."""

from datetime import UTC, datetime
from typing import Any

from celery import Celery
from redbeat import RedBeatSchedulerEntry
from redbeat.schedulers import REDBEAT_REDIS_KEY, ensure_conf

from gonemaster_tasks.broker.connection import reachable, server_time
from gonemaster_tasks.broker.keys import BEAT_LOCK

_LATE_S = 10.0


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

    def bring_forward(self, app: Celery) -> list[str]:
        """Let entries that would be due later than one interval from now count from now; return their names.

        A beat of a former version has written them by a clock that was ahead, or that of Redis was put back.
        """
        ensure_conf(app)
        late = []
        with reachable():
            now = server_time(self._client)
            for name, conf in app.conf.beat_schedule.items():
                key = RedBeatSchedulerEntry.generate_key(app, name)
                due_at = self._client.zscore(app.redbeat_conf.schedule_key, key)
                if due_at is None or due_at <= now + conf["schedule"] + _LATE_S:
                    continue
                entry = self.saved_entry(app, name)
                if entry is not None and due_at > now + entry.schedule.run_every.total_seconds() + _LATE_S:
                    entry.reschedule(last_run_at=datetime.fromtimestamp(now, UTC))
                    late.append(name)
        return late

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
