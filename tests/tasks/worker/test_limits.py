"""Limits changed while real workers run: slots, reserved normal slots, minimum of batch slots, total running jobs."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from gonemaster_db.models import Run
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.broker.processes.workers import WorkerState
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.jobs import cancel_job
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.control.settings import change_settings
from gonemaster_tasks.queues import BATCH, MAINTENANCE, NORMAL
from gonemaster_tasks.worker.consume.concurrency_share import ConcurrencyShare, part_of
from gonemaster_tasks.worker.consume.gate import Gate
from tests.support.clocks import SkewedClock
from tests.support.redis import raw
from tests.support.workers import Farm, wait_until

TIMEOUT_S = 120.0


def change(farm: Farm, *, slots: int, **limits: int) -> None:
    """Change limits, and wait until every worker reports the new number of slots, which it reads at the same time."""
    change_settings(farm.parts, LiveSettings(Settings()), {"worker_count": slots, **limits})
    wait_until(lambda: {worker.slots for worker in farm.broker.workers.live()} == {slots}, within_s=TIMEOUT_S)


def submit_many(farm: Farm, name: str, count: int, ms: int) -> list[str]:
    return [farm.submit(f"{name}{number}-{ms}.test") for number in range(count)]


def runs_of(farm: Farm, job_ids: Sequence[str]) -> list[Run]:
    return [farm.run_of(job_id, within_s=TIMEOUT_S) for job_id in job_ids]


def most_at_once(runs: Sequence[Run]) -> int:
    """Return the largest number of concurrent runs."""
    steps: list[tuple[datetime, int]] = []
    for run in runs:
        assert run.started_at
        steps += [(run.started_at, 1), (run.finished_at, -1)]
    now = most = 0
    for _, step in sorted(steps):
        now += step
        most = max(most, now)
    return most


def test_a_yielded_slot_is_not_counted_and_no_more_are_yielded_than_there_are() -> None:
    gate = Gate(slots=2, reserved_normal=0)
    gate.update(Controls({}), None)
    for job_id in ("job_1", "job_2", "job_3"):
        gate.acquire(job_id, BATCH)
    assert gate.over_limit()
    assert [gate.yield_slot(job_id) for job_id in ("job_1", "job_2", "job_3")] == [True, True, False]
    assert gate.queues([NORMAL, BATCH]) == [NORMAL, BATCH]
    gate.reclaim_slot("job_1")
    assert gate.queues([NORMAL, BATCH]) == []
    gate.release("job_2")
    gate.reclaim_slot("job_2")
    assert gate.queues([NORMAL, BATCH]) == []
    gate.release("job_1")
    assert gate.queues([NORMAL, BATCH]) == [NORMAL, BATCH]


def test_stalled_jobs_yield_their_slots_unless_all_workers_have_a_limit() -> None:
    gate = Gate(slots=2, reserved_normal=0)
    gate.update(Controls({}), None)
    assert not gate.yield_slot("job_0", runs_on=True)  # it has finished
    for job_id in ("job_1", "job_2"):
        gate.acquire(job_id, BATCH)
    assert gate.queues([BATCH]) == []
    assert [gate.yield_slot(job_id, runs_on=True) for job_id in ("job_1", "job_2")] == [True, True]
    assert gate.queues([BATCH]) == [BATCH]
    for job_id in ("job_3", "job_4"):
        gate.acquire(job_id, BATCH)
    assert not gate.yield_slot("job_3", runs_on=True)
    assert (gate.queues([BATCH]), gate.over_limit()) == ([], False)
    gate.update(Controls({}), 3)
    assert gate.over_limit()
    gate.update(Controls({}), None)
    gate.release("job_1")
    assert gate.yield_slot("job_3", runs_on=True)
    assert gate.queues([BATCH]) == [BATCH]
    gate.update(Controls({}), 4)
    assert not gate.yield_slot("job_4", runs_on=True)
    assert gate.queues([BATCH]) == []


def test_slots_of_stalled_jobs_are_used_by_others_and_all_end_well(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_RESERVED_NORMAL_SLOTS="0", GONEMASTER_DRAIN_TIMEOUT="300ms")
    change(farm, slots=2)
    still = submit_many(farm, "still-", 2, 600_000)
    wait_until(lambda: all(farm.started(job_id) for job_id in still), within_s=TIMEOUT_S)
    beside = runs_of(farm, submit_many(farm, "beside", 6, 100))
    assert {str(run.status) for run in beside} == {"succeeded"}
    assert most_at_once(beside) <= 2
    more = submit_many(farm, "still-m", 3, 600_000)
    wait_until(lambda: sum(farm.started(job_id) for job_id in more) == 2, within_s=TIMEOUT_S)
    (state,) = farm.broker.workers.live()
    assert state.slots == 2
    wait_until(lambda: len(farm.broker.workers.live()[0].running) == 4, within_s=TIMEOUT_S)
    for job_id in still:
        cancel_job(farm.parts, job_id)
    assert {str(run.status) for run in runs_of(farm, still)} == {"canceled"}
    wait_until(lambda: farm.started(more[2]), within_s=TIMEOUT_S)
    assert farm.stop("one") == 0
    assert {farm.status(job_id) for job_id in more} == {"queued"}


def test_slots_grow_and_shrink_while_the_worker_runs(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_RESERVED_NORMAL_SLOTS="0")
    for slots in (2, 8, 1):
        change(farm, slots=slots)
        pause_queue(farm.parts)
        ids = submit_many(farm, f"s{slots}-", 3 * slots, 400)
        resume_queue(farm.parts)
        runs = runs_of(farm, ids)
        assert 1 <= most_at_once(runs) <= slots
        if slots > 2:
            assert most_at_once(runs) > 2  # more than before the change


def test_running_jobs_go_on_when_slots_are_taken_away(farm: Farm) -> None:
    farm.start_worker("one")
    long = submit_many(farm, "long", 3, 6000)
    wait_until(lambda: all(farm.started(job_id) for job_id in long), within_s=TIMEOUT_S)
    change(farm, slots=1)
    late = submit_many(farm, "late", 3, 1)
    ended = runs_of(farm, long)
    assert {(str(run.status), run.attempt) for run in ended} == {("succeeded", 1)}
    starts = [run.started_at for run in runs_of(farm, late) if run.started_at]
    end = max(run.finished_at for run in ended)
    assert sum(start < end for start in starts) <= 1  # a pending BRPOP may have taken one


def test_all_workers_together_keep_the_limit_of_running_jobs(farm: Farm) -> None:
    for name in ("one", "two", "three"):
        farm.start_worker(name, ready=False)
    wait_until(lambda: len(farm.broker.workers.live()) == 3, within_s=TIMEOUT_S)
    pause_queue(farm.parts)
    for limit, slots in ((5, 6), (2, 7)):
        change(farm, slots=slots, max_concurrent_jobs=limit)
        ids = submit_many(farm, f"m{limit}-", 12, 300)
        resume_queue(farm.parts)
        assert most_at_once(runs_of(farm, ids)) <= limit
        pause_queue(farm.parts)


def test_the_only_slot_of_a_small_limit_is_not_with_a_worker_of_one_tier(farm: Farm) -> None:
    farm.start_worker("a-normal", "--queues", "normal", ready=False)
    farm.start_worker("b-all", ready=False)
    wait_until(lambda: len(farm.broker.workers.live()) == 2, within_s=TIMEOUT_S)
    change(farm, slots=5, max_concurrent_jobs=1)
    batch = farm.submit_batch(["b-1.test", "c-1.test"])
    assert {str(run.status) for run in runs_of(farm, batch.job_ids)} == {"succeeded"}


ALL, ONE, TWO, THREE = (NORMAL, BATCH, MAINTENANCE), (NORMAL,), (BATCH, MAINTENANCE), (MAINTENANCE,)


@pytest.mark.parametrize(
    ("limit", "queues", "parts"),
    [
        (5, {"b": ALL, "a": ALL, "c": ALL}, {"a": 2, "b": 2, "c": 1}),
        (1, {"a": ONE, "b": TWO, "c": ALL}, {"a": 0, "b": 0, "c": 1}),
        (2, {"a": ONE, "b": ONE, "c": TWO, "d": TWO}, {"a": 1, "b": 0, "c": 1, "d": 0}),
        (4, {"a": THREE, "b": ALL, "c": ONE}, {"a": 0, "b": 2, "c": 2}),
        (3, {"a": THREE}, {"a": 0}),
    ],
)
def test_workers_divide_a_limit_so_that_each_tier_has_slots(
    limit: int, queues: dict[str, tuple[str, ...]], parts: dict[str, int]
) -> None:
    assert {name: part_of(limit, queues, name) for name in queues} == parts


def register(broker: Broker, name: str, life: timedelta = timedelta(minutes=1)) -> ConcurrencyShare:
    queues = (NORMAL, BATCH)
    broker.workers.register(WorkerState(name, "h", 1, queues, 4, {}, 1.0), life)
    return ConcurrencyShare(broker.workers, name=name, queues=queues)


def test_each_worker_gets_its_part_of_a_limit_by_one_command(broker: Broker) -> None:
    shares = [register(broker, f"w{number:02}@h") for number in range(20)]
    assert [share.of(50) for share in shares] == [3] * 10 + [2] * 10
    raw(broker).config_resetstat()
    for _ in range(5):
        assert sum(share.of(50) or 0 for share in shares) == 50
    commands = {name: figures["calls"] for name, figures in raw(broker).info("commandstats").items()}
    assert commands == {"cmdstat_config|resetstat": 1, "cmdstat_get": 100}


def test_a_part_grows_when_a_worker_stops_and_when_one_is_killed(broker: Broker) -> None:
    first, second = register(broker, "a@h"), register(broker, "b@h")
    register(broker, "killed@h", timedelta(milliseconds=1))
    assert (first.of(6), second.of(6)) == (2, 2)
    wait_until(lambda: not raw(broker).exists("gm:worker:killed@h"))
    register(broker, "b@h")  # the next heartbeat of any worker notices the change
    assert (first.of(6), second.of(6)) == (3, 3)
    broker.workers.unregister("a@h")
    assert second.of(6) == 6


def test_reserved_slots_go_to_batch_without_a_reservation(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_RESERVED_NORMAL_SLOTS="3")
    batch = farm.submit_batch([f"b{number}-60000.test" for number in range(6)])
    wait_until(lambda: len(farm.starts()) == 1, within_s=TIMEOUT_S, what="one slot of four is for batch")
    now = farm.submit("now.test")
    assert farm.run_of(now, within_s=TIMEOUT_S).status == "succeeded"
    assert sum(farm.started(job_id) for job_id in batch.job_ids) == 1
    change(farm, slots=5, reserved_normal_slots=0)
    wait_until(lambda: sum(farm.started(job_id) for job_id in batch.job_ids) == 5, within_s=TIMEOUT_S)


def test_batch_has_its_minimum_while_normal_jobs_flood(farm: Farm) -> None:
    farm.start_worker("one")
    pause_queue(farm.parts)
    change(farm, slots=3, min_batch_slots=1, reserved_normal_slots=0)
    normal = submit_many(farm, "n", 60, 50)
    batch = farm.submit_batch([f"b{number}-50.test" for number in range(60)])
    resume_queue(farm.parts)
    runs_of(farm, normal)
    done = {start["job_id"] for start in started_before_last(farm.starts(), normal)}
    share = len(done & set(batch.job_ids)) / len(done)
    assert 0.15 < share < 0.6  # one of three slots
    change(farm, slots=4, min_batch_slots=0)
    runs_of(farm, batch.job_ids)


def started_before_last(starts: list[dict[str, Any]], job_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the jobs that had started when the last of these started."""
    last = max(number for number, start in enumerate(starts) if start["job_id"] in job_ids)
    return starts[:last]


