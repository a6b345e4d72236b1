"""Requeued messages get the order of their rows; few restorations are enough for any number of slots."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from gonemaster_db.core.session import Store
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.control.order_changes import restore_head_order
from gonemaster_tasks.queues import NORMAL
from gonemaster_tasks.worker.consume import head_order
from gonemaster_tasks.worker.consume.head_order import HeadOrder
from tests.support.rows import queue_jobs
from tests.support.workers import wait_until

SLOTS = 8


class CountingSet(set[str]):
    """A set that counts added items."""

    added = 0

    def add(self, item: str) -> None:
        super().add(item)
        self.added += 1


class Restorations:
    """Counts restorations; calls a function after the first one, before it is complete."""

    def __init__(self, then: Callable[[], None]) -> None:
        self.count = 0
        self._then = then

    def __call__(self, store: Store, broker: Broker, tier: str) -> None:
        self.count += 1
        restore_head_order(store, broker, tier)
        if self.count == 1:
            self._then()


def test_slots_that_put_back_at_one_time_share_the_restorations(
    store: Store, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = queue_jobs(store, [f"d{number}.example" for number in range(SLOTS)])
    order, unordered = HeadOrder(store, broker), CountingSet()
    monkeypatch.setattr(order, "unordered", unordered)
    pool = ThreadPoolExecutor(SLOTS)

    def put_back(job_id: str) -> None:
        broker.lists.put_back(job_id, NORMAL)
        order.restore(NORMAL)

    def put_back_all_others() -> None:
        for job_id in ids[1:]:  # each requeued message goes before the message that should be first
            pool.submit(put_back, job_id)
        wait_until(lambda: unordered.added == SLOTS, what="all slots have put back")

    restorations = Restorations(put_back_all_others)
    monkeypatch.setattr(head_order, "restore_head_order", restorations)
    put_back(ids[0])
    pool.shutdown()
    assert list(broker.lists.waiting_ids(NORMAL)) == ids
    assert restorations.count == 2


def test_a_restoration_returns_after_the_order_is_right(
    store: Store, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = queue_jobs(store, ["a.example", "b.example"])
    order = HeadOrder(store, broker)
    found: list[list[str]] = []

    def put_back_and_list() -> None:
        broker.lists.put_back(second, NORMAL)
        order.restore(NORMAL)
        found.append(list(broker.lists.waiting_ids(NORMAL)))

    thread = threading.Thread(target=put_back_and_list)
    monkeypatch.setattr(head_order, "restore_head_order", Restorations(thread.start))
    broker.lists.put_back(first, NORMAL)
    order.restore(NORMAL)
    thread.join(60)
    assert found == [[first, second]]
