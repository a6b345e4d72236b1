"""Pause flags and limits: the database has them, Redis has a copy that the workers look at."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from gonemaster_db.repositories.audit import record_action
from gonemaster_db.repositories.pauses import end_due_pauses, list_pauses
from gonemaster_db.repositories.settings import read_settings
from gonemaster_db.session import Store
from gonemaster_tasks.broker import Broker, Controls
from gonemaster_tasks.errors import SettingsError
from gonemaster_tasks.settings import check_value

log = logging.getLogger(__name__)

_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
LIMITS = ("worker_count", "reserved_normal_slots", "min_batch_slots", "max_concurrent_jobs")


def read_controls(store: Store, *, now: datetime) -> Controls:
    """Return flags and limits as the database has them; stored limits out of range are left out."""
    with store.reading() as session:
        pauses = list_pauses(session, now=now)
        stored = read_settings(session, LIMITS)
    ends = {pause.tier: pause.until.timestamp() if pause.until else 0.0 for pause in pauses}
    return Controls(ends, _valid(stored))


def _valid(stored: Mapping[str, object]) -> dict[str, int]:
    limits = {}
    for key, raw in stored.items():
        try:
            limits[key] = int(str(check_value(key, raw)))
        except SettingsError as error:
            log.warning("stored limit ignored", extra={"key": key, "problem": str(error)})
    return limits


def copy_controls(store: Store, broker: Broker, *, now: datetime) -> None:
    """Make Redis' copy equal to the database; workers follow within half a second."""
    broker.set_controls(read_controls(store, now=now))


def end_pauses(store: Store, *, now: datetime) -> list[str]:
    """Forget pauses whose end has come, which workers no longer obey; returns their tiers."""

    def end(session: Session) -> list[str]:
        tiers = end_due_pauses(session, now=now)
        for tier in tiers:
            record_action(session, "queue.resume", who="", now=now, target=tier, details={"reason": "its end came"})
        return tiers

    with store.reading() as session:
        if len(list_pauses(session, now=now)) == len(list_pauses(session, now=_BEGINNING)):
            return []
    return store.run(end)
