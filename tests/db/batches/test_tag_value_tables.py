"""Statistics of batches: tables give the same answers as documents, and only for the runs they were built from."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select, update

from gonemaster_db.batches import batch_statistics, tag_values
from gonemaster_db.batches.batch_statistics import batches_without_statistics, build_statistics
from gonemaster_db.batches.batches import create_batch, find_batch_key
from gonemaster_db.batches.deletion import delete_batch, purge_finished_before
from gonemaster_db.batches.tag_values import TagValue, list_tag_values
from gonemaster_db.core.errors import DocumentDamaged, StatisticsPending
from gonemaster_db.core.records import EntryRecord, NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import BatchStatistics, RunDocument
from gonemaster_db.runs.documents import value_table
from gonemaster_db.runs.documents.value_table import (
    TableBuilder,
    ValueRow,
    by_count,
    by_lack,
    choose,
    pack_rows,
    unpack_rows,
)
from gonemaster_db.runs.runs import set_score
from tests.support.rows import NOON, make_run, record

TAGS = ("B02_AUTH_RESPONSE_SOA", "DS01_DS_ALGO_DEPRECATED", "N10_EDNS_RESPONSE_ERROR")
ARGUMENTS = ("ns", "address", "keytag", "number", "list", "missing")
ALL_QUESTIONS = list(product(TAGS, ARGUMENTS, (1, 2, 5), (1, 3, 500), (False, True)))
QUESTIONS = ALL_QUESTIONS[::5]  # with each value of each parameter
Answers = dict[tuple[Any, ...], list[TagValue]]


def make_batch_of_runs(store: Store, rng: random.Random, *, runs: int = 60) -> tuple[str, int]:
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(domain_count=runs), now=NOON)
    for _ in range(runs):
        domain = f"domain{rng.randrange(runs)}.example"  # some domains are tested twice
        graded = rng.random() < 0.8
        score: dict[str, Any] = {"score": rng.randrange(0, 101), "grade": "B"} if graded else {}
        made = record(entries=list(some_entries(rng)), **score)
        make_run(store, domain, made, batch_id=batch.id)
    return batch.id, batch.key


def some_entries(rng: random.Random) -> Iterator[EntryRecord]:
    for tag in rng.choices(TAGS, k=rng.randrange(6)):
        level = rng.choice(("INFO", "WARNING"))
        args = {
            "ns": f"ns{rng.randrange(4)}.example",
            "address": f"192.0.2.{rng.randrange(250)}",
            "keytag": rng.randrange(3),
            "number": rng.choice((1, 1.5, True, None, "1", "é", "\N{SNOWMAN}")),
            "list": rng.choice(([], ["a", "b"], {"b": 1, "a": [2]}, {"a": [2], "b": 1})),
        }
        yield EntryRecord(0.1, "BASIC", "basic02", tag, level, {key: args[key] for key in args if rng.random() < 0.8})


def ask(store: Store, batch_id: str, questions: Sequence[tuple[Any, ...]] = QUESTIONS) -> Answers:
    with store.read_only() as session:
        return {
            question: list_tag_values(
                session,
                batch_id,
                message_tag=question[0],
                argument=question[1],
                min_count=question[2],
                limit=question[3],
                weight_by_score=question[4],
            )
            for question in questions
        }


def is_current(store: Store, key: int) -> bool:
    with store.read_only() as session:
        made = select(BatchStatistics.signature).where(BatchStatistics.batch_key == key)
        return session.scalar(made) == batch_statistics.signature_of(session, key)


@pytest.mark.parametrize(
    ("seed", "questions"),
    [
        pytest.param(1, QUESTIONS, id="fixed"),
        pytest.param(None, ALL_QUESTIONS, id="new", marks=pytest.mark.thorough),
    ],
)
def test_tables_give_the_same_answers_as_documents(
    store: Store, seed: int | None, questions: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = seed or random.randrange(10**6)
    print("seed", seed)
    batch_id, key = make_batch_of_runs(store, random.Random(seed))
    before = ask(store, batch_id, questions)
    assert any(before.values())
    monkeypatch.setattr(batch_statistics, "SLICE", 7)  # several parts to merge
    monkeypatch.setattr(batch_statistics, "ROWS_AT_A_TIME", 5)  # several shares of the values
    monkeypatch.setattr(value_table, "MAX_VALUES", 500)
    assert build_statistics(store, key, now=lambda: NOON)
    assert is_current(store, key)
    with store.transaction() as session:
        session.execute(update(RunDocument).values(document=b"damaged"))
    assert ask(store, batch_id, questions) == before  # no document was read


def test_tables_are_valid_only_for_their_runs(store: Store) -> None:
    batch_id, key = make_batch_of_runs(store, random.Random(2))
    build_statistics(store, key, now=lambda: NOON)
    with store.transaction() as session:
        assert purge_finished_before(session, NOON.replace(year=NOON.year + 1), limit=5)
    assert not is_current(store, key)
    after = ask(store, batch_id)
    build_statistics(store, key, now=lambda: NOON)
    assert is_current(store, key)
    assert ask(store, batch_id) == after


def test_a_late_score_makes_tables_stale(store: Store) -> None:
    with store.transaction() as session:
        batch = create_batch(session, NewBatch(domain_count=1), now=NOON)
    run = make_run(store, "late.example", record("WARNING"), batch_id=batch.id)
    build_statistics(store, batch.key, now=lambda: NOON)
    with store.transaction() as session:
        set_score(session, run.id, score=70, grade="C")
    assert not is_current(store, batch.key)


def test_statistics_of_purged_runs_are_not_stored(store: Store) -> None:
    _, key = make_batch_of_runs(store, random.Random(3), runs=5)

    def purge() -> bool:
        with store.transaction() as session:
            purge_finished_before(session, NOON.replace(year=NOON.year + 1), limit=1)
        return True

    answers = iter((True, False))  # the second call comes after a table
    assert build_statistics(store, key, now=lambda: NOON, step=lambda: next(answers)) is None
    assert build_statistics(store, key, now=lambda: NOON, step=lambda: False) is None
    assert build_statistics(store, key, now=lambda: NOON, step=purge) is None
    with store.read_only() as session:
        assert session.get(BatchStatistics, key) is None


def test_tables_are_removed_with_their_batch(store: Store) -> None:
    batch_id, key = make_batch_of_runs(store, random.Random(4), runs=5)
    build_statistics(store, key, now=lambda: NOON)
    with store.transaction() as session:
        delete_batch(session, batch_id)
    with store.read_only() as session:
        assert session.get(BatchStatistics, key) is None
        assert find_batch_key(session, batch_id) is None


def test_large_finished_batches_are_due(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_statistics, "MIN_RUNS", 4)
    _, key = make_batch_of_runs(store, random.Random(5), runs=5)
    make_batch_of_runs(store, random.Random(5), runs=3)
    with store.read_only() as session:
        assert list(batches_without_statistics(session, now=NOON)) == [key]
    build_statistics(store, key, now=lambda: NOON)
    with store.read_only() as session:
        assert not batches_without_statistics(session, now=NOON)
    with store.transaction() as session:
        # removes at least one run of the batch
        purge_finished_before(session, NOON.replace(year=NOON.year + 1), limit=4)
    with store.read_only() as session:
        assert not batches_without_statistics(session, now=NOON)  # the purge may continue
        assert list(batches_without_statistics(session, now=NOON + timedelta(hours=2))) == [key]


def some_rows(rng: random.Random, number: int) -> Sequence[ValueRow]:
    def row(place: int) -> ValueRow:
        domains = rng.choice((1, 1, 1, 2, 3, rng.randrange(1, 40)))
        scored = rng.randrange(domains + 1)
        return ValueRow(f'"{place}"', domains, scored, scored * rng.randrange(101), ["a.example"])

    return [row(place) for place in rng.sample(range(10**6), number)]


@pytest.mark.parametrize("number", [0, 1, 499, 500, 501, 3000])
def test_a_table_answers_like_the_full_list_of_values(number: int) -> None:
    rng = random.Random(number)
    rows = some_rows(rng, number)
    maker = TableBuilder()
    for begin in range(0, number, 700):
        maker.add(rows[begin : begin + 700])
    table = maker.table()
    for min_count, limit, weighted in product((1, 2, 3, 10, 50), (1, 50, 500), (False, True)):
        enough = [row for row in rows if row.domains >= min_count]
        expected = sorted(enough, key=by_lack if weighted else by_count)[:limit]
        shared = table.most if table.shared is None else table.shared
        found = choose(table, min_count=min_count, limit=limit, weighted=weighted, read_shared=lambda: shared)  # noqa: B023  # called at once
        assert found == expected, (min_count, limit, weighted)


def test_damaged_tables_are_refused() -> None:
    rows = some_rows(random.Random(1), 3)
    assert unpack_rows(pack_rows(rows)) == list(rows)
    for damaged in (b"", b"x", pack_rows(rows)[:-3], pack_rows([("a",)])):  # type: ignore[list-item]
        with pytest.raises(DocumentDamaged):
            unpack_rows(damaged)


def test_documents_of_a_large_batch_are_not_read_for_one_request(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id, key = make_batch_of_runs(store, random.Random(4))
    monkeypatch.setattr(tag_values, "MAX_READ", 3)
    ask_one = partial(list_tag_values, batch_id=batch_id, message_tag=TAGS[0], argument="ns")
    with store.read_only() as session, pytest.raises(StatisticsPending):
        ask_one(session)
    assert build_statistics(store, key, now=lambda: NOON)
    with store.read_only() as session:
        counted = ask_one(session)
    assert counted
    with store.transaction() as session:
        assert purge_finished_before(session, NOON + timedelta(days=400), limit=10)
    with store.read_only() as session:
        assert ask_one(session) == counted  # the counts from before the purge
