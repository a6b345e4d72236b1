"""Runs are removed by age, in short steps, by one process at a time; unfinished jobs stay."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from gonemaster_db.batches.deletion import purge_finished_before
from gonemaster_db.core import purging
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.purging import purge_in_steps
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import get_domain
from gonemaster_db.domains.tags import create_tag, tag_domains
from gonemaster_db.models import AuditLine, Job, Run
from gonemaster_db.service.audit import record_action
from gonemaster_db.service.metrics.counting import PURGED, Count, read_counts
from gonemaster_db.service.settings import write_settings
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.retention import purge_old_runs, purge_regularly, purge_runs_of_tag
from tests.support.redis import raw
from tests.support.rows import entries_of, make_run, queue_job, record

DAY = timedelta(days=1)


def run_of_age(store: Store, days: int, domain: str = "a.example", entries: int = 1) -> str:
    return make_run(store, domain, record(entries=entries_of(*["INFO"] * entries), at=utcnow() - days * DAY)).id


def left(store: Store) -> list[str]:
    with store.read_only() as session:
        return list(session.scalars(select(Run.id).order_by(Run.finished_at)))


def audit(store: Store) -> list[tuple[str, str, int]]:
    with store.read_only() as session:
        return [
            (line.who, line.action, line.count) for line in session.scalars(select(AuditLine).order_by(AuditLine.id))
        ]


def purged(store: Store) -> int:
    with store.read_only() as session:
        return read_counts(session)[Count(PURGED)]


def live(**settings: int) -> LiveSettings:
    return LiveSettings(Settings(**settings))  # type: ignore[arg-type]  # only numbers are given


def test_old_runs_go_are_counted_and_noted_and_unfinished_jobs_stay(parts: QueueParts) -> None:
    store = parts.store
    for days in (50, 40, 31):
        run_of_age(store, days)
    young = run_of_age(store, 29)
    waiting = queue_job(store, "old.example", now=utcnow() - 90 * DAY).id
    assert purge_regularly(store, parts.broker, live(retention_days=30), now=utcnow()) == 3
    assert left(store) == [young]
    with store.read_only() as session:
        assert list(session.scalars(select(Job.id))) == [waiting]
    assert purged(parts.store) == 3
    assert audit(store) == [("beat", "jobs.purge", 3)]
    assert purge_regularly(store, parts.broker, live(retention_days=30), now=utcnow()) == 0
    assert len(audit(store)) == 1  # nothing removed, nothing recorded


def test_without_retention_nothing_goes(parts: QueueParts) -> None:
    run = run_of_age(parts.store, 4000)
    assert purge_regularly(parts.store, parts.broker, live(), now=utcnow()) == 0
    assert left(parts.store) == [run]


def test_the_stored_window_counts_even_if_this_process_has_not_seen_it(parts: QueueParts) -> None:
    run = run_of_age(parts.store, 40)
    with parts.store.transaction() as session:
        write_settings(session, {"database.retention_days": 0}, now=utcnow())
    assert purge_regularly(parts.store, parts.broker, live(retention_days=30), now=utcnow()) == 0
    assert left(parts.store) == [run]


def test_old_lines_of_the_audit_go_and_the_purge_itself_is_noted(parts: QueueParts) -> None:
    for days in (500, 400, 31):
        with parts.store.transaction() as session:
            record_action(session, f"age.{days}", who="ops", now=utcnow() - days * DAY)
    purge_regularly(parts.store, parts.broker, live(audit_retention_days=0), now=utcnow())
    assert len(audit(parts.store)) == 3
    purge_regularly(parts.store, parts.broker, live(), now=utcnow())
    assert audit(parts.store) == [("ops", "age.31", 1), ("beat", "audit.purge", 2)]
    purge_regularly(parts.store, parts.broker, live(audit_retention_days=30), now=utcnow())
    assert audit(parts.store) == [("beat", "audit.purge", 2), ("beat", "audit.purge", 1)]


def test_one_process_purges_at_a_time(parts: QueueParts) -> None:
    run_of_age(parts.store, 40)
    parts.broker.locks.acquire("purge", "another", timedelta(seconds=60))
    assert purge_regularly(parts.store, parts.broker, live(retention_days=30), now=utcnow()) == 0
    parts.broker.locks.release("purge", "another")
    assert purge_regularly(parts.store, parts.broker, live(retention_days=30), now=utcnow()) == 1
    assert parts.broker.locks.holder("purge") == ""


@pytest.mark.parametrize("how", ["stopping", "window changed", "lock lost"])
def test_a_purge_ends_under_way(parts: QueueParts, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(purging, "MAX_STEP", 1)
    for days in (50, 40, 31):
        run_of_age(parts.store, days)
    settings = live(retention_days=30)

    def stopped() -> bool:
        begun = len(left(parts.store)) < 3
        if begun and how == "window changed":
            settings.current = Settings(retention_days=31)
        if begun and how == "lock lost":
            raw(parts.broker).set("gm:lock:purge", "another")
        return begun and how == "stopping"

    assert purge_regularly(parts.store, parts.broker, settings, now=utcnow(), stopped=stopped) == 1
    assert len(left(parts.store)) == 2


def test_runs_of_a_tag_are_deleted_at_every_age(parts: QueueParts) -> None:
    store = parts.store
    run_of_age(store, 1, "a.example")
    other = run_of_age(store, 1, "b.example")
    with store.transaction() as session:
        create_tag(session, "gov", now=utcnow())
        domain_id = session.scalars(select(Run.domain_id).where(Run.domain == "a.example")).one()
        tag_domains(session, ["gov"], [domain_id], now=utcnow())
    assert purge_runs_of_tag(store, "gov", who="ops") == 1
    assert left(store) == [other]
    with store.read_only() as session:
        assert (get_domain(session, domain_id).run_count, get_domain(session, domain_id).latest_run_id) == (0, None)
    assert audit(store) == [("ops", "tag.purge", 1)]
    assert purged(parts.store) == 1


def test_readers_are_served_while_a_step_is_under_way(parts: QueueParts) -> None:
    run_of_age(parts.store, 40)
    with parts.store.transaction() as session:
        assert purge_finished_before(session, utcnow(), limit=10) == 1
        assert len(left(parts.store)) == 1  # as before, without waiting
    assert left(parts.store) == []


def test_steps_grow_while_they_are_quick_and_shrink_when_they_are_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0
    sizes: list[int] = []

    def step(_session: object, size: int) -> int:
        nonlocal clock
        sizes.append(size)
        clock += size / 1024 if len(sizes) < 4 else size / 128  # seconds
        return 0 if len(sizes) == 7 else size

    pace = purging.PurgePace(least=100, target_s=0.25, pause=0.5)
    monkeypatch.setattr(purging, "PACES", dict.fromkeys(purging.PACES, pace))
    monkeypatch.setattr("gonemaster_db.core.purging.monotonic", lambda: clock)
    monkeypatch.setattr("gonemaster_db.core.purging.sleep", lambda _seconds: None)
    removed = list(purge_in_steps(store, step))
    assert sizes == [100, 200, 256, 256, 100, 100, 100]
    assert removed == sizes[:-1]


def test_api_purges_count_as_well(parts: QueueParts) -> None:
    run_of_age(parts.store, 40)
    assert purge_old_runs(parts.store, days=30, now=utcnow(), who="ops") == 1
    assert purge_old_runs(parts.store, days=30, now=utcnow(), who="ops") == 0
    assert audit(parts.store) == [("ops", "jobs.purge", 1), ("ops", "jobs.purge", 0)]
    assert purged(parts.store) == 1
