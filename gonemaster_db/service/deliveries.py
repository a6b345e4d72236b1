"""Deliveries: queued in the transaction that detects an event, then claimed and finished."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.ids import new_delivery_id
from gonemaster_db.core.records import Page
from gonemaster_db.models import Delivery, DeliveryStatus, Watch

TEST = "test"  # The event of a test delivery, requested by a user.
_NO_SYNC = {"synchronize_session": False}
_WAITS = Delivery.status == DeliveryStatus.WAITING


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A claimed delivery with all data of the attempt; `attempts` includes this attempt."""

    id: str
    watch_id: int
    event: str
    body: str | None
    attempts: int
    created_at: datetime
    url: str | None
    email: str | None
    host: str
    secret: str | None

    def __repr__(self) -> str:
        """Omit the secret and the address, because tracebacks and logs print values."""
        return f"ClaimedDelivery(id={self.id!r}, watch_id={self.watch_id!r}, event={self.event!r})"


def add_delivery(
    session: Session, watch_id: int, *, event: str, body: str, now: datetime, count: int = 1, delivery_id: str = ""
) -> Delivery:
    """Queue a message that is due immediately."""
    delivery = Delivery(
        id=delivery_id or new_delivery_id(),
        watch_id=watch_id,
        event=event,
        event_count=count,
        body=body,
        status=DeliveryStatus.WAITING,
        attempts=0,
        created_at=now,
        next_attempt_at=now,
    )
    session.add(delivery)
    session.flush()
    return delivery


def waiting_test(session: Session, watch_id: int) -> Delivery | None:
    """Return the unfinished test delivery of a watch, or None."""
    of_watch = (Delivery.watch_id == watch_id, Delivery.event == TEST, _WAITS)
    return session.scalar(select(Delivery).where(*of_watch).limit(1))


def list_deliveries(
    session: Session, watch_id: int, *, status: DeliveryStatus | None = None, limit: int = 100, offset: int = 0
) -> Page[Delivery]:
    """Return a page of the deliveries of a watch, newest first."""
    chosen = [Delivery.watch_id == watch_id, *([] if status is None else [Delivery.status == status])]
    total = session.scalar(select(func.count()).select_from(Delivery).where(*chosen)) or 0
    newest = select(Delivery).where(*chosen).order_by(Delivery.created_at.desc(), Delivery.id.desc())
    return Page(session.scalars(newest.limit(limit).offset(offset)).all(), total, limit, offset)


def has_due_delivery(session: Session, *, now: datetime) -> bool:
    """Return whether a worker could claim a delivery."""
    return session.execute(_due(now).limit(1)).first() is not None


def claim_deliveries(
    session: Session,
    *,
    worker: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    per_host: int,
    without: Collection[str] = (),
) -> list[ClaimedDelivery]:
    """Claim due deliveries, oldest first, at most `per_host` for one host and none for the hosts in `without`.

    `worker` must be unique for each process. An attempt is counted when it is claimed, so that an attempt that crashes
    its worker counts too.
    """
    due = _due(now).where(Watch.host.not_in(without)) if without else _due(now)
    turn = func.row_number().over(partition_by=Watch.host, order_by=(Delivery.next_attempt_at, Delivery.id))
    ranked = due.add_columns(turn.label("turn"), Delivery.next_attempt_at).subquery()
    first = select(ranked.c.id).where(ranked.c.turn <= per_host).order_by(ranked.c.next_attempt_at, ranked.c.id)
    ids = session.scalars(first.limit(limit)).all()
    # The condition is repeated: if two workers have read the same IDs, each gets the deliveries that the other has not
    # claimed.
    taken = (
        update(Delivery)
        .where(Delivery.id.in_(ids), _WAITS, _unclaimed(now))
        .values(worker=worker, lease_until=now + lease, attempts=Delivery.attempts + 1, last_attempt_at=now)
        .returning(Delivery.id)
    )
    claimed = session.scalars(taken, execution_options=_NO_SYNC).all() if ids else ()
    rows = select(
        Delivery.id, Delivery.watch_id, Delivery.event, Delivery.body, Delivery.attempts, Delivery.created_at,
        Watch.url, Watch.email, Watch.host, Watch.secret,
    ).join(Watch, Watch.id == Delivery.watch_id)  # fmt: skip
    found = session.execute(rows.where(Delivery.id.in_(claimed)).order_by(Delivery.created_at, Delivery.id))
    return [ClaimedDelivery(**row) for row in found.mappings()]


