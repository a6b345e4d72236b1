"""Pause flags and limits: the database has them, Redis has a copy that the workers look at."""

from datetime import datetime

from gonemaster_db.repositories.pauses import list_pauses
from gonemaster_db.session import Store
from gonemaster_tasks.broker import Broker, Controls


def read_controls(store: Store, *, now: datetime) -> Controls:
    """Return flags and limits as the database has them."""
    with store.reading() as session:
        pauses = list_pauses(session, now=now)
    return Controls({pause.tier: pause.until.timestamp() if pause.until else 0.0 for pause in pauses}, {})


def copy_controls(store: Store, broker: Broker, *, now: datetime) -> None:
    """Make Redis' copy equal to the database."""
    broker.set_controls(read_controls(store, now=now))
