"""The copy of the newest run in a domain is the same after graduation and after a recount."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from gonemaster_db.core.levels import LEVELS, worst
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import refresh_domains
from gonemaster_db.models import Domain, Run, RunStatus
from tests.support.rows import LEASE, NOON, claim, finish_job, make_run, queue_job, record

_LATEST = (
    "latest_run_id", "latest_outcome_id", "latest_run_at", "latest_status", "latest_level", "latest_score",
    "latest_grade",
)  # fmt: skip


def shown(store: Store) -> list[Any]:
    with store.read_only() as session:
        domain = session.scalars(select(Domain)).one()
    return [getattr(domain, name) for name in _LATEST]


def refresh(store: Store) -> None:
    with store.transaction() as session:
        refresh_domains(session, session.scalars(select(Domain.id)).all())


@pytest.mark.parametrize("level", [*LEVELS, None])
def test_copies_agree_for_every_level(store: Store, level: str | None) -> None:
    run = make_run(store, outcome=record(*([level] if level else []), score=7, grade="F"))
    expected = [run.id, run.outcome_id, NOON, RunStatus.SUCCEEDED, level, 7, "F"]
    assert shown(store) == expected
    refresh(store)
    assert shown(store) == expected


@pytest.mark.parametrize("status", RunStatus)
def test_copies_agree_for_every_status(store: Store, status: RunStatus) -> None:
    run = make_run(store, outcome=record(status=status))
    expected = [run.id, None, NOON, status, None, None, None]
    assert shown(store) == expected
    refresh(store)
    assert shown(store) == expected


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_simultaneous_runs_the_last_id_is_the_newest(store: Store, order: tuple[int, ...]) -> None:
    """Two runs end at the same time; a third one with a greater ID ends earlier. They are stored in any order."""
    jobs = [claim(store, queue_job(store, now=NOON).id) for _ in range(3)]
    assert sorted(job.id for job in jobs) == [job.id for job in jobs]
    ends = (NOON + LEASE, NOON + LEASE, NOON + LEASE - timedelta(seconds=1))
    for number in order:
        finish_job(store, jobs[number], record("INFO", at=ends[number], score=number))
    assert (shown(store)[0], shown(store)[5]) == (jobs[1].id, 1)
    refresh(store)
    assert (shown(store)[0], shown(store)[5]) == (jobs[1].id, 1)


def test_the_worst_of_two_levels_is_the_more_severe_one() -> None:
    for place, level in enumerate(LEVELS):
        for lower in LEVELS[: place + 1]:
            assert worst([lower, level]) == worst([level, lower]) == level
    assert worst([]) is None


def test_lists_sort_runs_by_severity(store: Store) -> None:
    for level in LEVELS:
        make_run(store, outcome=record(level))
    with store.read_only() as session:
        ranks = {run.worst_level: run.worst_rank for run in session.scalars(select(Run))}
    assert ranks == dict(zip(LEVELS, (0, 0, 0, 0, 1, 2, 3, 4), strict=True))
