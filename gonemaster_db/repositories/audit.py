"""What operators did: written in the transaction of the action itself, read by the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gonemaster_db.models import AuditLine
from gonemaster_db.records import Page


def record_action(
    session: Session,
    action: str,
    *,
    who: str,
    now: datetime,
    target: str = "",
    count: int = 1,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Note an action such as `queue.pause`; `target` is an id or a tier, `count` how many things it concerned."""
    session.add(AuditLine(at=now, who=who, action=action, target=target, count=count, details=dict(details or {})))


def list_actions(session: Session, *, action: str = "", limit: int = 100, offset: int = 0) -> Page[AuditLine]:
    """Page through the actions, newest first; `action` ending with a dot stands for all that begin with it."""
    chosen = []
    if action:
        chosen.append(AuditLine.action.startswith(action) if action.endswith(".") else AuditLine.action == action)
    total = session.scalar(select(func.count()).select_from(AuditLine).where(*chosen)) or 0
    newest = select(AuditLine).where(*chosen).order_by(AuditLine.at.desc(), AuditLine.id.desc())
    return Page(list(session.scalars(newest.limit(limit).offset(offset))), total, limit, offset)
