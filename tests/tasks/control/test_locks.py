"""A change of the queue order takes a short lock; a killed holder blocks others only briefly."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import JobNotFound
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.processes.locks import LIFE, Lock
from gonemaster_tasks.control.order import move_jobs, move_jobs_next_to
from gonemaster_tasks.control.order_changes import QUEUE_ORDER, refill_tier
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.reconciler import reconcile
from gonemaster_tasks.queues import BATCH
from tests.support.redis import confirm_tiers, raw
from tests.support.workers import ROOT, wait_until
from tests.tasks.rows import order, queue_batch


def kill_while(parts: QueueParts, what: str, *job_ids: str) -> None:
    """Let another process start the change and be killed before it finishes."""
    driver = parts.store.settings.driver
    environ = {
        "GONEMASTER_BROKER_URL": parts.broker.address.url,
        "GONEMASTER_DB_DRIVER": driver,
        "GONEMASTER_DB_DSN": parts.store.settings.dsn,
    }
    command = [sys.executable, "-m", "tests.support.killed_order_change", what, BATCH, *job_ids]
    process = subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, timeout=60, check=False)
    assert process.returncode == -signal.SIGKILL


def reconciled(parts: QueueParts) -> bool:
    reconcile(parts.store, parts.broker, parts.celery, now=utcnow())
    return not parts.broker.marks.changing()


def test_a_lock_of_a_killed_holder_ends_soon(parts: QueueParts) -> None:
    first, second = queue_batch(parts, 2)
    kill_while(parts, "lock")
    assert timedelta(seconds=15) >= LIFE
    assert move_jobs(parts, [second], to="front") == [second]
    assert order(parts) == [second, first]


def test_a_lock_is_renewed_while_its_holder_works(broker: Broker) -> None:
    broker.locks.acquire("duty", "me", timedelta(seconds=6))
    lock = Lock(broker.locks, "duty", "me", timedelta(seconds=6))
    lock.start()
    lowest = 6000

    def renewed() -> bool:
        nonlocal lowest
        left = raw(broker).pttl("gm:lock:duty")
        lowest = min(lowest, left)
        return bool(left > lowest + 1000)

    wait_until(renewed, within_s=60)
    lock.check()
    lock.release()
    assert broker.locks.holder("duty") == ""


def test_a_lock_that_another_took_is_neither_kept_nor_given_away(broker: Broker) -> None:
    with broker.locks.exclusive("duty") as lock:
        raw(broker).set("gm:lock:duty", "another")
        with pytest.raises(BrokerUnavailable, match="lost"):
            lock.check()
    assert broker.locks.holder("duty") == "another"


def test_who_waits_for_a_lock_gives_up(broker: Broker) -> None:
    broker.locks.acquire("duty", "another", timedelta(minutes=1))
    with (
        pytest.raises(BrokerUnavailable, match="another process"),
        broker.locks.exclusive("duty", timeout=timedelta(0)),
    ):
        pass
    assert broker.locks.holder("duty") == "another"


def test_a_move_killed_before_its_messages_is_finished_by_the_reconciler(parts: QueueParts) -> None:
    first, second, third = queue_batch(parts, 3)
    confirm_tiers(parts.broker)
    kill_while(parts, "move", third)
    assert list(parts.broker.lists.waiting_ids(BATCH)) == [first, second, third]
    wait_until(lambda: reconciled(parts), within_s=60)
    assert order(parts) == [third, first, second]


def test_a_rebuild_killed_in_the_middle_is_begun_again(parts: QueueParts) -> None:
    ids = queue_batch(parts, 10)
    confirm_tiers(parts.broker)
    kill_while(parts, "rebuild")
    assert list(parts.broker.lists.waiting_ids(BATCH)) == ids[:5]
    wait_until(lambda: reconciled(parts), within_s=60)
    assert order(parts) == ids


def test_a_refill_killed_in_the_middle_is_continued(parts: QueueParts) -> None:
    parts.broker.window.size = 4
    ids = queue_batch(parts, 30)
    confirm_tiers(parts.broker)
    parts.broker.window.size = 20
    kill_while(parts, "refill")
    assert list(parts.broker.lists.waiting_ids(BATCH)) == ids[:9]
    wait_until(lambda: refill_tier(parts.store, parts.broker, BATCH), what="the end of the lock", within_s=60)
    assert list(parts.broker.lists.waiting_ids(BATCH)) == ids[:20]
    assert reconciled(parts)
    assert list(parts.broker.lists.waiting_ids(BATCH)) == ids[:20]


def test_a_change_under_way_is_left_alone(parts: QueueParts) -> None:
    queue_batch(parts, 2)
    confirm_tiers(parts.broker)
    with parts.broker.locks.exclusive(QUEUE_ORDER):
        parts.broker.marks.begin_change([BATCH])
        assert not reconciled(parts)
    assert reconciled(parts)


def test_what_is_refused_leaves_no_mark(parts: QueueParts) -> None:
    ids = queue_batch(parts, 2)
    with pytest.raises(JobNotFound):
        move_jobs_next_to(parts, ids[:1], pivot="job_none")
    assert parts.broker.marks.changing() == []


def test_a_holder_that_lost_its_lock_leaves_the_messages_to_the_reconciler(
    parts: QueueParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder stalled for longer than the lock lasts: another process may have changed the order since."""
    first, second = queue_batch(parts, 2)
    confirm_tiers(parts.broker)
    run = parts.store.run_in_transaction

    def run_and_lose_lock(work):  # type: ignore[no-untyped-def]  # replaces Store.run
        done = run(work)
        raw(parts.broker).delete(f"gm:lock:{QUEUE_ORDER}")
        return done

    monkeypatch.setattr(parts.store, "run_in_transaction", run_and_lose_lock)
    assert move_jobs(parts, [second], to="front") == [second]
    assert list(parts.broker.lists.waiting_ids(BATCH)) == [first, second]
    monkeypatch.undo()
    assert reconciled(parts)
    assert order(parts) == [second, first]
