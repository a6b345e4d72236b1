"""Finished runs are followed by key, each exactly once, in any order of commits."""

import itertools
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.batches.deletion import delete_batch
from gonemaster_db.core.records import EntryRecord, NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.core.states import RunStatus
from gonemaster_db.domains.tags import tag_domains
from gonemaster_db.models import WatchDigest, WatchEvent
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_db.runs.run_keys import HOLE_LIFE_S, Hole, Progress, next_keys
from gonemaster_db.service import watched_runs as following
from tests.db.service.test_watches import make_watch
from tests.support.rows import NOON, claim, make_run, queue_job, record
from tests.support.stores import MakeSettings, opened

MINUTE = timedelta(minutes=1)


@given(st.permutations(range(1, 30)), st.sets(st.integers(1, 29)), st.lists(st.integers(1, 5), max_size=30))
def test_each_key_is_followed_once_in_any_order(order: list[int], rolled_back: set[int], rounds: list[int]) -> None:
    progress, there, followed = Progress(0), set[int](), list[int]()
    waiting = [key for key in order if key not in rolled_back]
    for number in [*rounds, *([5] * 30)]:
        there |= set(waiting[:number])
        waiting = waiting[number:]
        missing = {key for hole in progress.holes for key in range(hole.first, hole.last + 1)}
        keys = sorted(key for key in there if key > progress.seen or key in missing)
        followed += keys
        progress = progress.after(keys, now=0.0)
    assert sorted(followed) == sorted(there) == sorted(set(range(1, 30)) - rolled_back)


def test_a_hole_is_given_up_after_an_hour() -> None:
    progress = Progress(0).after([1, 5], now=0.0)
    assert progress.holes == (Hole(2, 4, 0.0),)
    assert progress.after([3], now=1.0).holes == (Hole(2, 2, 0.0), Hole(4, 4, 0.0))
    assert progress.after([7], now=HOLE_LIFE_S + 1).holes == (Hole(6, 6, HOLE_LIFE_S + 1),)


def test_the_slower_of_two_workers_cannot_store_its_progress(store: Store) -> None:
    for size in (1, 2):
        with store.read_only() as session:
            read = following.read_progress(session, begin=0)
        with store.transaction() as session:
            assert following.store_progress(session, read.after([size], now=0.0))
        with store.transaction() as session:
            assert not following.store_progress(session, read.after([size, 9], now=0.0))
    with store.read_only() as session:
        assert following.read_progress(session, begin=7) == Progress(2, (), 2)
    with store.transaction() as session:
        following.remove_progress(session)
        assert following.read_progress(session, begin=7) == Progress(7)


def test_a_run_that_is_committed_after_later_ones_is_followed(
    make_store_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = itertools.count()  # two transactions never wait for the same counter
    monkeypatch.setattr("gonemaster_db.runs.counters.random.randrange", lambda number: next(shards) % number)
    with opened(make_store_settings("postgres")) as store:
        first = make_run(store, "first.example")  # creates the outcome that the others share
        late = claim(store, queue_job(store, "late.example").id)
        with store.transaction() as slow:
            graduate_job(slow, late.id, worker=late.worker or "", attempt=late.attempt, record=record("INFO"))
            make_run(store, "quick.example")
            with store.read_only() as session:
                keys = next_keys(session, Progress(first.key), limit=10)
            progress = Progress(first.key).after(keys, now=0.0)
            assert len(keys) == 1
            assert progress.holes
        with store.read_only() as session:
            (filled,) = next_keys(session, progress, limit=10)
            assert [run.id for run in following.comparable_runs(session, [filled])] == [late.id]


def test_runs_with_reused_keys_are_followed(store: Store) -> None:
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(2), now=NOON)
    make_run(store, "stays.example")
    for number in range(2):
        make_run(store, f"d{number}.example", batch_id=batch.id)
    with store.transaction() as session:
        keys = next_keys(session, Progress(0), limit=10)
        following.store_progress(session, Progress(0).after(keys, now=0.0))
    watch = make_watch(store)
    with store.transaction() as session:
        delete_batch(session, batch.id)
    new = [make_run(store, f"new{number}.example") for number in range(3)]
    with store.read_only() as session:
        progress = following.read_progress(session, begin=0)
        assert next_keys(session, progress, limit=10) == [run.key for run in new]
        (kept,) = following.lock_watches(session, [watch.id]).values()
        assert kept.after_key < new[0].key


def previous_of(store: Store, run: Any) -> str | None:
    with store.read_only() as session:
        found = following.previous_runs(session, [run.key]).get(run.key)
    return found.id if found else None


