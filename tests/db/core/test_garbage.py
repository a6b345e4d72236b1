"""Statements that workers execute every second leave few objects for the garbage collector."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import renew_leases, workers_with_several_jobs
from gonemaster_db.service.metrics.slots import SlotSums, add_to_slots, slots_at

CALLS = 50


def renew(session: Session) -> None:
    renew_leases(session, ["job_a", "job_b"], worker="w", now=utcnow(), lease=timedelta(seconds=15))


def count(session: Session) -> None:
    add_to_slots(session, dict.fromkeys(slots_at(time.time()), SlotSums(throughput=1)))


def find_workers_with_several_jobs(session: Session) -> None:
    workers_with_several_jobs(session, ["w1", "w2"])


@pytest.mark.parametrize("ask", [renew, count, find_workers_with_several_jobs])
def test_frequent_statements_are_built_once(store: Store, ask: Callable[[Session], None]) -> None:
    for _ in range(3):
        with store.transaction() as session:
            ask(session)
    gc.collect()
    gc.disable()
    try:
        for _ in range(CALLS):
            with store.transaction() as session:
                ask(session)
        found = gc.collect()
    finally:
        gc.enable()
    assert found < CALLS  # a statement that is built again leaves at least ten objects
