"""Settings changed while the service runs; they outlive it."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gonemaster_db.clock import utcnow
from gonemaster_db.models import Setting
from gonemaster_db.upsert import insert

MARK = "settings:mark"  # the row that settings_mark reads


def read_settings(session: Session, keys: Iterable[str] | None = None) -> dict[str, Any]:
    """Return stored values by key, of some keys only if given."""
    query = select(Setting.key, Setting.value).where(Setting.key != MARK)
    if keys is not None:
        query = query.where(Setting.key.in_(list(keys)))
    return {row.key: row.value for row in session.execute(query)}


def read_stamped(session: Session, key: str) -> Setting | None:
    """Read one value with the time of its last change, which tells whether it is another than before."""
    return session.get(Setting, key)


def write_settings(session: Session, values: Mapping[str, Any], *, now: datetime) -> None:
    """Store values, replacing those that were there."""
    _renew_mark(session, now=now)  # first: two writers wait here, and nowhere for each other
    for key in values:
        _put(session, key, values[key], now=now)


def delete_settings(session: Session, keys: Iterable[str]) -> list[str]:
    """Remove values, so that file and defaults count again; returns the keys that were there."""
    _renew_mark(session, now=utcnow())
    deleted = delete(Setting).where(Setting.key.in_(list(keys))).returning(Setting.key)
    return sorted(session.scalars(deleted, execution_options={"synchronize_session": False}))


def settings_mark(session: Session) -> str:
    """Read what is new after every change of a stored value; empty before the first."""
    return str(session.scalar(select(Setting.value).where(Setting.key == MARK)) or "")


def _renew_mark(session: Session, *, now: datetime) -> None:
    _put(session, MARK, secrets.token_hex(8), now=now)


def _put(session: Session, key: str, value: Any, *, now: datetime) -> None:
    statement = insert(session, Setting).values(key=key, value=value, updated_at=now)
    changed = {"value": statement.excluded.value, "updated_at": now}
    session.execute(statement.on_conflict_do_update(index_elements=[Setting.key], set_=changed))
