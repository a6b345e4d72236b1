"""Watches: subscriptions to events, and the notes of events that wait for delivery."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import TooManyWatches, WatchNotFound
from gonemaster_db.core.records import Page
from gonemaster_db.core.texts import Text
from gonemaster_db.models import Delivery, DeliveryStatus, Run, Watch, WatchEvent, WatchKind, WatchNote

MAX_WATCHES = 10_000
_NO_SYNC = {"synchronize_session": False}
_OF_RUNS = (
    WatchEvent.DOMAIN_REGRESSED,
    WatchEvent.DOMAIN_RECOVERED,
    WatchEvent.VERDICT_CHANGED,
    WatchEvent.BATCH_FINISHED,
)


def record_event(
    session: Session,
    event: WatchEvent,
    *,
    name: str,
    now: datetime,
    tag: str = "",
    batch_key: int | None = None,
    details: Mapping[str, Any],
) -> bool:
    """Store an event in the caller's transaction; watches of `tag` are notified after the commit.

    `name` identifies the event among all events of its kind, for example the ID of a snapshot; recipients use it to
    detect duplicates. A watch of a domain is notified if the domain was tested in the batch. `details` must be JSON and
    are sent unchanged. Returns whether a watch follows the event; otherwise nothing is stored.
    """
    if not any(event in watch.events for watch in enabled_watches(session)):
        return False
    note = WatchNote(event=event.value, name=name, tag=tag, batch_key=batch_key, details=dict(details), at=now)
    session.add(note)
    session.flush()
    return True


def pop_notes(session: Session, *, limit: int) -> list[WatchNote]:
    """Remove and return the oldest notes, by ID."""
    oldest = session.scalars(select(WatchNote.id).order_by(WatchNote.id).limit(limit)).all()
    taken = delete(WatchNote).where(WatchNote.id.in_(oldest)).returning(WatchNote)
    return sorted(session.scalars(taken, execution_options=_NO_SYNC), key=lambda note: note.id)


def enabled_watches(session: Session) -> Sequence[Watch]:
    """Return all enabled watches, by ID."""
    return session.scalars(select(Watch).where(Watch.enabled).order_by(Watch.id)).all()


def follows_runs(watch: Watch) -> bool:
    """Return whether a watch follows finished runs."""
    return any(event in watch.events for event in _OF_RUNS)


def create_watch(
    session: Session,
    *,
    events: Sequence[WatchEvent],
    min_level: str,
    grade_drop: int,
    now: datetime,
    tag: str | None = None,
    domain: str | None = None,
    url: str | None = None,
    email: str | None = None,
    host: str = "",
    secret: str | None = None,
    kind: WatchKind = WatchKind.CHANGES,
    interval_s: int | None = None,
    hold_down_s: int | None = None,
    ends_at: datetime | None = None,
    transfer: bool = False,
    policy: str | None = None,
) -> Watch:
    """Create a watch that is notified of future events. Raises TooManyWatches."""
    if (session.scalar(select(func.count()).select_from(Watch)) or 0) >= MAX_WATCHES:
        raise TooManyWatches(MAX_WATCHES)
    watch = Watch(
        tag=tag,
        domain=domain,
        events=[event.value for event in events],
        url=url,
        email=email,
        host=host,
        secret=secret,
        kind=kind,
        interval_s=interval_s,
        hold_down_s=hold_down_s,
        ends_at=ends_at,
        transfer=transfer,
        policy=policy,
        min_level=min_level,
        grade_drop=grade_drop,
        enabled=True,
        after_key=newest_run_key(session),
        failures=0,
        created_at=now,
        updated_at=now,
    )
    session.add(watch)
    session.flush()
    return watch


def newest_run_key(session: Session) -> int:
    """Return the key of the newest run, 0 if there is none."""
    return session.scalar(select(func.max(Run.key))) or 0


def get_watch(session: Session, watch_id: int) -> Watch:
    """Read a watch. Raises WatchNotFound."""
    found = session.scalar(select(Watch).where(Watch.id == watch_id))
    if found is None:
        raise WatchNotFound(watch_id)
    return found


def list_watches(
    session: Session, *, tag: str | None = None, domain: str | None = None, limit: int = 100, offset: int = 0
) -> Page[Watch]:
    """Return a page of watches by ID, optionally of one tag or one domain."""
    criteria = ((Watch.tag, tag), (Watch.domain, domain))
    chosen = [column == value for column, value in criteria if value is not None]
    total = session.scalar(select(func.count()).select_from(Watch).where(*chosen)) or 0
    query = select(Watch).where(*chosen).order_by(Watch.id).limit(limit).offset(offset)
    return Page(session.scalars(query).all(), total, limit, offset)


def change_watch(session: Session, watch_id: int, changes: Mapping[str, Any], *, now: datetime) -> Watch:
    """Set columns by name. Raises WatchNotFound.

    Disabling a watch discards its pending notifications; events that happen while it is disabled are not reported. A
    changed recipient is tried immediately.
    """
    watch = session.scalar(select(Watch).where(Watch.id == watch_id).with_for_update())
    if watch is None:
        raise WatchNotFound(watch_id)
    was_enabled = watch.enabled
    for name, value in changes.items():
        setattr(watch, name, value)
    if watch.enabled and not was_enabled:
        watch.after_key = newest_run_key(session)
    if "url" in changes or "email" in changes or watch.enabled != was_enabled:
        watch.failures, watch.retry_at = 0, None
    watch.updated_at = now
    session.flush()
    if was_enabled and not watch.enabled:
        _drop_waiting(session, watch_id, now=now)
    return watch


def delete_watch(session: Session, watch_id: int) -> Watch:
    """Remove a watch with its deliveries and pending notifications. Raises WatchNotFound."""
    watch = get_watch(session, watch_id)
    session.delete(watch)
    session.flush()
    return watch


def _drop_waiting(session: Session, watch_id: int, *, now: datetime) -> None:
    ended = {
        "status": DeliveryStatus.FAILED,
        "error": Text("the watch was disabled"),
        "finished_at": now,
        "body": None,
    }
    waiting = (Delivery.watch_id == watch_id, Delivery.status == DeliveryStatus.WAITING)
    session.execute(update(Delivery).where(*waiting).values(ended), execution_options=_NO_SYNC)
