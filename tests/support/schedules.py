"""Schedules for tests: daily schedules that become due when a test says so."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.tags import ensure_tags, tag_domains
from gonemaster_db.models import Batch, BatchOrigin, Cohort, Job, Schedule
from gonemaster_db.service.schedules import NewSchedule, ScheduleTarget, find_schedule
from gonemaster_tasks.control.schedules import set_schedule
from tests.support.rows import NOON

DAILY = NewSchedule(
    enabled=True,
    kind="interval",
    interval_days=1,
    anchor_date=date(2026, 1, 1),
    weekdays=(),
    days_of_month=(),
    last_day=False,
    time_of_day="12:00",
    timezone="UTC",
    profile_id=None,
    promote_default=False,
    catch_up=True,
)


def fill_tag(store: Store, tag: str, count: int = 3) -> list[str]:
    """Add new domains to a tag; return their names in order."""
    names = [f"d{number:05}.{tag}.example" for number in range(count)]
    with store.transaction() as session:
        ensure_tags(session, [tag], now=NOON)
        tag_domains(session, [tag], ensure_domains(session, names, now=NOON).values(), now=NOON)
    return names


def make_cohort(store: Store, tag: str, *, analysis_enabled: bool = True) -> int:
    """Store a cohort of a tag; returns its id."""
    with store.transaction() as session:
        ensure_tags(session, [tag], now=NOON)
        cohort = Cohort(
            source_tag=tag, label=f"all of {tag}", analysis_enabled=analysis_enabled, created_at=NOON, updated_at=NOON
        )
        session.add(cohort)
        session.flush()
        return cohort.id


def schedule(store: Store, target: ScheduleTarget | str, *, due_at: datetime = NOON, **fields: Any) -> int:
    """Store a daily schedule that is due at a time; return its id. A text is the name of a tag."""
    schedule_target = ScheduleTarget(tag=target) if isinstance(target, str) else target
    new = replace(DAILY, time_of_day=f"{due_at:%H:%M}", **fields)
    with store.transaction() as session:
        set_schedule(session, schedule_target, new, now=due_at - timedelta(minutes=1))
    with store.read_only() as session:
        found = find_schedule(session, schedule_target)
        assert found
        return found.schedule.id


def make_due(store: Store, ids: Sequence[int], *, at: datetime) -> None:
    """Make schedules due at a time."""
    with store.transaction() as session:
        session.execute(update(Schedule).where(Schedule.id.in_(ids)).values(next_run_at=at))


def read_schedule(store: Store, schedule_id: int) -> Schedule:
    """Read a schedule by its id."""
    with store.read_only() as session:
        return session.scalars(select(Schedule).where(Schedule.id == schedule_id)).one()


def scheduled_batches(store: Store, tag: str | None = None) -> list[Batch]:
    """List the batches that schedules have submitted, oldest first, optionally only those of a tag."""
    query = select(Batch).where(Batch.origin == BatchOrigin.SCHEDULE).order_by(Batch.key)
    if tag is not None:
        query = query.where(Batch.tag == tag)
    with store.read_only() as session:
        return list(session.scalars(query))


def domains_of_batch(store: Store, batch: Batch) -> list[str]:
    """List the domains of a batch's unfinished jobs in their order."""
    with store.read_only() as session:
        return list(session.scalars(select(Job.domain).where(Job.batch_id == batch.id).order_by(Job.position)))
