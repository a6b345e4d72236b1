"""Pages and counts of differences between two batches agree with a comparison of single runs, on both databases."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from gonemaster_db.batches import batch_comparison
from gonemaster_db.batches.batch_comparison import (
    ChangeKind,
    DomainDifference,
    count_differences,
    list_differences,
)
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.records import EntryRecord, NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run, RunStatus
from gonemaster_db.runs.comparison import diff_runs
from gonemaster_db.runs.findings import findings_hash
from tests.support.rows import NOON, entries_of, make_run, record


@pytest.fixture
def batches(store: Store) -> tuple[str, str]:
    with store.transaction() as session:
        first, second = (create_batch(session, NewBatch(domain_count=0), now=NOON).id for _ in range(2))
    return first, second


def everything(store: Store, batches: tuple[str, str], **options: Any) -> Iterator[DomainDifference]:
    cursor: str | None = ""
    while cursor is not None:
        with store.read_only() as session:
            page = list_differences(session, *batches, cursor=cursor, **options)
        yield from page.items
        cursor = page.next_cursor


def kinds(store: Store, batches: tuple[str, str], **options: Any) -> list[tuple[str, str]]:
    return [(item.domain, item.kind.value) for item in everything(store, batches, **options)]


def some_entries(rng: random.Random) -> list[EntryRecord]:
    chosen = rng.sample([("A", "INFO"), ("B", "NOTICE"), ("C", "WARNING"), ("D", "ERROR")], rng.randint(0, 3))
    lines = [line for tag, level in chosen for line in entries_of(level, tag=tag, args={"n": rng.randint(0, 1)})]
    return rng.sample(lines, len(lines))


@pytest.fixture
def filled(store: Store, batches: tuple[str, str]) -> dict[str, dict[str, Run]]:
    """Create random runs in one or both batches, some of them failed, by batch and domain."""
    rng = random.Random(11)
    made: dict[str, dict[str, Run]] = {batch: {} for batch in batches}
    for number in range(24):
        domain = f"d{number:02}.example"
        for batch in rng.choice([batches, batches, batches, batches[:1], batches[1:]]):
            status = RunStatus.FAILED if rng.random() < 0.15 else RunStatus.SUCCEEDED
            outcome = record(entries=some_entries(rng), status=status)
            made[batch][domain] = make_run(store, domain, outcome, batch_id=batch)
        if number % 6 == 0:
            make_run(store, domain, record(entries=some_entries(rng)))  # in no batch
    return made


def expected(
    store: Store, old: dict[str, Run], new: dict[str, Run], level: str, *, with_args: bool = False
) -> list[tuple[str, str]]:
    found = []
    with store.read_only() as session:
        for domain in sorted({*old, *new}):
            was, now = old.get(domain), new.get(domain)
            if was is None or now is None:
                found.append((domain, "only_after" if was is None else "only_before"))
            elif {was.status, now.status} != {RunStatus.SUCCEEDED}:
                found.append((domain, "not_comparable"))
            elif diff_runs(session, was.id, now.id, min_level=level, with_args=with_args):
                found.append((domain, "changed"))
    return found


def test_pages_agree_with_a_comparison_of_single_runs(
    store: Store, batches: tuple[str, str], filled: dict[str, dict[str, Run]]
) -> None:
    for level in ("DEBUG", "INFO", "NOTICE", "WARNING", "ERROR"):
        args = level in ("DEBUG", "NOTICE")
        requested = expected(store, filled[batches[0]], filled[batches[1]], level, with_args=args)
        assert {kind for _, kind in requested} == set(map(str, ChangeKind))
        for limit in (1, 500) if args else (7,):
            found = kinds(store, batches, min_level=level, with_args=args, limit=limit)
            assert found == requested, (level, args, limit)


def test_kinds_can_be_chosen(store: Store, batches: tuple[str, str], filled: dict[str, dict[str, Run]]) -> None:
    whole = expected(store, filled[batches[0]], filled[batches[1]], "NOTICE")
    for chosen in (*({kind} for kind in ChangeKind), {ChangeKind.CHANGED, ChangeKind.ONLY_AFTER}):
        assert kinds(store, batches, kinds=chosen, limit=2) == [each for each in whole if each[1] in chosen]


def test_counts_agree_with_the_list(store: Store, batches: tuple[str, str], filled: dict[str, dict[str, Run]]) -> None:
    old, new = (filled[batch] for batch in batches)
    listed = [kind for _, kind in expected(store, old, new, "NOTICE")]
    with store.read_only() as session:
        counts = count_differences(session, *batches)
    assert (counts.before, counts.after, counts.in_both) == (len(old), len(new), len(old.keys() & new.keys()))
    assert (counts.only_before, counts.only_after) == (listed.count("only_before"), listed.count("only_after"))
    assert (counts.differing, counts.not_comparable) == (listed.count("changed"), listed.count("not_comparable"))
    assert counts.same == counts.in_both - counts.differing - counts.not_comparable > 0


def test_runs_without_a_hash_are_compared_by_their_entries(
    store: Store, batches: tuple[str, str], filled: dict[str, dict[str, Run]]
) -> None:
    with store.transaction() as session:
        session.execute(update(Run).values(findings_hash=None))
    requested = expected(store, filled[batches[0]], filled[batches[1]], "NOTICE")
    assert kinds(store, batches) == requested
    with store.read_only() as session:
        assert count_differences(session, *batches).same == 0


def test_page_ends_after_too_many_equal_domains(
    store: Store, batches: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_comparison, "MIN_SLICE", 2)
    monkeypatch.setattr(batch_comparison, "MAX_EXAMINED", 4)
    for number in range(6):
        level = "ERROR" if number == 5 else "NOTICE"
        for batch, tag in zip(batches, ("OLD", "NEW"), strict=True):
            make_run(store, f"d{number}.example", record(entries=entries_of(level, tag=tag)), batch_id=batch)
    with store.read_only() as session:
        first = list_differences(session, *batches, min_level="ERROR", limit=1)
        assert (first.items, first.next_cursor) == ([], "d3.example")
        second = list_differences(session, *batches, min_level="ERROR", limit=1, cursor="d3.example")
        assert [item.domain for item in second.items] == ["d5.example"]


def test_batch_does_not_differ_from_itself(
    store: Store, batches: tuple[str, str], filled: dict[str, dict[str, Run]]
) -> None:
    same = (batches[0], batches[0])
    assert {kind for _, kind in kinds(store, same)} == {"not_comparable"}
    with store.read_only() as session:
        counts = count_differences(session, *same)
    assert (counts.differing, counts.only_before, counts.only_after) == (0, 0, 0)


def test_findings_hash_depends_only_on_worst_levels() -> None:
    lines = entries_of("ERROR", "NOTICE", args={"b": 1, "a": [2, "x"]})
    again = [EntryRecord(9.5, e.module, e.testcase, e.tag, e.level, {"days": 3}) for e in reversed(lines)]
    assert findings_hash(lines) == findings_hash(again) == findings_hash([*lines, *entries_of("INFO")])
    assert findings_hash(lines) == findings_hash(entries_of("ERROR"))
    assert findings_hash(lines) != findings_hash(entries_of("NOTICE"))
    assert findings_hash(lines) != findings_hash([*lines, *entries_of("NOTICE", tag="OTHER")])
    assert -(2**63) <= findings_hash([]) < 2**63
    assert findings_hash(entries_of("ERROR", args={"x": "\ud800\0"}))


def test_a_page_of_large_differences_ends_early(
    store: Store, batches: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_comparison, "COMPARED_AT_A_TIME", 2)
    names = [f"d{number}.example" for number in range(7)]
    size = batch_comparison._PAGE_BYTES // 3
    for name in names:
        for batch_id, text in zip(batches, "ab", strict=True):
            entries = entries_of("ERROR", args={"text": text * (size // 2)})
            make_run(store, name, record(entries=entries), batch_id=batch_id)
    with store.read_only() as session:
        assert len(list_differences(session, *batches, with_args=True).items) == 2
    assert kinds(store, batches, with_args=True) == [(name, "changed") for name in names]
    assert kinds(store, batches) == []
