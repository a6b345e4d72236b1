"""Log lines of failed attempts: stored once, and deleted with their run or after their retention."""

from __future__ import annotations

from datetime import timedelta

from gonemaster_db.batches.deletion import purge_finished_before
from gonemaster_db.core.session import Store
from gonemaster_db.queue.attempt_logs import add_attempt_log, list_attempt_logs, purge_attempt_logs
from tests.support.rows import NOON, make_run


def add(store: Store, job_id: str, attempt: int, *lines: str) -> None:
    with store.transaction() as session:
        add_attempt_log(session, job_id, attempt=attempt, worker="w1", ended_at=NOON, lines=lines)


def lines_of(store: Store, job_id: str) -> dict[int, list[str]]:
    with store.read_only() as session:
        return {each.attempt: each.lines for each in list_attempt_logs(session, job_id)}


def test_the_first_lines_of_an_attempt_stay(store: Store) -> None:
    add(store, "job_1", 2, "b")
    add(store, "job_1", 1, "a", "\u00e5")
    add(store, "job_1", 1, "repeated after an unknown commit")
    add(store, "job_1", 3)
    assert lines_of(store, "job_1") == {1: ["a", "\u00e5"], 2: ["b"]}


def test_lines_are_deleted_with_their_run(store: Store) -> None:
    run, other = make_run(store), make_run(store, "example.net")
    for each in (run, other):
        add(store, each.id, 1, "a")
    with store.transaction() as session:
        assert purge_finished_before(session, NOON + timedelta(hours=1), limit=1) == 1
    assert sorted(map(len, (lines_of(store, run.id), lines_of(store, other.id)))) == [0, 1]


def test_old_lines_are_deleted(store: Store) -> None:
    add(store, "job_1", 1, "a")
    for ended_before, left in ((NOON, 1), (NOON + timedelta(seconds=1), 0)):
        with store.transaction() as session:
            purge_attempt_logs(session, ended_before=ended_before)
        assert len(lines_of(store, "job_1")) == left
