"""Stored settings, which override file and environment."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Setting

_REVISION = "settings:mark"  # key of the row that settings_revision reads


def read_settings(session: Session, keys: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the stored values by key: all values, or only those of `keys`."""
    query = select(Setting.key, Setting.value).where(Setting.key != _REVISION)
    if keys is not None:
        query = query.where(Setting.key.in_(list(keys)))
    return {row.key: row.value for row in session.execute(query)}


def read_stamped(session: Session, key: str) -> Setting | None:
    """Read one setting with the time of its last change, so that callers can validate a cached value."""
    return session.get(Setting, key)


def write_settings(session: Session, values: Mapping[str, Any], *, now: datetime) -> None:
    """Store values, replacing existing ones."""
    _renew_revision(session, now=now)  # First, so that concurrent writers queue at this row and cannot deadlock.
    for key in values:
        _put(session, key, values[key], now=now)


def delete_settings(session: Session, keys: Iterable[str]) -> list[str]:
    """Remove values, so that file and defaults apply again; return the removed keys."""
    _renew_revision(session, now=utcnow())
    deleted = delete(Setting).where(Setting.key.in_(list(keys))).returning(Setting.key)
    return sorted(session.scalars(deleted, execution_options={"synchronize_session": False}))


def settings_revision(session: Session) -> str:
    """Return an opaque token that changes with every change of a stored value; empty before the first change."""
    return str(session.scalar(select(Setting.value).where(Setting.key == _REVISION)) or "")


def _renew_revision(session: Session, *, now: datetime) -> None:
    _put(session, _REVISION, secrets.token_hex(8), now=now)


def _put(session: Session, key: str, value: Any, *, now: datetime) -> None:
    statement = insert(session, Setting).values(key=key, value=value, updated_at=now)
    changed = {"value": statement.excluded.value, "updated_at": now}
    session.execute(statement.on_conflict_do_update(index_elements=[Setting.key], set_=changed))
