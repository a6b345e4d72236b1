"""What beat sends: RedBeat keeps it in Redis, and this puts it back when Redis lost it."""

from celery import Celery
from redbeat import RedBeatSchedulerEntry
from redbeat.schedulers import REDBEAT_REDIS_KEY, ensure_conf

from gonemaster_tasks.broker import Broker, reachable


def missing_entries(app: Celery, broker: Broker) -> list[str]:
    """Return the names of configured entries that Redis does not have; beat is silent about them."""
    ensure_conf(app)
    names = list(app.conf.beat_schedule)
    with reachable():
        keys = [RedBeatSchedulerEntry.generate_key(app, name) for name in names]
        scores = [broker.client.zscore(app.redbeat_conf.schedule_key, key) for key in keys]
    return [name for name, score in zip(names, scores, strict=True) if score is None]


def restore_entries(app: Celery, broker: Broker) -> list[str]:
    """Save the configured entries that are missing; return their names."""
    missing = missing_entries(app, broker)
    setattr(app, REDBEAT_REDIS_KEY, broker.client)  # beat's own client would try for ever when Redis is away
    with reachable():
        for name in missing:
            RedBeatSchedulerEntry(name, app=app, **app.conf.beat_schedule[name]).save()
    return missing
