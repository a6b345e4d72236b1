"""Stored policies: versions that never change, and the verdicts of runs."""

from functools import partial

import pytest
from sqlalchemy import select

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.errors import PolicyChanged, PolicyExists, PolicyNotFound, StoreError
from gonemaster_db.core.filters import JobFilter, RunFilter
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.domains import policies
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.runs.job_list import list_jobs
from gonemaster_db.runs.runs import count_verdicts, list_runs
from tests.support.rows import NOON, make_run, queue_job, record
from tests.support.threads import together

FIRST, SECOND = {"suites": [1]}, {"suites": [2]}


def store_first(store: Store, name: str = "own") -> int:
    with store.transaction() as session:
        return policies.create_policy(session, name, FIRST, who="me", now=NOON).version


def change(store: Store, document: dict[str, list[int]], *, after: int | None = None) -> int:
    with store.transaction() as session:
        return policies.add_policy_version(session, "own", document, after=after, who="me", now=NOON).version


def test_versions_are_kept_and_counted(store: Store) -> None:
    assert store_first(store) == 1
    assert change(store, SECOND, after=1) == 2
    assert change(store, SECOND) == 2  # nothing changed
    store_first(store, "another")
    with store.read_only() as session:
        assert [(row.name, row.version) for row in policies.list_policies(session)] == [("another", 1), ("own", 2)]
        assert [row.version for row in policies.list_policy_versions(session, "own")] == [2, 1]
        assert policies.get_policy(session, "own").document == SECOND
        assert policies.get_policy(session, "own", 1).document == FIRST
        for name, version in (("own", 3), ("none", None)):
            with pytest.raises(PolicyNotFound):
                policies.get_policy(session, name, version)


def test_removed_policy_keeps_its_versions_and_its_numbers(store: Store) -> None:
    store_first(store)
    with store.transaction() as session:
        policies.remove_policy(session, "own", now=NOON)
    with store.transaction() as session:
        assert policies.list_policies(session) == []
        assert policies.get_policy(session, "own", 1).document == FIRST
        with pytest.raises(PolicyNotFound):
            policies.remove_policy(session, "own", now=NOON)
    assert store_first(store) == 2
    with store.read_only() as session:
        assert [row.version for row in policies.list_policy_versions(session, "own")] == [2]


def test_names_are_unique_and_changes_are_not_lost(store: Store) -> None:
    store_first(store)
    with store.transaction() as session, pytest.raises(PolicyExists):
        policies.create_policy(session, "own", SECOND, who="me", now=NOON)
    change(store, SECOND)
    with pytest.raises(PolicyChanged) as raised:
        change(store, FIRST, after=1)
    assert raised.value.version == 2


def test_concurrent_changes_have_different_versions(store: Store) -> None:
    store_first(store)
    outcomes = together(*(partial(change, store, {"suites": [number]}) for number in range(10, 14)))
    stored = [each for each in outcomes if isinstance(each, int)]
    assert stored
    assert len(stored) == len(set(stored))
    assert all(isinstance(each, int | StoreError) for each in outcomes)


def test_runs_keep_policy_and_verdict(store: Store) -> None:
    config = {"policy": {"name": "own", "version": "2"}}
    good = make_run(store, "good.example", record("INFO", verdict="pass"), config=config)
    bad = make_run(store, "bad.example", record("ERROR", verdict="fail"), config=config)
    failed = make_run(store, "failed.example", record(status=RunStatus.FAILED), config=config)
    plain = make_run(store, "plain.example")
    with store.read_only() as session:
        rows = {run.id: (run.policy, run.policy_version, run.verdict) for run in session.scalars(select(Run))}
    assert rows == {
        good.id: ("own", "2", "pass"),
        bad.id: ("own", "2", "fail"),
        failed.id: ("own", "2", "undecided"),
        plain.id: (None, None, None),
    }


def test_lists_filter_by_policy_and_verdict(store: Store) -> None:
    config = {"policy": {"name": "own", "version": "1"}}
    bad = make_run(store, "bad.example", record("ERROR", verdict="fail"), config=config)
    make_run(store, "good.example", record("INFO", verdict="pass"), config=config)
    queue_job(store, "waiting.example", config=config)
    with store.read_only() as session:
        assert [run.id for run in list_runs(session, RunFilter(verdict="fail")).items] == [bad.id]
        assert list_runs(session, RunFilter(policy="own")).total == 2
        assert list_runs(session, RunFilter(policy="other")).total == 0
        assert [item.id for item in list_jobs(session, JobFilter(verdict="fail")).items] == [bad.id]
        assert list_jobs(session, JobFilter(policy="own")).total == 2
        assert list_jobs(session, JobFilter()).total == 3


def test_verdicts_of_a_batch_are_counted(store: Store) -> None:
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(3), now=NOON)
        key, batch_id = batch.key, batch.id
    for number, verdict in enumerate(("pass", "fail", "fail")):
        config = {"policy": {"name": "own", "version": "1"}}
        make_run(store, f"d{number}.example", record("INFO", verdict=verdict), config=config, batch_id=batch_id)
    make_run(store, "plain.example", batch_id=batch_id)
    with store.read_only() as session:
        assert count_verdicts(session, key) == {"pass": 1, "fail": 2}
        assert count_verdicts(session, None) == {}
