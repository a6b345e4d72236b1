"""Zones that watches observe: membership, claims of due zones, and requests to observe one now.

A claim moves `next_at` to the end of its lease, so that the zone is due again if its worker dies. The row remembers
the claim by this time: a worker that lost it writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import Domain, DomainTag, ObservedZone, Watch, WatchKind

_NO_SYNC = {"synchronize_session": False}
_ROWS = 1000
_REQUEST_REST = timedelta(minutes=1)  # The shortest time between two observations of a zone, however often requested.


@dataclass(frozen=True, slots=True)
class ClaimedZone:
    """A zone that this worker observes now."""

    watch_id: int
    kind: WatchKind
    interval_s: int
    hold_down_s: int
    domain: str
    state: Mapping[str, Any]
    lease_end: datetime
    transfer: bool = False  # whether a sample also reads the whole zone


def observing_watches(session: Session) -> Sequence[Watch]:
    """Return the enabled watches that observe zones."""
    chosen = select(Watch).where(Watch.enabled, Watch.kind != WatchKind.CHANGES).order_by(Watch.id)
    return session.scalars(chosen).all()


def follow_members(session: Session, watch: Watch, *, now: datetime) -> None:
    """Add the zones that the tag or domain of a watch has gained, due now, and remove the others."""
    of_watch = ObservedZone.watch_id == watch.id
    if watch.domain is not None:
        row = {"watch_id": watch.id, "domain": watch.domain, "next_at": now, "state": {}}
        session.execute(insert(session, ObservedZone).values(row).on_conflict_do_nothing())
        return
    members = select(Domain.name).join(DomainTag, DomainTag.domain_id == Domain.id).where(DomainTag.tag == watch.tag)
    known = exists().where(of_watch, ObservedZone.domain == Domain.name)
    for names in chunks(session.scalars(members.where(~known)).all(), _ROWS):
        rows = [{"watch_id": watch.id, "domain": name, "next_at": now, "state": {}} for name in names]
        session.execute(insert(session, ObservedZone).on_conflict_do_nothing(), rows)
    gone = delete(ObservedZone).where(of_watch, ObservedZone.domain.not_in(members))
    session.execute(gone, execution_options=_NO_SYNC)


def has_due_zone(session: Session, *, now: datetime) -> bool:
    """Return whether a zone is due."""
    return session.scalar(_due(now).limit(1)) is not None


def claim_zones(session: Session, *, now: datetime, lease: timedelta, limit: int) -> list[ClaimedZone]:
    """Claim due zones of enabled watches, the most overdue first."""
    rows = session.execute(
        _due(now)
        .with_only_columns(ObservedZone, Watch)
        .order_by(ObservedZone.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True, of=ObservedZone)
    ).all()
    lease_end = now + lease
    claimed = []
    for zone, watch in rows:
        zone.next_at = lease_end
        claimed.append(
            ClaimedZone(
                watch.id,
                watch.kind,
                watch.interval_s or 0,
                watch.hold_down_s or 0,
                zone.domain,
                zone.state,
                lease_end,
                watch.transfer,
            )
        )
    session.flush()
    return claimed


def finish_zone(
    session: Session, claimed: ClaimedZone, *, state: Mapping[str, Any], now: datetime, next_at: datetime
) -> ObservedZone | None:
    """Store the state of a claimed zone and when it is due next; return its row, or None if the claim was lost.

    A request that arrived during the observation has moved `next_at` before the end of the lease; it stays.
    """
    of_zone = (ObservedZone.watch_id == claimed.watch_id, ObservedZone.domain == claimed.domain)
    zone = session.scalar(select(ObservedZone).where(*of_zone).with_for_update())
    if zone is None or zone.next_at > claimed.lease_end:
        return None
    zone.next_at = next_at if zone.next_at == claimed.lease_end else min(next_at, now + _REQUEST_REST)
    zone.state, zone.observed_at = dict(state), now
    return zone


def is_observed(session: Session, domain: str) -> bool:
    """Return whether an enabled CDS watch observes a domain."""
    query = _of_cds_watches(domain).with_only_columns(ObservedZone.watch_id).limit(1)
    return session.scalar(query) is not None


def _of_cds_watches(domain: str) -> "Select[ObservedZone]":
    watching = select(Watch.id).where(Watch.enabled, Watch.kind == WatchKind.CDS)
    return select(ObservedZone).where(ObservedZone.domain == domain, ObservedZone.watch_id.in_(watching))


def request_observation(session: Session, domain: str, *, now: datetime) -> bool:
    """Make a zone of a CDS watch due now, or a minute after its last observation; return whether it is watched."""
    zones = session.scalars(_of_cds_watches(domain).with_for_update()).all()
    for zone in zones:
        earliest = now if zone.observed_at is None else max(now, zone.observed_at + _REQUEST_REST)
        zone.next_at = min(zone.next_at, earliest)
    session.flush()
    return bool(zones)


def forget_zones(session: Session, domains: Collection[str]) -> None:
    """Remove what is known of these domains; the next `follow_members` adds those that are still watched."""
    session.execute(delete(ObservedZone).where(ObservedZone.domain.in_(domains)), execution_options=_NO_SYNC)


def _due(now: datetime) -> Any:
    joined = select(ObservedZone.domain).join(Watch, Watch.id == ObservedZone.watch_id)
    is_open = or_(Watch.ends_at.is_(None), Watch.ends_at > now)
    return joined.where(ObservedZone.next_at <= now, Watch.enabled, is_open)


def make_due(session: Session, watch_id: int, *, now: datetime) -> None:
    """Make all zones of a watch due, for example after its interval was changed."""
    changed = update(ObservedZone).where(ObservedZone.watch_id == watch_id, ObservedZone.next_at > now)
    session.execute(changed.values(next_at=now), execution_options=_NO_SYNC)
