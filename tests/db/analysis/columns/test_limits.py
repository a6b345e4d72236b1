"""A snapshot in the database that is too large for it is refused with what to do."""

from __future__ import annotations

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.cohorts import get_cohort
from gonemaster_db.analysis.facts import write_facts
from gonemaster_db.analysis.snapshots import ensure_snapshot
from gonemaster_db.core.session import Store
from tests.support.analysis.cohorts import made_facts, make_batch, make_cohort, read_snapshot
from tests.support.rows import NOON


def test_a_large_snapshot_in_the_database_is_refused_until_it_is_allowed(store: Store) -> None:
    cohort, batch = make_cohort(store), make_batch(store)
    facts = made_facts(store, ["a.example", "b.example", "c.example"])
    with store.transaction() as session:
        snapshot = ensure_snapshot(session, cohort, batch, floor="NOTICE", now=NOON)
        write_facts(session, snapshot.id, facts)
        snapshot.facts_revision += 1
    assert materialise(store, snapshot.id, now=lambda: NOON, max_domains=2) is Capture.TOO_LARGE
    refused = read_snapshot(store, snapshot.id)
    assert refused.view_id is None
    assert "more than 2 domains (analytics.max_database_domains)" in refused.last_materialization_error
    assert "set analytics.location and rebuild the cohort" in refused.last_materialization_error
    assert materialise(store, snapshot.id, now=lambda: NOON, max_domains=3) is Capture.CAPTURED
    assert read_snapshot(store, snapshot.id).last_materialization_error == ""
    with store.read_only() as session:
        assert get_cohort(session, cohort.id).last_materialization_error == ""
