"""Measure the removal of runs from a seeded store: preview and deletion of a batch, purge by tag and by age."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from benchmarks.seed import BEGIN, SWEEP
from gonemaster_db.batches.deletion import TagPurge, purge_finished_before
from gonemaster_db.core.purging import purge_in_steps
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run

_STEPS = 60


def measure_removal(store: Store, client: FlaskClient) -> None:
    """Preview and delete the sweep, then purge some of the remaining runs."""
    address = f"/api/v1/batches/{SWEEP}"
    answer, taken = timed(lambda: client.get(f"{address}/delete-preview"))
    impact = answer.get_json()
    print(f"preview of {impact['completed_runs']} runs, {impact['entries']} entries: {taken:.2f} s")
    before = _counts(store)
    answer, taken = timed(lambda: client.delete(address))
    assert answer.status_code == 204, answer.text
    after = _counts(store)
    removed = tuple(one - other for one, other in zip(before, after, strict=True))
    assert removed == (impact["completed_runs"], impact["entries"]), (removed, impact)
    print(f"deletion of the batch of {removed[0]} runs: {taken:.1f} s; it removed what the preview announced")
    end = BEGIN + timedelta(days=1000)
    _purge(store, "purge of a tag", TagPurge("tenth"))
    _purge(store, "purge by age", lambda session, limit: purge_finished_before(session, end, limit=limit))


def _counts(store: Store) -> tuple[int, int]:
    with store.read_only() as session:
        runs, entries = session.execute(select(func.count(), func.sum(Run.entry_count))).one()
    return runs, entries or 0


def _purge(store: Store, name: str, purge: Callable[..., int]) -> None:
    """Purge as the service does, in steps of adaptive size; the rate includes the pauses between them."""
    begun: list[float] = []

    def step(session: Session, limit: int) -> int:
        begun.append(time.perf_counter())
        return purge(session, limit=limit)

    begin, removed, longest = time.perf_counter(), 0, 0.0
    for count in islice(purge_in_steps(store, step), _STEPS):
        removed, longest = removed + count, max(longest, time.perf_counter() - begun[-1])
    rate = removed / (time.perf_counter() - begin)
    print(f"{name}: {rate:.0f} runs/s, longest transaction {longest:.2f} s, {removed} runs")


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin
