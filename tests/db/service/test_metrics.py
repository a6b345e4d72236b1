"""Metric counters never decrease, and count each run once, even if it is deleted or several processes count."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.batches.deletion import delete_batch, purge_finished_before
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import MetricFollower, MetricSlot, Run, RunStatus
from gonemaster_db.runs.graduation import cancel_waiting_jobs
from gonemaster_db.runs.runs import set_score
from gonemaster_db.service.metrics.aggregation import (
    DURATION,
    DURATION_SUM,
    MAX_SEPARATE,
    SEVERITY,
    BatchSums,
    DomainSums,
    FinishedRun,
    JobTally,
)
from gonemaster_db.service.metrics.counting import (
    MAX_LABEL,
    RUNS_REMOVED,
    Count,
    add_counts,
    ended_jobs,
    labels_of,
    read_counts,
    read_stored,
)
from gonemaster_db.service.metrics.following import count_before_deletion, follow_runs, read_tally
from gonemaster_db.service.metrics.slots import (
    KEPT_S,
    SlotSums,
    add_to_slots,
    read_latencies,
    read_slots,
    remove_old_slots,
    slots_at,
    write_latencies,
)
from tests.support.rows import NOON, make_run, queue_jobs, record
from tests.support.threads import together

LATER = NOON + timedelta(hours=1)
LIMIT = timedelta(seconds=20)


def total(store: Store) -> dict[Count, int]:
    """Return what a reader of the metrics sees: stored counters plus runs that are not counted yet."""
    with store.read_only_within(LIMIT) as session:
        found = read_counts(session) + read_tally(session, now=LATER).counts
    return {count: number for count, number in found.items() if count.name != RUNS_REMOVED}


def ended(store: Store) -> dict[str, int]:
    with store.read_only_within(LIMIT) as session:
        found = ended_jobs(read_stored(session), read_counts(session))
    return {str(status): number for status, number in found.items() if number}


def tally_of(store: Store) -> JobTally:
    with store.read_only_within(LIMIT) as session:
        return read_tally(session, now=LATER)


def follow(store: Store, *, limit: int = 5000) -> int:
    with store.transaction() as session:
        return follow_runs(session, now=LATER, limit=limit)


def make_batch(store: Store, size: int = 0) -> str:
    with store.transaction() as session:
        return create_batch(session, NewBatch(domain_count=size), now=NOON).id


def add(store: Store, **numbers: int) -> None:
    with store.transaction() as session:
        add_counts(session, {Count(name): number for name, number in numbers.items()})


def test_processes_add_to_one_counter(store: Store) -> None:
    together(*[lambda: add(store, a=1, b=2)] * 8)
    assert total(store) == {Count("a"): 8, Count("b"): 16}


def test_long_labels_are_truncated_and_merged(store: Store) -> None:
    with store.transaction() as session:
        add_counts(session, {Count("a", "x" * 300): 1, Count("a", "x" * 299 + "y"): 2, Count("a", ""): 0})
    with store.read_only() as session:
        assert labels_of(read_counts(session), "a") == {"x" * MAX_LABEL: 3}


def test_ended_jobs_stay_counted_when_their_runs_are_deleted(store: Store) -> None:
    batch_id = make_batch(store)
    for name in ("a", "b"):
        make_run(store, f"{name}.example", record("ERROR", score=40, grade="D"), batch_id=batch_id)
    make_run(store, "c.example", record("INFO", status=RunStatus.FAILED))
    waiting = queue_jobs(store, ["d.example"])
    with store.transaction() as session:
        cancel_waiting_jobs(session, waiting, now=LATER)
    before = ended(store)
    assert before == {"succeeded": 2, "failed": 1, "canceled": 1}
    with store.transaction() as session:
        delete_batch(session, batch_id)
    assert ended(store) == before
    with store.transaction() as session:
        assert purge_finished_before(session, LATER + LIMIT) == 2
    assert ended(store) == before


def test_a_new_score_does_not_count_as_removal(store: Store) -> None:
    run = make_run(store, outcome=record("INFO"))
    with store.transaction() as session:
        set_score(session, run.id, score=90, grade="A")
    assert ended(store) == {"succeeded": 1}
    with store.read_only() as session:
        assert labels_of(read_counts(session), "runs_removed") == {}


def test_following_does_not_change_totals(store: Store) -> None:
    make_run(store, "a.example", record("WARNING", "WARNING", "ERROR"))
    make_run(store, "b.example", record("NOTICE", status=RunStatus.FAILED))
    seen = total(store)
    assert seen == {
        Count(SEVERITY, "WARNING"): 2,
        Count(SEVERITY, "ERROR"): 1,
        Count(SEVERITY, "NOTICE"): 1,
        Count(DURATION, "5000"): 2,
        Count(DURATION_SUM): 10_000,
    }
    domains = tally_of(store).domains
    assert follow(store) == 2
    assert total(store) == seen
    assert tally_of(store).domains == domains
    assert tally_of(store).counts == {}
    assert follow(store) == 0


def test_totals_of_an_existing_store_only_grow(store: Store) -> None:
    for number in range(7):
        make_run(store, f"d{number}.example", record("ERROR"))
    seen = [0]
    while True:
        with store.read_only_within(LIMIT) as session:
            counts = read_counts(session) + read_tally(session, now=LATER, limit=3).counts
        seen.append(counts[Count(SEVERITY, "ERROR")])
        if not follow(store, limit=2):
            break
    assert seen == sorted(seen)
    assert seen[1] == 3
    assert seen[-1] == 7


def test_runs_deleted_before_following_stay_counted(store: Store) -> None:
    batch_id = make_batch(store)
    make_run(store, "a.example", record("ERROR"), batch_id=batch_id)
    follow(store)
    make_run(store, "b.example", record("ERROR"), batch_id=batch_id)
    make_run(store, "c.example", record("CRITICAL"))
    seen = total(store)
    with store.transaction() as session:
        delete_batch(session, batch_id)
    assert total(store) == seen
    assert follow(store) == 1
    assert total(store) == seen
    with store.transaction() as session:
        assert purge_finished_before(session, LATER) == 1
    make_run(store, "d.example", record("CRITICAL"))  # on SQLite with the key of a deleted run
    follow(store)
    assert total(store)[Count(SEVERITY, "CRITICAL")] == 2
    assert total(store)[Count(SEVERITY, "ERROR")] == 2


def test_a_late_run_is_counted_once(store: Store) -> None:
    if store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer: keys appear in their order")
    first = make_run(store, "a.example", record("ERROR"))
    second = make_run(store, "b.example", record("ERROR"))
    with store.transaction() as late:
        late.execute(update(Run).where(Run.key == first.key).values(sev_notice=1))
        # While the writer of the first run is active only the second run is visible; the test simulates this by its
        # key.
        with store.transaction() as session:
            follower = MetricFollower(
                name="runs", seen=second.key, holes=[[first.key, first.key, LATER.timestamp()]], domains={}, batches={},
                updated_at=NOON,
            )  # fmt: skip
            session.add(follower)
    assert follow(store) == 1
    assert follow(store) == 0
    assert total(store)[Count(SEVERITY, "ERROR")] == 1
    assert total(store)[Count(SEVERITY, "NOTICE")] == 1


def test_two_processes_that_follow_count_each_run_once(store: Store) -> None:
    for number in range(12):
        make_run(store, f"d{number}.example", record("ERROR"))
    together(*[lambda: [follow(store, limit=2) for _ in range(8)]] * 4)
    while follow(store):
        pass
    assert total(store)[Count(SEVERITY, "ERROR")] == 12


def test_concurrent_following_and_purging_lose_no_run(store: Store) -> None:
    for number in range(30):
        make_run(store, f"d{number}.example", record("ERROR"))
    dice = random.Random(4)

    def purge() -> None:
        for _ in range(10):
            store.run_in_transaction(lambda session: purge_finished_before(session, LATER, limit=dice.randint(1, 4)))

    together(purge, lambda: [follow(store, limit=3) for _ in range(10)], purge)
    while follow(store):
        pass
    assert total(store)[Count(SEVERITY, "ERROR")] == 30
    assert ended(store) == {"succeeded": 30}


def test_deleting_followed_runs_needs_no_lock(store: Store) -> None:
    run = make_run(store, "a.example")
    follow(store)
    with store.transaction() as session:
        before = session.get_one(MetricFollower, "runs").updated_at
        count_before_deletion(session, Run.key == run.key, now=LATER + LIMIT)
        assert session.get_one(MetricFollower, "runs").updated_at == before


def test_recent_domains_and_batches_are_separate_and_others_are_summed() -> None:
    tally = JobTally()
    runs = [
        FinishedRun(number, f"d{number}.example", number, RunStatus.SUCCEEDED, NOON, 100, 0, 0, 1, 0)
        for number in range(MAX_SEPARATE)
    ]
    tally.add(runs, {number: (f"batch_{number}", 3) for number in range(MAX_SEPARATE + 2)}, now_s=NOON.timestamp())
    assert not tally.other_domains
    again = runs[0]._replace(status=RunStatus.FAILED)
    late = [runs[0]._replace(domain=f"late{number}.example", batch_key=MAX_SEPARATE + number) for number in range(2)]
    tally.add([again, *late], {}, now_s=NOON.timestamp())
    assert len(tally.domains) == len(tally.batches) == MAX_SEPARATE
    assert "d0.example" in tally.domains, "it was met again, so others are older"
    assert tally.domains["d0.example"].last_status == "failed"
    others, other_batches = tally.other_domains, tally.other_batches
    assert (others or DomainSums()).runs == 2
    assert (other_batches or BatchSums()).outcomes == {"succeeded": 2, "failed": 0, "canceled": 0, "expired": 0}


def test_batches_are_kept_with_id_and_size(store: Store) -> None:
    batch_id = make_batch(store, size=9)
    make_run(store, "a.example", record("ERROR"), batch_id=batch_id)
    follow(store)
    make_run(store, "b.example", record("NOTICE"), batch_id=batch_id)
    (sums,) = tally_of(store).batches.values()
    assert (sums.id, sums.size, sums.severities) == (batch_id, 9, [1, 0, 1, 0])
    assert sums.outcomes["succeeded"] == 2


def test_slots_are_summed_and_old_slots_removed(store: Store) -> None:
    now_s = NOON.timestamp()
    for depth, queries in ((5, 10), (None, 1), (7, 0)):
        with store.transaction() as session:
            sums = SlotSums(queue_depth=depth, dns_queries_ipv4=queries)
            add_to_slots(session, dict.fromkeys(slots_at(now_s), sums))
    with store.transaction() as session:
        add_to_slots(session, {(60, int(now_s) - 7 * 3600): SlotSums(1), (300, int(now_s) - 7 * 3600): SlotSums(1)})
        remove_old_slots(session, now_s=now_s)
    with store.read_only() as session:
        found = read_slots(session, since=dict.fromkeys(KEPT_S, 0))
    assert found.pop((300, int(now_s) - 7 * 3600)).throughput == 1
    assert set(found) == set(slots_at(now_s))
    for sums in found.values():
        assert (sums.queue_depth, sums.dns_queries_ipv4) == (7, 11)


def test_runs_count_in_the_minute_of_their_finish(store: Store) -> None:
    make_run(store, "a.example", record("ERROR", status=RunStatus.FAILED))
    for days in (-40, 3):  # too old, and from a wrong clock
        make_run(store, f"b{days}.example", record("ERROR", at=NOON + timedelta(days=days)))
    follow(store)
    with store.read_only() as session:
        rows = session.scalars(select(MetricSlot).order_by(MetricSlot.resolution)).all()
    assert [(row.resolution, row.start, row.throughput, row.failed, row.sev_error) for row in rows] == [
        (60, int(NOON.timestamp()), 1, 1, 1),
        (300, int(NOON.timestamp()), 1, 1, 1),
        (3600, int(NOON.timestamp()), 1, 1, 1),
    ]


def test_latencies_of_all_processes_are_added(store: Store) -> None:
    slot = (60, int(NOON.timestamp()))
    for source, numbers in (("one", [1, 0]), ("two", [0, 2]), ("one", [3, 0])):
        with store.transaction() as session:
            write_latencies(session, source, {slot: {"GET /x": numbers}})
    with store.read_only() as session:
        assert read_latencies(session, since={60: 0}) == {slot: {"GET /x": [3, 2]}}
        assert read_latencies(session, since={60: slot[1] + 1}) == {}
