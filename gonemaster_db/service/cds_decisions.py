"""The feed of decisions about DS records, in the order of their keys, and the evidence of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import DecisionNotFound
from gonemaster_db.models import CdsDecision, Domain, DomainTag

_NO_SYNC = {"synchronize_session": False}
_LOCK = 0x63647364  # "cdsd"
_LISTED = (
    CdsDecision.key, CdsDecision.watch_id, CdsDecision.domain, CdsDecision.action, CdsDecision.reason, CdsDecision.ds,
    CdsDecision.current_ds, CdsDecision.decided_at,
)  # fmt: skip  # all but the evidence, which is large


def add_decision(
    session: Session,
    *,
    watch_id: int,
    domain: str,
    action: str,
    reason: str,
    ds: Sequence[str],
    current_ds: Sequence[str],
    evidence: str,
    now: datetime,
) -> CdsDecision:
    """Add a decision to the feed.

    Decisions are added by one transaction at a time: readers continue after the last key they have seen, so a smaller
    key must not be committed later.
    """
    if session.get_bind().dialect.name == "postgresql":  # SQLite has only one writer
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    decision = CdsDecision(
        watch_id=watch_id,
        domain=domain,
        action=action,
        reason=reason,
        ds=list(ds),
        current_ds=list(current_ds),
        evidence=evidence,
        decided_at=now,
    )
    session.add(decision)
    session.flush()
    return decision


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """The decisions to read; None accepts all values."""

    action: str | None = None
    reason: str | None = None
    domain: str | None = None
    tag: str | None = None
    watch_id: int | None = None

    def criteria(self) -> list[Any]:
        """Return the conditions of a query."""
        columns = {name: getattr(CdsDecision, name) for name in ("action", "reason", "domain", "watch_id")}
        chosen = [column == getattr(self, name) for name, column in columns.items() if getattr(self, name) is not None]
        if self.tag is not None:
            of_tag = select(Domain.name).join(DomainTag, DomainTag.domain_id == Domain.id)
            chosen.append(CdsDecision.domain.in_(of_tag.where(DomainTag.tag == self.tag)))
        return chosen


ALL = DecisionFilter()


def decisions_after(session: Session, after: int, *, limit: int, chosen: DecisionFilter = ALL) -> Sequence[Any]:
    """Return decisions with greater keys, in order, without their evidence."""
    query = select(*_LISTED).where(CdsDecision.key > after, *chosen.criteria()).order_by(CdsDecision.key).limit(limit)
    return session.execute(query).all()


def decisions_before(
    session: Session, before: int | None, *, limit: int, chosen: DecisionFilter = ALL
) -> Sequence[Any]:
    """Return decisions with smaller keys, newest first, without their evidence; None starts with the newest."""
    query = select(*_LISTED).where(*chosen.criteria()).order_by(CdsDecision.key.desc()).limit(limit)
    return session.execute(query if before is None else query.where(CdsDecision.key < before)).all()


def newest_key(session: Session) -> int:
    """Return the key of the newest decision, 0 if there is none."""
    return session.scalar(select(func.max(CdsDecision.key))) or 0


def get_decision(session: Session, key: int) -> CdsDecision:
    """Read a decision with its evidence. Raises DecisionNotFound."""
    found = session.get(CdsDecision, key)
    if found is None:
        raise DecisionNotFound(key)
    return found


def forget_decisions(session: Session, domains: Collection[str]) -> None:
    """Remove the decisions about these domains."""
    session.execute(delete(CdsDecision).where(CdsDecision.domain.in_(domains)), execution_options=_NO_SYNC)
