"""Root causes of runs as an indexed column: sets are stored once, and lists filter by cause."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import pytest
from sqlalchemy import select

from gonemaster_db.core.filters import DomainFilter, RunFilter
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domain_list import list_domains
from gonemaster_db.models import CauseSet, Run
from gonemaster_db.runs.runs import list_runs, set_score
from tests.support.rows import NOON, make_run, record


def stored(store: Store, domain: str, causes: Collection[str] | None, *, hours: int = 0) -> str:
    return make_run(store, domain, record(at=NOON + timedelta(hours=hours), causes=causes)).id


def runs_with(store: Store, cause: str) -> list[str]:
    with store.read_only() as session:
        return [run.id for run in list_runs(session, RunFilter(cause=cause)).items]


def domains_with(store: Store, cause: str) -> list[str]:
    with store.read_only() as session:
        return [domain.name for domain in list_domains(session, DomainFilter(cause=cause)).items]


def test_runs_and_domains_are_found_by_their_causes(store: Store) -> None:
    first = stored(store, "a.example", ["no_tcp", "no_dnssec"])
    second = stored(store, "b.example", ["no_dnssec"], hours=1)
    stored(store, "c.example", [])
    stored(store, "d.example", None)
    assert runs_with(store, "no_dnssec") == [second, first]
    assert runs_with(store, "no_tcp") == [first]
    assert runs_with(store, "no_t") == []  # part of an identifier
    assert domains_with(store, "no_dnssec") == ["a.example", "b.example"]


def test_domains_are_found_by_the_causes_of_their_newest_run(store: Store) -> None:
    stored(store, "a.example", ["no_tcp"])
    stored(store, "a.example", [], hours=1)
    assert domains_with(store, "no_tcp") == []


def test_equal_sets_are_stored_once(store: Store) -> None:
    for number, causes in enumerate((["b_c", "a"], ["a", "b_c"], [], [])):
        stored(store, f"d{number}.example", causes)
    with store.read_only() as session:
        assert sorted(session.scalars(select(CauseSet.causes))) == ["", "|a|b_c|"]
        assert len(set(session.scalars(select(Run.cause_set_id)))) == 2


def test_causes_can_be_stored_later(store: Store) -> None:
    run_id = stored(store, "a.example", None)
    with store.transaction() as session:
        set_score(session, run_id, score=50, grade="D", rule=2, causes=["no_tcp"])
    assert runs_with(store, "no_tcp") == [run_id]


@pytest.mark.parametrize("wildcard", ["no%tcp", "no_tcp_", "%"])
def test_wildcards_are_no_patterns(store: Store, wildcard: str) -> None:
    stored(store, "a.example", ["no_tcp"])
    assert runs_with(store, wildcard) == []
