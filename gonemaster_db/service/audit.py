"""The audit of operator actions, written in the transaction of the action."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from gonemaster_db.core.records import Page
from gonemaster_db.models import AuditLine


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
    """Record an action such as `queue.pause`.

    `target` is an ID or a tier, `count` the number of affected objects. `who` is the label of a token, `open:` and the
    client address without authentication, or the component that acted automatically: `reconciler`, `beat`, or `worker:`
    and its name.
    """
    session.add(AuditLine(at=now, who=who, action=action, target=target, count=count, details=dict(details or {})))


class LongAction:
    """An action of many short transactions with one audit line: the first inserts it, the others add to its count.

    If the process is killed, the line shows the progress so far; `line_id` lets another process continue it.
    """

    def __init__(
        self,
        action: str,
        *,
        who: str,
        target: str = "",
        details: Mapping[str, Any] | None = None,
        line_id: int | None = None,
    ) -> None:
        self._line = {"action": action, "who": who, "target": target, "details": dict(details or {})}
        self._id = line_id

    def add(self, session: Session, count: int, *, now: datetime) -> None:
        """Add to the count in the transaction of the change. May be repeated after a rollback."""
        counted = update(AuditLine).where(AuditLine.id == self._id).values(count=AuditLine.count + count)
        if self._id is not None and session.execute(counted.returning(AuditLine.id)).first():
            return
        line = AuditLine(at=now, count=count, **self._line)
        session.add(line)
        session.flush()
        self._id = line.id


_DELETIONS = ("batch.delete", "domain.delete", "jobs.purge", "tag.purge")


def has_deleted_since(session: Session, moment: datetime, *, unless_by: str = "") -> bool:
    """Return whether an actor other than `unless_by` has recorded a deletion of runs since a time."""
    since = (AuditLine.at >= moment, AuditLine.action.in_(_DELETIONS), AuditLine.who != unless_by)
    return session.scalar(select(AuditLine.id).where(*since).limit(1)) is not None


def list_actions(
    session: Session,
    *,
    action: str = "",
    who: str = "",
    target: str = "",
    after: datetime | None = None,
    before: datetime | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Page[AuditLine]:
    """Return a page of actions, newest first; both times are exclusive bounds.

    An `action` that ends with a dot and a `who` that ends with a colon match as prefixes.
    """
    criteria = ((AuditLine.action, action, "."), (AuditLine.who, who, ":"), (AuditLine.target, target, ""))
    chosen = [_begins(column, text, end) for column, text, end in criteria if text]
    if after is not None:
        chosen.append(AuditLine.at > after)
    if before is not None:
        chosen.append(AuditLine.at < before)
    total = session.scalar(select(func.count()).select_from(AuditLine).where(*chosen)) or 0
    newest = select(AuditLine).where(*chosen).order_by(AuditLine.at.desc(), AuditLine.id.desc())
    return Page(list(session.scalars(newest.limit(limit).offset(offset))), total, limit, offset)


def purge_actions_before(session: Session, cutoff: datetime, *, limit: int) -> int:
    """Remove up to `limit` lines older than the cut-off, oldest first; return their number."""
    old = select(AuditLine.id).where(AuditLine.at < cutoff).order_by(AuditLine.at).limit(limit)
    ids = session.scalars(old).all()  # PostgreSQL has no DELETE ... LIMIT.
    deleted = delete(AuditLine).where(AuditLine.id.in_(ids)).returning(AuditLine.id)
    return len(session.scalars(deleted, execution_options={"synchronize_session": False}).all())


def _begins(column: InstrumentedAttribute[str], text: str, end: str) -> ColumnElement[bool]:
    """Match a string exactly, or as a prefix if it ends with `end`."""
    return column.startswith(text, autoescape=True) if end and text.endswith(end) else column == text
