"""The schedule of beat, as RedBeat stores it in Redis."""

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

    def share_client(self, app: Celery) -> None:
        """Make RedBeat use this client: its own client retries forever while Redis is unavailable."""
        ensure_conf(app)
        setattr(app, REDBEAT_REDIS_KEY, self._client)

    def active(self) -> bool:
        """Return whether a beat holds the lock; without a beat no recurring task is sent."""
        with reachable():
            return bool(self._client.exists(BEAT_LOCK))

    def missing_entries(self, app: Celery) -> list[str]:
        """Return the names of configured entries that are missing in Redis; beat does not report them."""
        ensure_conf(app)
        names = list(app.conf.beat_schedule)
        with reachable():
            keys = [RedBeatSchedulerEntry.generate_key(app, name) for name in names]
            scores = [self._client.zscore(app.redbeat_conf.schedule_key, key) for key in keys]
        return [name for name, score in zip(names, scores, strict=True) if score is None]

    def bring_forward(self, app: Celery) -> list[str]:
        """Restart entries that are due more than one interval from now; return their names.

        Such entries come from an earlier beat whose clock was ahead, or from a clock of Redis that was set back.
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
        """Return the saved entry of this name, None if beat has none."""
        self.share_client(app)
        with reachable():
            try:
                return RedBeatSchedulerEntry.from_key(RedBeatSchedulerEntry.generate_key(app, name), app=app)
            except KeyError:
                return None

    def save_entry(self, app: Celery, name: str) -> None:
        """Replace the saved entry with the configured one; it is due one new interval after its last run."""
        saved = self.saved_entry(app, name)
        entry = RedBeatSchedulerEntry(name, app=app, **app.conf.beat_schedule[name])
        # Without the last run, each change of the interval would postpone the task by a whole interval.
        if saved is not None and saved.last_run_at is not None:
            entry.last_run_at = saved.last_run_at
        with reachable():
            entry.save()
