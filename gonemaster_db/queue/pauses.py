"""Pauses of queue tiers."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gonemaster_db.core.upsert import insert
from gonemaster_db.models import QueuePause


def pause_tiers(
    session: Session,
    tiers: Iterable[str],
    *,
    paused_by: str,
    reason: str,
    now: datetime,
    until: datetime | None = None,
) -> None:
    """Pause tiers; an existing pause keeps its start and gets the new reason, author and end."""
    for tier in tiers:
        row = {"tier": tier, "paused_by": paused_by, "reason": reason, "since": now, "until": until}
        changed = {key: row[key] for key in ("paused_by", "reason", "until")}
        statement = insert(session, QueuePause).values(row)
        session.execute(statement.on_conflict_do_update(index_elements=[QueuePause.tier], set_=changed))


def resume_tiers(session: Session, tiers: Iterable[str]) -> list[str]:
    """Resume tiers; return the tiers that were paused."""
    deleted = delete(QueuePause).where(QueuePause.tier.in_(list(tiers))).returning(QueuePause.tier)
    return sorted(session.scalars(deleted, execution_options={"synchronize_session": False}))


def list_pauses(session: Session, *, now: datetime) -> list[QueuePause]:
    """Return the pauses in effect, by tier."""
    pauses = session.scalars(select(QueuePause).order_by(QueuePause.tier))
    return [pause for pause in pauses if pause.until is None or pause.until > now]


def is_paused(session: Session, tier: str, *, now: datetime) -> bool:
    """Return whether jobs of a tier may not start."""
    return any(pause.tier == tier for pause in list_pauses(session, now=now))


def end_due_pauses(session: Session, *, now: datetime) -> list[str]:
    """Remove the pauses whose end has passed; return their tiers."""
    deleted = delete(QueuePause).where(QueuePause.until <= now).returning(QueuePause.tier)
    return sorted(session.scalars(deleted, execution_options={"synchronize_session": False}))
