"""Demonstration data are the same for the same seed, are consistent, and only join real runs on request."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from gonemaster_api.demo.sample.entries import effective_profile, entries_of, servers_of, timings_of
from gonemaster_api.demo.sample.snapshots import capture_all
from gonemaster_api.demo.sample.story import NEW_ENGINE, OLD_ENGINE, OPERATORS, Story
from gonemaster_api.demo.sample.write import TAG, StoreInUse, write_demo_data
from gonemaster_api.v1.jobs.measure_schemas import NameserverTimingSchema
from gonemaster_db.core.session import Store
from gonemaster_db.models import Cohort, CohortSnapshot, Run, SnapshotStatus
from gonemaster_db.runs.run_documents import read_stored_runs
from gonemaster_engine.testcases.catalogue import cases
from tests.support.rows import make_run
from tests.support.stores import DRIVERS, MakeSettings, opened

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
SMALL = Story(domains=30, months=4)


def written(store: Store, story: Story = SMALL, **options: Any) -> int:
    return write_demo_data(store, story, seed=0, until=UNTIL, **options).runs


def test_the_same_seed_gives_the_same_history() -> None:
    one, again, other = (Story(domains=300, months=12, seed=seed) for seed in (1, 1, 2))
    assert one.domains == again.domains != other.domains
    assert len(set(one.domains)) == 300
    for month in (0, 11):
        assert [one.truth(name, month) for name in one.domains] == [again.truth(name, month) for name in one.domains]


def test_signing_grows_an_operator_breaks_and_the_engine_changes() -> None:
    story = Story(domains=400, months=12)
    truths = [[story.truth(name, month) for name in story.domains] for month in range(12)]
    signed = [sum(truth.algorithm is not None for truth in month) for month in truths]
    assert signed == sorted(signed)
    assert signed[0] < 170 < 230 < signed[-1]
    broken = [sum(truth.broken_server for truth in month) for month in truths]
    assert [month for month, number in enumerate(broken) if number] == [3, 4]
    assert {truth.operator.name for truth in truths[3] if truth.broken_server} == {"Northwind Hosting"}
    assert [month[0].engine_version for month in truths] == [OLD_ENGINE] * 6 + [NEW_ENGINE] * 6


def test_entries_are_such_as_the_engine_gives() -> None:
    known = {(case.module, case.id, tag.name): set(tag.keys) for case in cases().values() for tag in case.tags}
    story, found = Story(domains=400, months=12), Counter[str]()
    for name in story.domains:
        for month in (0, 3, 6, 11):
            truth = story.truth(name, month)
            levels = effective_profile(truth.engine_version)["test_levels"]
            for entry in entries_of(name, truth):
                found[entry.tag] += 1
                assert entry.level == levels[entry.module][entry.tag]
                if entry.module != "SYSTEM":
                    assert set(entry.args) == known[entry.module, entry.testcase, entry.tag], entry.tag
    assert {"B02_NO_WORKING_NS", "CN01_NO_RESPONSE_UDP", "DS05_ALGO_DEPRECATED", "NO_IPV6_NS_DEL"} <= found.keys()
    assert {operator.name for operator in OPERATORS} == {
        story.truth(name, 0).operator.name for name in story.domains
    }, "each operator has domains"
    assert all(len(servers_of(name, story.truth(name, 0))) in (2, 3, 4) for name in story.domains)


def test_timings_have_the_fields_of_real_runs() -> None:
    story = Story(domains=400, months=12)
    timings = [
        one for name in story.domains for month in (0, 3) for one in timings_of(name, story.truth(name, month), month)
    ]
    assert {one["status"] for one in timings} == {"ok", "unreachable"}
    for one in timings:
        assert not NameserverTimingSchema().fields.keys() - one.keys()
        if one["status"] == "ok":
            assert one["min_ms"] <= one["median_ms"] <= one["avg_ms"] <= one["max_ms"]
            assert one["total_ms"] == pytest.approx(one["avg_ms"] * one["count"], abs=0.1)


def test_what_is_written_becomes_snapshots(store: Store) -> None:
    assert written(store) == 120
    assert capture_all(store, floor="NOTICE", scoring_config_hash="default") == 4
    with store.read_only() as session:
        cohort = session.scalars(select(Cohort)).one()
        snapshots = session.scalars(select(CohortSnapshot).order_by(CohortSnapshot.first_run_at)).all()
        runs = session.scalars(select(Run.id).order_by(Run.id)).all()
        entries = sum(run.full_document.entry_count for run in read_stored_runs(session, runs).values())
    assert (cohort.source_tag, cohort.is_default, cohort.public_enabled) == (TAG, True, True)
    assert [snapshot.status for snapshot in snapshots] == [SnapshotStatus.CAPTURED] * 4
    assert [snapshot.domain_count for snapshot in snapshots] == [30] * 4
    assert [snapshot.engine_version for snapshot in snapshots] == [OLD_ENGINE] * 2 + [NEW_ENGINE] * 2
    assert snapshots[1].vocabulary_id != snapshots[2].vocabulary_id
    assert entries > 120 * 12


def test_ids_are_the_same_each_time(make_store_settings: MakeSettings) -> None:
    ids = []
    for driver in DRIVERS:
        with opened(make_store_settings(driver)) as store:
            written(store)
            with store.read_only() as session:
                ids.append(session.scalars(select(Run.id).order_by(Run.id)).all())
    assert ids[0] == ids[1]


def test_a_store_with_runs_is_left_alone_without_the_option(store: Store) -> None:
    make_run(store)
    with pytest.raises(StoreInUse, match="allow-existing-runs"):
        written(store)
    with store.read_only() as session:
        assert session.scalars(select(Run.domain)).all() == ["example.com"]
        assert session.scalars(select(Cohort)).all() == []
    assert written(store, allow_existing_runs=True) == 120
    with pytest.raises(StoreInUse, match="already"):
        written(store, allow_existing_runs=True)
