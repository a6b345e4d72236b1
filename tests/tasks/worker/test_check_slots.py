"""The slots of checks before delegation: reserved ones, idle ones, and the order of the tiers."""

import signal
from collections.abc import Sequence
from datetime import timedelta

import pytest

from gonemaster_db.core.records import NewJob
from gonemaster_db.core.states import Priority
from gonemaster_tasks.broker.marks import Controls
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.jobs import RUN_UNTIL, join_check, leave_check
from gonemaster_tasks.control.pause import pause_queue, resume_queue
from gonemaster_tasks.control.settings import change_settings
from gonemaster_tasks.control.submit import submit_job
from gonemaster_tasks.queues import BATCH, CHECK, MAINTENANCE, NORMAL, ORDER
from gonemaster_tasks.worker.consume.concurrency_share import part_of
from gonemaster_tasks.worker.consume.gate import Gate
from tests.support.redis import raw
from tests.support.workers import Farm, wait_until


def submit_check(farm: Farm, domain: str, *, life_s: float = 600.0) -> str:
    now = farm.parts.clock.now()
    new = NewJob(
        domain,
        priority=Priority.CHECK,
        config={RUN_UNTIL: now.timestamp() + life_s},
        expires_at=now + timedelta(seconds=life_s),
    )
    return submit_job(farm.parts, new).id


def gate_with(*, slots: int, reserved: int, held: Sequence[str], reserved_normal: int = 0, min_batch: int = 0) -> Gate:
    gate = Gate(slots=slots, reserved_normal=reserved_normal, reserved_check=reserved, min_batch=min_batch)
    gate.update(Controls({}, "e"), None)
    for number, tier in enumerate(held):
        gate.acquire(f"job_{number}", tier)
    return gate


@pytest.mark.parametrize(
    ("slots", "reserved", "held", "asked"),
    [
        (4, 0, [], [NORMAL, CHECK, BATCH]),  # without a reservation, people come first
        (4, 2, [], [CHECK, NORMAL, BATCH]),
        (4, 2, [NORMAL], [CHECK, NORMAL, BATCH]),
        (4, 2, [NORMAL, BATCH], [CHECK]),  # the two slots left are reserved
        (4, 2, [NORMAL, BATCH, CHECK], [CHECK]),
        (4, 2, [CHECK], [CHECK, NORMAL, BATCH]),
        (4, 2, [CHECK, CHECK], [NORMAL, CHECK, BATCH]),  # beyond the reserved slots, only idle ones
        (4, 2, [CHECK, CHECK, CHECK], [NORMAL, CHECK, BATCH]),
        (4, 2, [CHECK] * 4, []),
        (4, 9, [], [CHECK, NORMAL, BATCH]),  # one slot always remains for other jobs
        (4, 9, [CHECK] * 3, [NORMAL, CHECK, BATCH]),
        (1, 1, [], [NORMAL, CHECK, BATCH]),
    ],
)
def test_the_reserved_slots_run_only_checks_and_idle_slots_run_any(
    slots: int, reserved: int, held: list[str], asked: list[str]
) -> None:
    gate = gate_with(slots=slots, reserved=reserved, held=held)
    assert gate.queues(ORDER) == [MAINTENANCE, *asked]


def test_a_worker_that_takes_no_checks_reserves_nothing_for_them() -> None:
    gate = gate_with(slots=2, reserved=1, held=[BATCH])
    assert gate.queues([NORMAL, BATCH]) == [NORMAL, BATCH]
    assert gate.queues([CHECK, NORMAL, BATCH]) == [CHECK]


def test_both_reservations_together_leave_one_slot_for_batch_jobs() -> None:
    gate = gate_with(slots=4, reserved=2, reserved_normal=2, held=[])
    assert gate.queues(ORDER) == [MAINTENANCE, CHECK, NORMAL, BATCH]
    gate.acquire("job_batch", BATCH)
    assert gate.queues(ORDER) == [MAINTENANCE, CHECK, NORMAL]
    gate.acquire("job_normal", NORMAL)
    assert gate.queues(ORDER) == [MAINTENANCE, CHECK]


def test_the_minimum_of_batch_jobs_comes_after_the_slots_of_checks() -> None:
    gate = gate_with(slots=4, reserved=1, min_batch=1, held=[])
    assert gate.queues(ORDER) == [MAINTENANCE, CHECK, BATCH, NORMAL]


