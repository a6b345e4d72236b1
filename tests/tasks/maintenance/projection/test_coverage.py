"""The cohorts of a batch, the members that its snapshots cover, and the snapshots that may become the default."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from gonemaster_db.analysis.discarding import newest_snapshot
from gonemaster_db.analysis.membership import covers, list_missing_members
from gonemaster_db.analysis.public_snapshots import find_default_snapshot
from gonemaster_db.analysis.snapshots import change_snapshot, list_snapshots
from gonemaster_db.core.session import Store
from gonemaster_db.domains.tags import tag_domains
from gonemaster_db.models import Cohort, CohortSnapshot
from tests.support.analysis.cohorts import domain_ids, make_batch, make_cohort
from tests.support.analysis.runs import run_batch
from tests.support.rows import NOON, queue_job
from tests.tasks.maintenance.projection.test_lifecycle import captured, cohort_now, settle

NAMES = [f"d{number}.example" for number in range(10)]
LATER = NOON + timedelta(hours=1)


def add(store: Store, tag: str, names: list[str]) -> None:
    ids = domain_ids(store, names)
    with store.transaction() as session:
        tag_domains(session, [tag], ids.values(), now=NOON)


def snapshots(store: Store, cohort: Cohort) -> list[CohortSnapshot]:
    with store.read_only() as session:
        return list(list_snapshots(session, cohort.id))


def default_of(store: Store, cohort: Cohort) -> int | None:
    """Return the default snapshot, which administrators and the public see alike."""
    with store.read_only() as session:
        shown = find_default_snapshot(session, cohort_now(store, cohort))
        assert (shown.id if shown else None) == (
            cohort_now(store, cohort).default_snapshot_id or newest_snapshot(session, cohort.id)
        )
        return shown.id if shown else None


@pytest.mark.parametrize("tags", [("tld",), ("other", "tld"), ()])
def test_a_batch_becomes_a_snapshot_of_the_cohorts_that_it_was_made_for(store: Store, tags: tuple[str, ...]) -> None:
    mine, other, large = (make_cohort(store, tag) for tag in ("tld", "other", "large"))
    add(store, "tld", NAMES)
    add(store, "other", NAMES[:1])
    add(store, "large", [*NAMES, *(f"l{number}.example" for number in range(10))])
    batch = make_batch(store, tag=next(iter(tags), ""), tags=tags)
    run_batch(store, batch, NAMES)
    settle(store)
    assert len(snapshots(store, mine)) == 1
    # Without tags, the batch belongs to each cohort whose members it tests, but not to others that share a domain.
    assert len(snapshots(store, other)) == (0 if tags == ("tld",) else 1)
    assert snapshots(store, large) == []


def test_a_snapshot_of_few_members_is_not_the_default_unless_an_operator_says_so(store: Store) -> None:
    cohort = make_cohort(store)
    add(store, "tld", NAMES)
    whole = captured(store, cohort, NAMES, tag="tld")
    part = captured(store, cohort, NAMES[:3], at=LATER, tag="tld", promote=True)
    assert [(one.coverage, one.default_allowed) for one in (whole, part)] == [(100, True), (30, False)]
    assert default_of(store, cohort) == whole.id
    with store.transaction() as session:
        change_snapshot(session, cohort.id, part.slug, {"is_default": True}, now=LATER)
    assert default_of(store, cohort) == part.id


def test_a_cohort_may_need_less_or_more(store: Store) -> None:
    cohort = make_cohort(store, coverage=30)
    add(store, "tld", NAMES)
    assert captured(store, cohort, NAMES[:3], tag="tld").default_allowed
    strict = make_cohort(store, "strict", coverage=100)
    add(store, "strict", NAMES)
    assert not captured(store, strict, NAMES[:9], tag="strict").default_allowed
    assert default_of(store, strict) is None


def test_further_runs_of_the_batch_repair_a_snapshot(store: Store) -> None:
    cohort = make_cohort(store)
    add(store, "tld", NAMES)
    batch = make_batch(store, tag="tld", promote=True)
    run_batch(store, batch, NAMES[:3])
    settle(store)
    queue_job(store, NAMES[3], batch_id=batch.id, priority=1)
    with store.read_only() as session:
        assert list_missing_members(session, batch.key, "tld") == NAMES[4:]
        assert not covers(session, batch.key, "tld", percent=50)
        assert covers(session, batch.key, "tld", percent=40)
    run_batch(store, batch, NAMES[4:])
    with store.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM jobs")
    settle(store)
    with store.read_only() as session:
        (snapshot,) = session.scalars(select(CohortSnapshot)).all()
    assert (snapshot.coverage, snapshot.default_allowed) == (90, True)
    assert cohort_now(store, cohort).default_snapshot_id == snapshot.id, "the wish of the batch waits for the repair"