def test_the_previous_run_is_the_newest_comparable_one_before(store: Store) -> None:
    first = make_run(store, outcome=record("INFO", at=NOON))
    assert previous_of(store, first) is None
    make_run(store, "other.example", record("INFO", at=NOON + MINUTE))
    make_run(store, outcome=record("INFO", at=NOON + MINUTE), config={"tests": ["basic"]})
    make_run(store, outcome=record("INFO", at=NOON + MINUTE), config={"nameservers": [{"ns": "ns.example"}]})
    make_run(store, outcome=record(status=RunStatus.FAILED, at=NOON + MINUTE))
    third = make_run(store, outcome=record("INFO", at=NOON + 3 * MINUTE), config={"min_level": "INFO"})
    assert previous_of(store, third) == first.id
    second = make_run(store, outcome=record("INFO", at=NOON + 2 * MINUTE))  # finished before, stored after
    assert (previous_of(store, second), previous_of(store, third)) == (first.id, second.id)
    same = make_run(store, outcome=record("INFO", at=NOON + 3 * MINUTE))
    assert previous_of(store, same) == third.id
    assert previous_of(store, third) == second.id
    with store.read_only() as session:
        keys = next_keys(session, Progress(0), limit=100)
        ids = {run.id for run in following.comparable_runs(session, keys)}
        assert ids & {first.id, second.id, third.id, same.id} == {first.id, second.id, third.id, same.id}
        assert len(ids) == 5


def test_the_previous_run_is_looked_up_by_domain_even_without_statistics(store: Store) -> None:
    statement = following._previous_keys([1, 2]).compile(store.engine, compile_kwargs={"literal_binds": True})
    on_sqlite = store.engine.dialect.name == "sqlite"
    explain = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN"
    with store.transaction() as session:
        connection = session.connection()
        if not on_sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # the table is empty
        plan = "\n".join(str(row) for row in connection.exec_driver_sql(f"{explain} {statement}"))
    assert "ix_runs_domain_id_finished_at" in plan


def test_message_tags_have_their_highest_level(store: Store) -> None:
    entries = [
        EntryRecord(0.0, "DNSSEC", "dnssec01", "DS01_X", level, {}) for level in ("NOTICE", "ERROR", "WARNING", "INFO")
    ]
    run = make_run(store, outcome=record(entries=[*entries, EntryRecord(0.0, "ZONE", "zone01", "Z01_X", "INFO", {})]))
    with store.read_only() as session:
        found = following.severe_tags(session, [run.outcome_id, None])
    assert found == {run.outcome_id: {("DNSSEC", "dnssec01", "DS01_X"): "ERROR"}}


def test_domain_tags_are_found_among_those_asked_for(store: Store) -> None:
    runs = [make_run(store, f"d{number}.example") for number in range(3)]
    with store.transaction() as session:
        tag_domains(session, ["a", "b"], [runs[0].domain_id], now=NOON)
        tag_domains(session, ["c"], [runs[1].domain_id], now=NOON)
    with store.read_only() as session:
        found = following.tags_among(session, [run.domain_id for run in runs], ["a", "b", "none"])
        assert found == {runs[0].domain_id: {"a", "b"}}
        assert following.tags_among(session, [runs[0].domain_id], []) == {}


def test_a_batch_has_ended_when_no_job_is_left(store: Store) -> None:
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(2), now=NOON)
        following.watch_batches(session, [batch.key, batch.key, 12345])  # only one of these batches exists
    job = queue_job(store, "a.example", batch_id=batch.id)
    run = make_run(store, "b.example", batch_id=batch.id)
    with store.read_only() as session:
        assert following.ended_batches(session) == []
        assert following.batches_of_runs(session, [run.key]) == [(batch.key, "b.example")]
        assert following.was_tested_in(session, "b.example", batch.key)
        assert not following.was_tested_in(session, "a.example", batch.key)
    claimed = claim(store, job.id)
    with store.transaction() as session:
        graduate_job(session, job.id, worker=claimed.worker or "", attempt=claimed.attempt, record=record("INFO"))
    with store.transaction() as session:
        assert following.ended_batches(session) == [batch.key]
        assert following.pop_batch(session, batch.key) == (True, {})
        assert following.pop_batch(session, batch.key) == (False, {})
        assert following.ended_batches(session) == []


def test_digests_of_single_runs_wait_after_a_mail(store: Store) -> None:
    watch = make_watch(store, WatchEvent.DOMAIN_REGRESSED, url=None, email="a@b.example", host="")
    with store.transaction() as session:
        session.add(WatchDigest(watch_id=watch.id, batch_key=0, summary={"n": 1}))
        session.add(WatchDigest(watch_id=watch.id, batch_key=77, summary={"n": 2}))
    with store.transaction() as session:
        assert following.ended_batches(session) == [77]  # the batch was deleted: no more runs will follow
        assert set(following.read_digests(session, [watch.id])) == {(watch.id, 0), (watch.id, 77)}
        following.lock_watches(session, [watch.id])[watch.id].mailed_at = NOON
    with store.transaction() as session:
        assert following.take_digests_of_single_runs(session, mailed_before=NOON - MINUTE) == []
        (digest,) = following.take_digests_of_single_runs(session, mailed_before=NOON)
        assert (digest.summary, digest.batch_key) == ({"n": 1}, 0)
        noted, digests = following.pop_batch(session, 77)
        assert (noted, digests[watch.id].summary) == (False, {"n": 2})


@pytest.mark.parametrize("enabled", [True, False])
def test_only_existing_enabled_watches_are_locked(store: Store, enabled: bool) -> None:
    watch = make_watch(store)
    with store.transaction() as session:
        following.lock_watches(session, [watch.id])[watch.id].enabled = enabled
    with store.transaction() as session:
        assert set(following.lock_watches(session, [watch.id, watch.id + 1])) == ({watch.id} if enabled else set())
