"""Totals of lists equal the number of items for every counting method, and every item matches."""

import random
from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from itertools import combinations, cycle, islice
from typing import Any

import pytest

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.filters import DomainFilter, JobFilter, RunFilter
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.domains import run_domains
from gonemaster_db.domains.domain_list import list_domains
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.tags import tag_domains
from gonemaster_db.models import Priority, Run, RunStatus
from gonemaster_db.runs.job_list import list_jobs
from gonemaster_db.runs.runs import list_runs
from tests.support.rows import NOON, entries_of, make_run, queue_job, record

Match = Callable[[Run], bool]


@pytest.fixture
def batch_id(store: Store) -> str:
    with store.transaction() as session:
        return create_batch(session, NewBatch(domain_count=9, tag="gov"), now=NOON).id


@pytest.fixture
def runs(store: Store, batch_id: str) -> list[Run]:
    rng = random.Random(3)
    made = []
    for number in range(30):
        outcome = record(
            entries=entries_of("INFO", "ERROR", tag="Z01_X") if number % 3 else entries_of("NOTICE", tag="B01_Y"),
            at=NOON + timedelta(minutes=rng.randrange(6)),
            status=RunStatus.FAILED if number % 7 == 0 else RunStatus.SUCCEEDED,
            causes=["no_tcp", "server_silent"][number % 2 :],
            verdict="fail" if number % 2 else "pass",
        )
        placed: dict[str, Any] = {"priority": Priority.BATCH, "batch_id": batch_id} if number % 2 else {}
        placed |= {"config": {"tags": ["eu"]}} if number % 5 == 0 else {}
        placed |= {"config": {"policy": {"name": "own", "version": "1"}}} if number % 5 == 1 else {}
        placed |= {"seconds": 4 + number % 3, "attempts": (1, 1, 2, 3)[number % 4]}
        made.append(make_run(store, f"d{rng.randrange(8)}.example", outcome, **placed))
    return made


@pytest.fixture
def matches(runs: list[Run], batch_id: str) -> dict[str, tuple[Any, Match]]:
    """Return a value for each filter of runs, and the predicate of matching runs."""
    middle = NOON + timedelta(minutes=2)
    tagged = {run.domain_id for number, run in enumerate(runs) if number % 5 == 0}
    with_tag = {run.id for number, run in enumerate(runs) if number % 3}
    return {
        "domain_tag": ("eu", lambda r: r.domain_id in tagged),
        "event_tag": ("Z01_X", lambda r: r.id in with_tag),
        "domain": ("D3", lambda r: r.domain == "d3.example"),
        "domain_exact": ("d2.example", lambda r: r.domain == "d2.example"),
        "domain_id": (runs[0].domain_id, lambda r: r.domain_id == runs[0].domain_id),
        "batch_id": (batch_id, lambda r: r.batch_id == batch_id),
        "status": ("failed", lambda r: r.status == RunStatus.FAILED),
        "level": ("ERROR", lambda r: r.worst_level == "ERROR"),
        "grade": ("A", lambda r: r.grade == "A"),
        "cause": ("no_tcp", lambda r: runs.index(r) % 2 == 0),
        "finished_after": (middle, lambda r: r.finished_at > middle),
        "finished_before": (middle, lambda r: r.finished_at < middle),
        "min_duration_ms": (5000, lambda r: runs.index(r) % 3 > 0),
        "policy": ("own", lambda r: runs.index(r) % 5 == 1),
        "verdict": ("fail", lambda r: runs.index(r) % 10 == 1),
        "min_attempts": (2, lambda r: runs.index(r) % 4 > 1),
    }


SORTS = ("finished_at_desc", "domain_asc", "score_desc")


def set_sizes(monkeypatch: pytest.MonkeyPatch, few: int, domains: int, walk: int) -> None:
    monkeypatch.setattr(run_domains, "FEW_RUNS", few)
    monkeypatch.setattr(run_domains, "FEW_DOMAINS", domains)
    monkeypatch.setattr(run_domains, "LONG_WALK", walk)
    monkeypatch.setattr(run_domains, "SMALL_BATCH", walk)


# The domains are read before the runs, looked up one by one, or hashed for a long walk.
@pytest.mark.parametrize(
    ("few", "domains", "walk"), [(1000, 10_000, 40_000), (2, 10_000, 40_000), (2, 0, 40_000), (2, 0, 0)]
)
@pytest.mark.parametrize("sorts", [1, pytest.param(len(SORTS), marks=pytest.mark.thorough)])
def test_every_two_filters_of_runs_keep_and_count_what_matches_both(
    store: Store,
    runs: list[Run],
    matches: dict[str, tuple[Any, Match]],
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    domains: int,
    walk: int,
    sorts: int,
) -> None:
    set_sizes(monkeypatch, few, domains, walk)
    assert set(matches) == {field.name for field in fields(RunFilter)}
    with store.read_only() as session:
        for number, (one, other) in enumerate(combinations(matches, 2)):
            filters = RunFilter(**{name: matches[name][0] for name in (one, other)})
            kept = {run.id for run in runs if matches[one][1](run) and matches[other][1](run)}
            for sort in islice(cycle(SORTS), number, number + sorts):
                page = list_runs(session, filters, sort=sort, limit=500)
                assert {run.id for run in page.items} == kept, filters
                assert page.total == len(page.items)
                assert len(list_runs(session, filters, sort=sort, limit=1, offset=1).items) == min(
                    1, max(0, page.total - 1)
                )


# The domains are read before the runs, looked up one by one, or hashed for a long walk.
@pytest.mark.parametrize(
    ("few", "domains", "walk"), [(1000, 10_000, 40_000), (2, 10_000, 40_000), (2, 0, 40_000), (2, 0, 0)]
)
def test_names_among_the_jobs_of_a_batch_are_counted_with_its_runs(
    store: Store, runs: list[Run], batch_id: str, monkeypatch: pytest.MonkeyPatch, few: int, domains: int, walk: int
) -> None:
    set_sizes(monkeypatch, few, domains, walk)
    job = queue_job(store, "d3.example", batch_id=batch_id, priority=Priority.BATCH)
    kept = {run.id for run in runs if run.batch_id == batch_id and run.domain == "d3.example"} | {job.id}
    with store.read_only() as session:
        for filters, expected in (
            (JobFilter(batch_id=batch_id, domain="d3"), kept),
            (JobFilter(domain="d3"), {run.id for run in runs if run.domain == "d3.example"} | {job.id}),
            (JobFilter(batch_id=batch_id, domain="nowhere"), set()),
        ):
            page = list_jobs(session, filters, sort="score_desc")
            assert {item.id for item in page.items} == expected
            assert page.total == len(expected)


def test_domains_without_tags_are_counted_on_every_page(store: Store) -> None:
    names = [f"d{number}.example" for number in range(9)]
    with store.transaction() as session:
        ids = ensure_domains(session, names, now=NOON)
        tag_domains(session, ["eu", "gov"], [ids[name] for name in names[::3]], now=NOON)
    bare = [name for number, name in enumerate(names) if number % 3]
    filters = DomainFilter(untagged=True)
    with store.read_only() as session:
        for offset in (0, 4, 6, 50):
            page = list_domains(session, filters, sort="name_desc", limit=2, offset=offset)
            assert [domain.name for domain in page.items] == bare[::-1][offset : offset + 2]
            assert page.total == len(bare)
        assert list_domains(session, DomainFilter(untagged=True, name="nowhere")).total == 0
