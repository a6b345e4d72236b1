"""Settings changed while the service runs; they outlive it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gonemaster_db.models import Setting
from gonemaster_db.upsert import insert


def read_settings(session: Session, keys: Iterable[str] | None = None) -> dict[str, Any]:
    """Return stored values by key, of some keys only if given."""
    query = select(Setting.key, Setting.value)
    if keys is not None:
        query = query.where(Setting.key.in_(list(keys)))
    return {row.key: row.value for row in session.execute(query)}


def read_stamped(session: Session, key: str) -> Setting | None:
    """Read one value with the time of its last change, which tells whether it is another than before."""
    return session.get(Setting, key)


def write_settings(session: Session, values: Mapping[str, Any], *, now: datetime) -> None:
    """Store values, replacing those that were there."""
    for key in sorted(values):  # sorted: two writers must not wait for each other
        statement = insert(session, Setting).values(key=key, value=values[key], updated_at=now)
        changed = {"value": statement.excluded.value, "updated_at": now}
        session.execute(statement.on_conflict_do_update(index_elements=[Setting.key], set_=changed))


def delete_settings(session: Session, keys: Iterable[str]) -> list[str]:
    """Remove values, so that file and defaults count again; returns the keys that were there."""
    deleted = delete(Setting).where(Setting.key.in_(list(keys))).returning(Setting.key)
    return sorted(session.scalars(deleted, execution_options={"synchronize_session": False}))


def settings_mark(session: Session) -> tuple[int, datetime | None]:
    """Read what changes with every change of a setting: a process compares it with what it has seen."""
    row = session.execute(select(func.count(), func.max(Setting.updated_at))).one()
    return row[0], row[1]
