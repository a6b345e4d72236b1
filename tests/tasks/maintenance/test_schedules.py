"""Due schedules are decided once, together with the batch that they submit, by any process and after any crash."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from gonemaster_db.core.errors import StoreConflict
from gonemaster_db.core.session import Store
from gonemaster_db.domains.profiles import create_profile, delete_profile
from gonemaster_db.domains.tags import delete_tag, set_default_profile, tag_domains, untag_domains
from gonemaster_db.models import Batch, Cohort, Domain, Job, Schedule
from gonemaster_db.models import ScheduleOutcome as Outcome
from gonemaster_db.service.metrics.counting import SCHEDULED, labels_of, read_counts
from gonemaster_db.service.schedules import (
    Decision,
    Occurrence,
    ScheduleTarget,
    decide_occurrence,
    delete_schedule,
    due_occurrences,
    list_schedules,
)
from gonemaster_tasks.app import make_app
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.embedded import EmbeddedRedis
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.schedules import set_schedule
from gonemaster_tasks.errors import BrokerUnavailable, InvalidRule
from gonemaster_tasks.maintenance import recurring
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.maintenance.recurring import run_due_schedules
from gonemaster_tasks.maintenance.tag_jobs import jobs_of_tag
from gonemaster_tasks.queues import BATCH
from tests.support.clocks import SetClock
from tests.support.rows import NOON, claim, finish_job
from tests.support.schedules import (
    DAILY,
    domains_of_batch,
    fill_tag,
    make_cohort,
    make_due,
    read_schedule,
    schedule,
    scheduled_batches,
)
from tests.support.threads import together
from tests.support.workers import ROOT, open_farm
from tests.tasks.rows import order

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
def parts(parts: QueueParts, clock: SetClock) -> QueueParts:
    """Store and broker on a clock that is set to noon."""
    return replace(parts, clock=clock)


def run(parts: QueueParts, *, most: int = 1000, stopped: Callable[[], bool] = lambda: False) -> list[Outcome]:
    return run_due_schedules(parts, max_batch_size=most, stopped=stopped)


def finish_batches(store: Store) -> None:
    with store.read_only() as session:
        waiting = list(session.scalars(select(Job.id)))
    for job_id in waiting:
        finish_job(store, claim(store, job_id))


def ids_of_jobs(store: Store) -> list[str]:
    with store.read_only() as session:
        return list(session.scalars(select(Job.id).order_by(Job.id)))


def count(store: Store, model: type[Batch | Job]) -> int:
    with store.read_only() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_due_schedule_submits_the_domains_of_its_tag(parts: QueueParts) -> None:
    store = parts.store
    names = fill_tag(store, "mine", 7)
    fill_tag(store, "yours")
    made = schedule(store, "mine")
    assert run(parts) == [Outcome.SUBMITTED]
    (batch,) = scheduled_batches(store)
    assert (batch.tag, batch.domain_count, batch.created_at, batch.origin) == ("mine", 7, NOON, "schedule")
    assert (batch.snapshot_intent, batch.promote_snapshot) == (False, False)
    assert domains_of_batch(store, batch) == names
    assert len(order(parts)) == 7  # each with its message
    found = read_schedule(store, made)
    assert (found.next_run_at, found.last_run_at) == (NOON + DAY, NOON)
    assert (found.last_batch_id, found.last_outcome, found.last_error) == (batch.id, Outcome.SUBMITTED, "")
    with store.read_only() as session:
        assert labels_of(read_counts(session), SCHEDULED) == {"submitted": 1}
    assert run(parts) == []


def test_a_large_tag_is_read_while_its_jobs_are_written(parts: QueueParts) -> None:
    names = fill_tag(parts.store, "mine", 5100)
    schedule(parts.store, "mine")
    assert run(parts, most=5100) == [Outcome.SUBMITTED]
    (batch,) = scheduled_batches(parts.store)
    assert batch.domain_count == 5100
    assert domains_of_batch(parts.store, batch) == names


def test_what_is_not_due_disabled_or_deleted_waits(parts: QueueParts) -> None:
    store = parts.store
    for tag in ("later", "off", "gone", "tagless"):
        fill_tag(store, tag)
    later = schedule(store, "later", due_at=NOON + 60 * SECOND)
    off = schedule(store, "off", enabled=False)
    schedule(store, "gone")
    schedule(store, "tagless")
    with store.transaction() as session:
        assert delete_schedule(session, ScheduleTarget(tag="gone"))
        assert not delete_schedule(session, ScheduleTarget(tag="gone"))
        delete_tag(session, "tagless")
    assert run(parts) == []
    assert read_schedule(store, later).next_run_at == NOON + 60 * SECOND
    assert read_schedule(store, off).next_run_at is None
    with store.read_only() as session:
        assert [item.schedule.id for item in list_schedules(session)] == [later, off]


def test_the_oldest_comes_first_and_a_stop_leaves_the_rest_due(parts: QueueParts, clock: SetClock) -> None:
    for minutes, tag in enumerate(("third", "second", "first")):
        fill_tag(parts.store, tag)
        schedule(parts.store, tag, due_at=NOON + timedelta(minutes=10 - minutes))
    clock.advance(HOUR)
    stops = iter([False, False, True])
    assert run(parts, stopped=lambda: next(stops)) == [Outcome.SUBMITTED] * 2
    assert [batch.tag for batch in scheduled_batches(parts.store)] == ["first", "second"]
    assert run(parts) == [Outcome.SUBMITTED]
    assert [batch.tag for batch in scheduled_batches(parts.store)] == ["first", "second", "third"]


# Obstacles to an occurrence, in the order of the checks; the first that applies is the outcome.
HINDRANCES = [
    Outcome.SKIPPED_MISSED,
    Outcome.SKIPPED_DISABLED,
    Outcome.SKIPPED_ACTIVE,
    Outcome.SKIPPED_EMPTY,
    Outcome.ERROR,
]


@pytest.mark.parametrize("first", range(len(HINDRANCES)), ids=HINDRANCES)
def test_of_several_hindrances_the_first_is_reported(parts: QueueParts, clock: SetClock, first: int) -> None:
    """All obstacles from `first` on apply."""
    store, hindering = parts.store, HINDRANCES[first:]
    names = fill_tag(store, "mine", 3)
    cohort = make_cohort(store, "mine")
    made = schedule(store, ScheduleTarget(cohort_id=cohort), catch_up=Outcome.SKIPPED_MISSED not in hindering)
    assert run(parts) == [Outcome.SUBMITTED]
    before = read_schedule(store, made).last_batch_id
    clock.advance(DAY + HOUR + SECOND)
    with store.transaction() as session:
        cohort_row = list_schedules(session)[0].cohort
        assert cohort_row
        cohort_row.analysis_enabled = Outcome.SKIPPED_DISABLED not in hindering
        if Outcome.SKIPPED_EMPTY in hindering:
            untag_domains(session, "mine", names)
    if Outcome.SKIPPED_ACTIVE not in hindering:
        finish_batches(store)
    assert run(parts, most=2) == [HINDRANCES[first]]
    found = read_schedule(store, made)
    assert (found.last_outcome, found.last_batch_id) == (HINDRANCES[first], before)
    assert (found.next_run_at, found.last_run_at) == (NOON + 2 * DAY, clock.now())
    assert found.last_error == (
        "the tag has 3 domains, a batch has at most 2" if found.last_outcome is Outcome.ERROR else ""
    )
    assert len(scheduled_batches(store)) == 1


def test_a_batch_of_a_cohort_is_for_a_snapshot(parts: QueueParts) -> None:
    store = parts.store
    fill_tag(store, "mine")
    cohort = ScheduleTarget(cohort_id=make_cohort(store, "mine"))
    made = schedule(store, cohort, promote_default=True)
    schedule(store, "mine", promote_default=True)  # the tag has a separate cohort without snapshots
    assert run(parts) == [Outcome.SUBMITTED, Outcome.SUBMITTED]
    batches = scheduled_batches(store, "mine")
    assert [(batch.snapshot_intent, batch.promote_snapshot) for batch in batches] == [(True, True), (False, False)]
    finish_batches(store)
    with store.transaction() as session:
        set_schedule(session, cohort, DAILY, now=NOON)
    make_due(store, [made], at=NOON)
    assert run(parts) == [Outcome.SUBMITTED]
    last = scheduled_batches(store)[-1]
    assert (last.snapshot_intent, last.promote_snapshot) == (True, False)


def test_a_schedule_goes_with_its_cohort(parts: QueueParts) -> None:
    cohort_id = make_cohort(parts.store, "mine")
    schedule(parts.store, ScheduleTarget(cohort_id=cohort_id))
    with parts.store.transaction() as session:
        session.execute(delete(Cohort).where(Cohort.id == cohort_id))
        assert list_schedules(session) == []


def test_what_was_missed_is_caught_up_once(parts: QueueParts, clock: SetClock) -> None:
    fill_tag(parts.store, "mine")
    made = schedule(parts.store, "mine")
    clock.advance(5 * DAY + HOUR)
    assert run(parts) == [Outcome.SUBMITTED]
    assert read_schedule(parts.store, made).next_run_at == NOON + 6 * DAY
    assert run(parts) == []


@pytest.mark.parametrize(
    ("late", "outcome"),
    [(HOUR, Outcome.SUBMITTED), (HOUR + SECOND, Outcome.SKIPPED_MISSED), (9 * DAY, Outcome.SKIPPED_MISSED)],
)
def test_without_catching_up_an_hour_is_not_too_late(
    parts: QueueParts, clock: SetClock, late: timedelta, outcome: Outcome
) -> None:
    fill_tag(parts.store, "mine")
    made = schedule(parts.store, "mine", catch_up=False)
    clock.advance(late)
    assert run(parts) == [outcome]
    assert read_schedule(parts.store, made).next_run_at == NOON + (late.days + 1) * DAY


def test_a_deleted_batch_is_not_active(parts: QueueParts) -> None:
    store = parts.store
    fill_tag(store, "mine")
    made = schedule(store, "mine")
    run(parts)
    with store.transaction() as session:
        session.execute(delete(Job))
        session.execute(delete(Batch))
    assert read_schedule(store, made).last_batch_id is None
    make_due(store, [made], at=NOON)
    fill_tag(store, "other")
    schedule(store, "other")  # its jobs do not belong to the first schedule
    assert run(parts) == [Outcome.SUBMITTED, Outcome.SUBMITTED]


@pytest.mark.parametrize("broken", [{"timezone": "Europe/Atlantis"}, {"kind": "yearly"}, {"interval_days": None}])
def test_a_broken_rule_switches_the_schedule_off(parts: QueueParts, broken: dict[str, Any]) -> None:
    fill_tag(parts.store, "mine")
    made = schedule(parts.store, "mine")
    with parts.store.transaction() as session:
        session.execute(update(Schedule).values(broken))
    assert run(parts) == [Outcome.ERROR]
    found = read_schedule(parts.store, made)
    assert (found.enabled, found.next_run_at, found.last_run_at) == (False, None, NOON)
    assert found.last_error.startswith(f"disabled: {next(iter(broken))} must ")
    assert run(parts) == []
    assert scheduled_batches(parts.store) == []


def test_profiles_are_those_of_the_schedule_or_else_of_the_tags(parts: QueueParts) -> None:
    store = parts.store
    first, second, *_ = fill_tag(store, "mine")
    with store.transaction() as session:
        ids = [
            create_profile(session, name, config={}, schema_version="", now=NOON).id
            for name in ("strict", "mild", "own")
        ]
        domains = {name: number for number, name in session.execute(select(Domain.id, Domain.name))}
        tag_domains(session, ["strict"], [domains[first]], now=NOON)
        tag_domains(session, ["mild"], [domains[second]], now=NOON)
        set_default_profile(session, "strict", ids[0])
        set_default_profile(session, "mild", ids[1])
    schedule(store, "mine")
    assert run(parts) == [Outcome.SUBMITTED]
    assert profiles_of_jobs(store) == [(ids[0], "strict"), (ids[1], "mild"), (None, "")]
    finish_batches(store)
    made = schedule(store, "mine", profile_id=ids[2])
    make_due(store, [made], at=NOON)
    assert run(parts) == [Outcome.SUBMITTED]
    assert profiles_of_jobs(store) == [(ids[2], "own")] * 3
    finish_batches(store)
    with store.transaction() as session:
        delete_profile(session, ids[2])
    assert read_schedule(store, made).profile_id is None


def profiles_of_jobs(store: Store) -> list[tuple[int | None, str]]:
    with store.read_only() as session:
        rows = session.execute(select(Job.profile_id, Job.profile_name).order_by(Job.position))
        return [(profile_id, name) for profile_id, name in rows]


def test_tags_that_disagree_about_the_profile_are_an_error_and_write_nothing(parts: QueueParts) -> None:
    store = parts.store
    names = fill_tag(store, "mine", 5)
    with store.transaction() as session:
        ids = [create_profile(session, name, config={}, schema_version="", now=NOON).id for name in ("one", "two")]
        (last,) = session.scalars(select(Domain.id).where(Domain.name == names[-1]))
        for tag, profile_id in zip(("one", "two"), ids, strict=True):
            tag_domains(session, [tag], [last], now=NOON)
            set_default_profile(session, tag, profile_id)
    made = schedule(store, "mine")
    fill_tag(store, "sound")
    schedule(store, "sound", due_at=NOON)
    assert run(parts) == [Outcome.ERROR, Outcome.SUBMITTED]
    found = read_schedule(store, made)
    assert f"({ids[0]}, {ids[1]})" in found.last_error
    assert (found.enabled, found.next_run_at) == (True, NOON + DAY)
    assert [batch.tag for batch in scheduled_batches(store)] == ["sound"]
    assert len(order(parts)) == count(store, Job) == 3


def test_a_fault_of_one_schedule_does_not_keep_the_others(parts: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    for tag in ("bad", "good"):
        fill_tag(parts.store, tag)
    bad, _good = schedule(parts.store, "bad"), schedule(parts.store, "good")

    def faulty(session: Any, tag: str, **named: Any) -> Iterator[Any]:
        jobs = jobs_of_tag(session, tag, **named)
        yield next(jobs)
        if tag == "bad":
            raise ZeroDivisionError
        yield from jobs

    monkeypatch.setattr(recurring, "jobs_of_tag", faulty)
    assert run(parts) == [Outcome.ERROR, Outcome.SUBMITTED]
    assert read_schedule(parts.store, bad).last_error.startswith("ZeroDivisionError; ")
    assert [batch.tag for batch in scheduled_batches(parts.store)] == ["good"]


def test_of_many_checks_at_once_one_submits(parts: QueueParts, store: Store) -> None:
    made = []
    for number in range(6):
        fill_tag(store, f"t{number}", 4)
        made.append(schedule(store, f"t{number}"))
    for round_number in range(1, 4):
        outcomes = together(*[lambda: run(parts)] * 5)
        reported = [outcome for found in outcomes if not isinstance(found, Exception) for outcome in found]
        assert sorted(reported) == [Outcome.SUBMITTED] * 6, outcomes
        assert len(scheduled_batches(store)) == 6 * round_number
        assert all(read_schedule(store, each).next_run_at == NOON + DAY for each in made)
        assert sorted(parts.broker.lists.waiting_ids(BATCH)) == ids_of_jobs(store)
        assert count(store, Job) == 24
        finish_batches(store)
        parts.broker.lists.rebuild([], BATCH)
        make_due(store, made, at=NOON)


def test_an_occurrence_that_was_decided_elsewhere_rolls_the_batch_back(
    parts: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the row lock, only the comparison of the schedule's next time decides."""
    fill_tag(parts.store, "mine")
    schedule(parts.store, "mine")
    monkeypatch.setattr(recurring, "decide_occurrence", lambda *_, **__: False)
    assert run(parts) == []
    assert (count(parts.store, Batch), count(parts.store, Job)) == (0, 0)
    monkeypatch.undo()
    assert run(parts) == [Outcome.SUBMITTED]