@pytest.mark.parametrize(
    ("slots", "share", "settings", "held", "asked"),
    [
        (4, None, (0, 0), [], [MAINTENANCE, NORMAL, BATCH]),
        (4, None, (1, 0), [BATCH, BATCH, BATCH], [MAINTENANCE, NORMAL]),
        (4, None, (0, 1), [], [MAINTENANCE, BATCH, NORMAL]),
        (4, None, (0, 1), [BATCH], [MAINTENANCE, NORMAL, BATCH]),
        (4, None, (0, 9), [BATCH, BATCH, BATCH], [MAINTENANCE, NORMAL, BATCH]),  # one slot always prefers normal jobs
        (1, None, (0, 1), [], [MAINTENANCE, NORMAL, BATCH]),
        (1, None, (1, 0), [], [MAINTENANCE, NORMAL, BATCH]),  # a single slot serves both tiers
        (4, 2, (0, 0), [NORMAL, BATCH], [MAINTENANCE]),
        (4, 0, (0, 0), [], [MAINTENANCE]),
        (2, None, (0, 0), [NORMAL, NORMAL], [MAINTENANCE]),
    ],
)
def test_the_gate_asks_for_what_the_limits_leave(
    slots: int, share: int | None, settings: tuple[int, int], held: list[str], asked: list[str]
) -> None:
    gate = Gate(slots=slots, reserved_normal=settings[0], min_batch=settings[1])
    gate.update(Controls({}, "e"), share)
    for number, tier in enumerate(held):
        gate.acquire(f"job_{number}", tier)
    assert gate.queues([BATCH, NORMAL, MAINTENANCE]) == asked


def test_a_pause_ends_by_the_clock_that_all_share_not_by_that_of_the_host() -> None:
    ends = time.time() + 600
    for ahead, asked in [(timedelta(0), [MAINTENANCE, NORMAL]), (timedelta(hours=1), [MAINTENANCE, NORMAL, BATCH])]:
        gate = Gate(slots=2, reserved_normal=0, clock=SkewedClock(ahead))
        gate.update(Controls({BATCH: ends}, "e"), None)
        assert gate.queues([BATCH, NORMAL, MAINTENANCE]) == asked
