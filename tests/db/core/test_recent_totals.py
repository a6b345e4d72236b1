"""Totals of large lists are cached for a few seconds, small ones are always counted."""

import pytest
from cachetools import TTLCache

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core import recent_totals
from gonemaster_db.core.filters import JobFilter, RunFilter
from gonemaster_db.core.recent_totals import EXACT, MAX_EXAMINED, recent_total
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run
from gonemaster_db.runs import job_list, runs
from tests.support.rows import NOON, make_run, record


class Counting:
    """A count function that counts its calls."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        return self.total


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the clock of a cache with room for three totals."""
    now = [1000.0]
    monkeypatch.setattr(recent_totals, "kept", TTLCache(3, recent_totals.LIFE_S, timer=lambda: now[0]))
    return now


def test_large_totals_are_cached_for_some_seconds(store: Store, clock: list[float]) -> None:
    counting = Counting(EXACT + 1)
    with store.read_only() as session:
        for _ in range(3):
            assert recent_total(session, "list", counting) == EXACT + 1
        assert counting.calls == 1
        assert recent_total(session, "other list", counting) == EXACT + 1
        assert counting.calls == 2
        clock[0] += recent_totals.LIFE_S
        counting.total = EXACT + 2
        assert recent_total(session, "list", counting) == EXACT + 2


def test_small_totals_are_always_counted(store: Store, clock: list[float]) -> None:
    counting = Counting(EXACT)
    with store.read_only() as session:
        for total in (EXACT, EXACT - 1, 0, EXACT):
            counting.total = total
            assert recent_total(session, "list", counting) == total


def test_small_totals_are_cached_if_many_rows_are_examined(store: Store, clock: list[float]) -> None:
    counting, examined = Counting(0), Counting(MAX_EXAMINED + 1)
    with store.read_only() as session:
        for _ in range(3):
            assert recent_total(session, "rare", counting, examined=examined) == 0
        assert counting.calls == 1
        examined.total = MAX_EXAMINED
        clock[0] += recent_totals.LIFE_S
        for total in (3, 4):
            counting.total = total
            assert recent_total(session, "rare", counting, examined=examined) == total


def test_cached_totals_are_bounded(store: Store, clock: list[float]) -> None:
    counting = Counting(EXACT + 1)
    with store.read_only() as session:
        for key in "abcd":
            recent_total(session, key, counting)
        recent_total(session, "b", counting)
        assert counting.calls == 4
        recent_total(session, "a", counting)  # the oldest entry was dropped
        assert counting.calls == 5


def test_lists_of_runs_and_jobs_use_counters(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(domain_count=3), now=NOON)
    for number, levels in enumerate((("INFO",), ("WARNING",), ("ERROR", "WARNING"), ())):
        make_run(store, f"d{number}.example", record(*levels, grade="AB"[number % 2]), batch_id=batch.id)
    make_run(store, "alone.example", record("ERROR", grade="A"))
    monkeypatch.setattr(runs, "recent_total", unexpected)
    monkeypatch.setattr(job_list, "recent_total", unexpected)
    with store.read_only() as session:
        for filters, total in (
            (RunFilter(), 5),
            (RunFilter(level="ERROR"), 2),
            (RunFilter(level="ERROR", batch_id=batch.id), 1),
            (RunFilter(batch_id=batch.id), 4),
            (RunFilter(grade="A", status="succeeded"), 3),
            (RunFilter(grade="A", batch_id=batch.id), 2),
            (RunFilter(status="failed"), 0),
            (RunFilter(batch_id="batch_none"), 0),
        ):
            page = runs.list_runs(session, filters)
            assert (page.total, len(page.items)) == (total, total), filters
        for jobs_wanted, total in (
            (JobFilter(), 5),
            (JobFilter(severity="errors_only"), 2),
            (JobFilter(severity="warnings_plus", batch_id=batch.id), 2),
            (JobFilter(batch_id=batch.id, status="succeeded"), 4),
            (JobFilter(batch_id="batch_none"), 0),
        ):
            listed = job_list.list_jobs(session, jobs_wanted)
            assert (listed.total, len(listed.items)) == (total, total), jobs_wanted
            assert all(isinstance(item, Run) for item in listed.items)


def unexpected(*_: object) -> int:
    raise AssertionError("rows were counted")