def test_an_occurrence_is_decided_once(store: Store) -> None:
    fill_tag(store, "mine")
    made = Occurrence(schedule(store, "mine"), NOON)
    decision = Decision(Outcome.SKIPPED_EMPTY, NOON + DAY)
    with store.transaction() as session:
        assert due_occurrences(session, now=NOON) == [made]
        assert due_occurrences(session, now=NOON - SECOND) == []
        assert decide_occurrence(session, made, decision, now=NOON)
        assert not decide_occurrence(session, made, decision, now=NOON)
        assert due_occurrences(session, now=NOON) == []


def test_without_redis_the_occurrence_stays_due(store: Store, own_redis: EmbeddedRedis) -> None:
    broker = Broker.open(own_redis.url)
    app = make_app(own_redis.url)
    parts = QueueParts(store, broker, app, SetClock(NOON))
    fill_tag(store, "mine")
    schedule(store, "mine")
    own_redis.stop()
    with pytest.raises(BrokerUnavailable):
        run(parts)
    assert count(store, Batch) == 0
    own_redis.start()
    assert run(parts) == [Outcome.SUBMITTED]
    assert len(order(parts)) == 3
    broker.close()
    app.close()


@pytest.mark.parametrize("moment", ["storing", "stored"])
def test_a_killed_process_submits_once(parts: QueueParts, tmp_path: Path, moment: str) -> None:
    fill_tag(parts.store, "mine", 10)
    schedule(parts.store, "mine")
    with open_farm(parts.broker, parts.store.settings, tmp_path) as farm:
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.killed_scheduler", moment],
            cwd=ROOT,
            env=farm.environ | {"PATH": ""},
            check=False,
        )
    assert done.returncode == -signal.SIGKILL
    assert run(parts) == ([Outcome.SUBMITTED] if moment == "storing" else [])
    assert [batch.domain_count for batch in scheduled_batches(parts.store)] == [10]
    parts.broker.marks.end_submission(scheduled_batches(parts.store)[0].id)  # otherwise it would expire after a minute
    if moment == "stored":
        reconcile(parts.store, parts.broker, parts.celery, now=parts.clock.now())
    assert len(order(parts)) == 10


# How operators set them.


def put(store: Store, **fields: Any) -> Schedule:
    with store.transaction() as session:
        set_schedule(session, ScheduleTarget(tag="mine"), replace(DAILY, **fields), now=NOON)
    with store.read_only() as session:
        return list_schedules(session)[0].schedule


def test_a_change_keeps_what_was_and_what_is_due(store: Store) -> None:
    fill_tag(store, "mine")
    made = put(store)
    assert made.next_run_at == NOON + DAY  # strictly after
    with store.transaction() as session:
        session.execute(update(Schedule).values(last_outcome=Outcome.SUBMITTED, last_run_at=NOON, next_run_at=NOON))
    changed = put(store, catch_up=False)
    assert (changed.id, changed.catch_up, changed.last_outcome, changed.last_run_at) == (
        made.id,
        False,
        "submitted",
        NOON,
    )
    assert changed.next_run_at == NOON, "it is due, and its rule has not changed"
    assert put(store, time_of_day="13:00").next_run_at == NOON + HOUR
    assert put(store, enabled=False).next_run_at is None
    assert put(store).next_run_at == NOON + DAY
    assert (
        put(store, kind="weekly", interval_days=None, anchor_date=None, weekdays=["wed"]).next_run_at == NOON + 7 * DAY
    )
    with pytest.raises(InvalidRule):
        put(store, kind="monthly")


def test_two_who_create_a_schedule_at_once_make_one(store: Store) -> None:
    fill_tag(store, "mine")

    def create() -> None:
        store.run_in_transaction(lambda session: set_schedule(session, ScheduleTarget(tag="mine"), DAILY, now=NOON))

    assert together(*[create] * 4) == [None] * 4
    with store.read_only() as session:
        assert len(list_schedules(session)) == 1


def test_a_lost_race_is_a_conflict(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_tag(store, "mine")
    put(store)
    monkeypatch.setattr("gonemaster_tasks.control.schedules.lock_schedule", lambda *_: None)
    with pytest.raises(StoreConflict):
        put(store)
