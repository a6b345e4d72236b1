"""Changes of settings at run time: stored, recorded in the audit log, published to every process."""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_db.service.audit import record_action
from gonemaster_db.service.settings import delete_settings, read_settings, settings_revision, write_settings
from gonemaster_tasks.app import PURGE_ENTRY
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.overrides import check_changes
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.schedule import PURGE_INTERVAL

log = logging.getLogger(__name__)


def change_settings(parts: QueueParts, live: LiveSettings, changes: Mapping[str, Any], *, who: str = "") -> list[str]:
    """Save all settings or none; the value None restores file, environment and default of each process.

    This process applies them immediately, the others within a second. Returns the keys whose stored value changed.

    Raises:
        ChangeRefused: a key or a value is not allowed; nothing was saved.
        BrokerUnavailable: Redis is unavailable, so that no process could be notified; nothing was saved.
    """
    live.load(parts.store)  # Which settings may change depends on whether admin tokens exist.
    values = check_changes(live.base, changes)
    parts.broker.ping()  # Before the commit: without Redis each process would apply the change at a different time.
    now = parts.clock.now()
    changed, mark = parts.store.run_in_transaction(lambda session: _store(session, values, who=who, now=now))
    if changed:
        live.load(parts.store)  # This thread loads them, not the watcher, so that the response shows the new values.
        _publish(parts, live, changed, mark)
    return changed


def _store(session: Session, values: Mapping[str, Any], *, who: str, now: datetime) -> tuple[list[str], str]:
    before = read_settings(session, values)
    changed = sorted(key for key, value in values.items() if before.get(key) != value)
    if changed:
        write_settings(session, {key: values[key] for key in changed if values[key] is not None}, now=now)
        delete_settings(session, [key for key in changed if values[key] is None])
    for key in changed:
        details = {"from": before.get(key), "to": values[key]}
        record_action(session, "settings.change", who=who, now=now, target=key, details=details)
    return changed, settings_revision(session)


def _publish(parts: QueueParts, live: LiveSettings, changed: list[str], mark: str) -> None:
    try:
        parts.broker.marks.publish_settings(mark)
        if PURGE_INTERVAL in changed:
            # Beat reads its entries from Redis; without this the interval would change only when beat restarts.
            parts.celery.conf.beat_schedule[PURGE_ENTRY]["schedule"] = live.current.purge_interval_seconds
            parts.broker.beat.save_entry(parts.celery, PURGE_ENTRY)
    except BrokerUnavailable:
        log.warning("settings stored, published once Redis answers", extra={"keys": changed})
        parts.broker.reconciliation.post()