def test_a_pause_of_the_other_tiers_does_not_hold_checks() -> None:
    gate = gate_with(slots=2, reserved=1, held=[])
    gate.update(Controls({NORMAL: 0.0, BATCH: 0.0}, "e"), None)
    assert gate.queues(ORDER) == [MAINTENANCE, CHECK]
    gate.update(Controls({CHECK: 0.0}, "e"), None)
    assert gate.queues(ORDER) == [MAINTENANCE, NORMAL, BATCH]


def test_a_worker_of_checks_only_has_a_share_of_the_limit() -> None:
    queues = {"a": (NORMAL, BATCH, CHECK), "b": (CHECK,), "c": (NORMAL, BATCH), "d": (MAINTENANCE,)}
    assert [part_of(8, queues, name) for name in "abcd"] == [3, 2, 3, 0]


def test_a_check_starts_while_people_and_a_sweep_wait(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_WORKER_COUNT="3", GONEMASTER_RESERVED_CHECK_SLOTS="1")
    batch = farm.submit_batch([f"b{number}-60000.test" for number in range(6)])
    wait_until(lambda: len(farm.starts()) == 1, what="the slot for batch jobs is taken")
    people = [farm.submit(f"n{number}-60000.test") for number in range(4)]
    wait_until(lambda: len(farm.starts()) == 2, what="the slot for normal jobs is taken")
    assert [farm.run_of(submit_check(farm, f"c{number}.test")).status for number in range(3)] == ["succeeded"] * 3
    assert sum(farm.started(job_id) for job_id in [*people, *batch.job_ids]) == 2


def test_checks_take_idle_slots_beyond_the_reserved_ones(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_WORKER_COUNT="4", GONEMASTER_RESERVED_CHECK_SLOTS="1")
    ids = [submit_check(farm, f"c{number}-60000.test") for number in range(4)]
    wait_until(lambda: all(farm.started(job_id) for job_id in ids), what="all four slots run checks")
    (state,) = wait_until(lambda: [each for each in farm.broker.workers.live() if each.checks == 4], what="the report")
    assert (state.reserved_check_slots, state.slots_in_use) == (1, 4)


def test_the_reservation_changes_while_the_worker_runs(farm: Farm) -> None:
    farm.start_worker("one", GONEMASTER_WORKER_COUNT="2", GONEMASTER_RESERVED_CHECK_SLOTS="1")
    ids = [farm.submit(f"n{number}-60000.test") for number in range(2)]
    wait_until(lambda: farm.started(ids[0]), what="the slot of other jobs")
    assert farm.run_of(submit_check(farm, "c.test")).status == "succeeded"
    assert not farm.started(ids[1])
    change_settings(farm.parts, LiveSettings(Settings()), {"worker_count": 2, "reserved_check_slots": 0})
    wait_until(lambda: farm.started(ids[1]), what="the slot that is no longer reserved")


def test_a_check_of_a_killed_worker_is_repeated_in_time(farm: Farm) -> None:
    victim = farm.start_worker("victim", GONEMASTER_RESERVED_CHECK_SLOTS="1")
    job_id = submit_check(farm, "c-3000.test")
    wait_until(lambda: farm.started(job_id), what="the first start")
    victim.send_signal(signal.SIGKILL)
    farm.start_worker("second", GONEMASTER_RESERVED_CHECK_SLOTS="1")
    run = farm.run_of(job_id)
    assert (run.status, run.attempt) == ("succeeded", 2)


def test_a_check_that_missed_its_deadline_does_not_start(farm: Farm) -> None:
    pause_queue(farm.parts, [CHECK])
    job_id = submit_check(farm, "late.test", life_s=0.2)
    farm.start_worker("one")
    assert farm.run_of(job_id).status == "expired"
    resume_queue(farm.parts, [CHECK])
    assert not farm.started(job_id)


def test_the_last_client_that_leaves_cancels_the_check(farm: Farm) -> None:
    farm.start_worker("one")
    job_id = submit_check(farm, "c-60000.test")
    for _ in range(2):
        join_check(farm.parts, job_id)
    wait_until(lambda: farm.started(job_id), what="the start")
    assert not leave_check(farm.parts, job_id)
    assert farm.status(job_id) == "running"
    assert leave_check(farm.parts, job_id)
    assert farm.run_of(job_id).status == "canceled"


def test_the_order_of_the_queue_has_no_checks_and_a_new_redis_gets_them_first(farm: Farm) -> None:
    ids = [submit_check(farm, "c.test"), farm.submit("n.test")]
    raw(farm.broker).flushdb()
    farm.start_worker("one", GONEMASTER_WORKER_COUNT="1")
    assert [farm.run_of(job_id).status for job_id in ids] == ["succeeded"] * 2