def busy_hosts(session: Session, *, now: datetime, per_host: int) -> list[str]:
    """Return the hosts for which all workers together have reached the allowed number of attempts."""
    under_way = select(Watch.host).join(Delivery, Delivery.watch_id == Watch.id).where(_WAITS, ~_unclaimed(now))
    return list(session.scalars(under_way.group_by(Watch.host).having(func.count() >= per_host)))


def renew_deliveries(session: Session, ids: Collection[str], *, worker: str, until: datetime) -> set[str]:
    """Extend the claims; return the IDs of the deliveries that this worker still holds."""
    claimed = (Delivery.id.in_(ids), Delivery.worker == worker, _WAITS)
    renewed = update(Delivery).where(*claimed).values(lease_until=until).returning(Delivery.id)
    return set(session.scalars(renewed, execution_options=_NO_SYNC))


def finish_delivery(
    session: Session,
    delivery: ClaimedDelivery,
    *,
    worker: str,
    now: datetime,
    duration_ms: int,
    response_status: int | None,
    error: str = "",
    final: bool = True,
    retry_at: datetime | None = None,
) -> None:
    """Store the result of an attempt: success, or an `error` that is permanent (`final`) or retried at `retry_at`.

    A lost claim changes nothing. After a failure all deliveries of the watch wait until `retry_at`.
    """
    values: dict[str, Any] = {
        "duration_ms": duration_ms,
        "response_status": response_status,
        "error": error,
        "worker": None,
        "lease_until": None,
    }
    if not error or final:
        status = DeliveryStatus.FAILED if error else DeliveryStatus.SUCCEEDED
        values |= {"status": status, "finished_at": now, "body": None}
    else:
        values["next_attempt_at"] = retry_at
    if _change_claimed(session, delivery.id, worker, values):
        changes: Mapping[str, Any] = {"failures": 0, "retry_at": None}
        if error:
            changes = {"failures": Watch.failures + 1, "retry_at": retry_at}
        changed = update(Watch).where(Watch.id == delivery.watch_id).values(dict(changes))
        session.execute(changed, execution_options=_NO_SYNC)


def release_delivery(session: Session, delivery_id: str, *, worker: str) -> None:
    """Release a claim, so that any worker may claim the delivery immediately; this attempt does not count."""
    values = {"worker": None, "lease_until": None, "attempts": Delivery.attempts - 1}
    _change_claimed(session, delivery_id, worker, values)


def failures_of(session: Session, watch_id: int) -> int:
    """Return the number of failed attempts since the last success."""
    return session.scalar(select(Watch.failures).where(Watch.id == watch_id)) or 0


def purge_deliveries(session: Session, *, finished_before: datetime, limit: int) -> int:
    """Remove up to `limit` finished deliveries, oldest first; return their number."""
    old = select(Delivery.id).where(Delivery.finished_at < finished_before).order_by(Delivery.finished_at)
    ids: Sequence[str] = session.scalars(old.limit(limit)).all()
    deleted = delete(Delivery).where(Delivery.id.in_(ids)).returning(Delivery.id)
    return len(session.scalars(deleted, execution_options=_NO_SYNC).all())


def _due(now: datetime) -> Any:
    """Select the deliveries that can be claimed; a test ignores the waiting time of its watch."""
    rested = or_(Watch.retry_at.is_(None), Watch.retry_at <= now, Delivery.event == TEST)
    due = (_WAITS, Delivery.next_attempt_at <= now, _unclaimed(now), Watch.enabled, rested)
    return select(Delivery.id).join(Watch, Watch.id == Delivery.watch_id).where(*due)


def _unclaimed(now: datetime) -> ColumnElement[bool]:
    return or_(Delivery.lease_until.is_(None), Delivery.lease_until < now)


def _change_claimed(session: Session, delivery_id: str, worker: str, values: Mapping[str, Any]) -> bool:
    claimed = and_(Delivery.id == delivery_id, Delivery.worker == worker, _WAITS)
    changed = update(Delivery).where(claimed).values(dict(values)).returning(Delivery.id)
    return session.execute(changed, execution_options=_NO_SYNC).first() is not None
