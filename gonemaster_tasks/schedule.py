"""The schedule of beat: RedBeat stores it in Redis, and this module restores lost entries."""

from celery import Celery

from gonemaster_tasks.app import PURGE_ENTRY
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.settings import Settings

PURGE_INTERVAL = "database.purge_interval_seconds"


def restore_entries(app: Celery, broker: Broker) -> list[str]:
    """Save missing configured entries and correct entries delayed by a wrong clock; return their names."""
    missing = broker.beat.missing_entries(app)
    for name in missing:
        broker.beat.save_entry(app, name)
    return missing + broker.beat.bring_forward(app)


def follow_purge_interval(app: Celery, broker: Broker, settings: Settings) -> bool:
    """Apply the purge interval of the settings; an override replaces the interval in beat's entry.

    Without an override the settings of the beat process apply. Return whether the entry was replaced.
    """
    interval_s = settings.purge_interval_seconds
    app.conf.beat_schedule[PURGE_ENTRY]["schedule"] = interval_s
    if settings.source(PURGE_INTERVAL) != "database":
        return False
    known = broker.beat.saved_entry(app, PURGE_ENTRY)
    if known is None or known.schedule.run_every.total_seconds() == interval_s:
        return False
    broker.beat.save_entry(app, PURGE_ENTRY)
    return True
