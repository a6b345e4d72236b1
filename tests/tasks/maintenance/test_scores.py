"""Scores of stored runs follow the current rule after some time, and name their rule."""

from typing import Any

import pytest

from gonemaster_db.core.records import EntryRecord, RunRecord
from gonemaster_db.models import Domain, Run
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_engine.scoring.rule import RULE_VERSION
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance import scores
from gonemaster_tasks.maintenance.scores import ScoreRecomputation
from tests.support.rows import make_run, record

SERVERS = [{"ns": "ns1.example", "address": "192.0.2.1"}]


def entry(tag: str, level: str, module: str, **args: Any) -> EntryRecord:
    return EntryRecord(0.0, module, "", tag, level, args)


def old_score(*entries: EntryRecord, **fields: Any) -> RunRecord:
    return record(entries=entries, **{"score": 94, "grade": "A", **fields})


RECURSOR = entry("IS_A_RECURSOR", "ERROR", "NAMESERVER", servers=SERVERS)
UNKNOWN = entry("B01_CHILD_UNDETERMINED", "ERROR", "BASIC", domain_child="c.example", domain_super="example")


def stored(parts: QueueParts, *run_ids: str) -> list[tuple[int | None, str | None, int | None]]:
    with parts.store.read_only() as session:
        found = {run.id: (run.score, run.grade, run.score_rule) for run in session.query(Run)}
    return [found[run_id] for run_id in run_ids]


def test_scores_of_an_older_rule_are_recomputed(parts: QueueParts) -> None:
    runs = [
        make_run(parts.store, "a.example", old_score(RECURSOR)).id,
        make_run(parts.store, "b.example", old_score(RECURSOR, score_rule=RULE_VERSION)).id,
        make_run(parts.store, "c.example", old_score(UNKNOWN)).id,
        make_run(parts.store, "d.example", record(entries=[RECURSOR])).id,
    ]
    assert ScoreRecomputation().advance(parts.store, parts.broker, DEFAULT_CONFIG) == 2
    assert stored(parts, *runs) == [
        (89, "B", RULE_VERSION),
        (94, "A", RULE_VERSION),
        (None, None, RULE_VERSION),
        (None, None, None),
    ]
    with parts.store.read_only() as session:
        latest = {domain.name: domain.latest_grade for domain in session.query(Domain)}
    assert (latest["a.example"], latest["c.example"]) == ("B", None)


def test_one_worker_recomputes_in_a_minute(parts: QueueParts) -> None:
    recomputation = ScoreRecomputation()
    make_run(parts.store, "a.example", old_score(RECURSOR))
    assert recomputation.advance(parts.store, parts.broker, DEFAULT_CONFIG) == 1
    make_run(parts.store, "b.example", old_score(RECURSOR))
    assert recomputation.advance(parts.store, parts.broker, DEFAULT_CONFIG) == 0


def test_recomputation_continues_in_steps(parts: QueueParts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "STEP", 2)
    runs = [make_run(parts.store, f"d{number}.example", old_score(RECURSOR)).id for number in range(5)]
    assert ScoreRecomputation().advance(parts.store, parts.broker, DEFAULT_CONFIG) == 5
    assert stored(parts, *runs) == [(89, "B", RULE_VERSION)] * 5


def test_a_worker_that_stops_recomputes_no_more(parts: QueueParts) -> None:
    make_run(parts.store, "a.example", old_score(RECURSOR))
    recomputation = ScoreRecomputation()
    assert recomputation.advance(parts.store, parts.broker, DEFAULT_CONFIG, stopped=lambda: True) == 0
