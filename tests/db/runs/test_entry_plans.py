"""Lists of entries are the same for every search method: few runs, streams of outcomes, or a walk."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.filters import EntryFilter, RunFilter
from gonemaster_db.core.records import EntryRecord, NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.domains import run_domains
from gonemaster_db.runs import entries as lists
from gonemaster_db.runs import matching_outcomes
from gonemaster_db.runs.runs import list_runs
from tests.support.rows import NOON, make_run, record

Position = tuple[str, int]
LEVELS = ("INFO", "NOTICE", "WARNING", "ERROR")
SMALL: dict[str, int] = {
    "FIRST_SLICE": 1,
    "MAX_SLICE": 2,
    "MAX_TRIED": 1,
    "MIN_SKIPPED": 1,
}
PLANS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "few runs": ({}, {}),
    "streams of outcomes": ({**SMALL, "FEW_RUNS": 0}, {}),
    "walk over few outcomes": ({**SMALL, "FEW_RUNS": 0, "MAX_STREAMS": 0}, {}),
    "walk over many outcomes": ({**SMALL, "FEW_RUNS": 0}, {"MAX_FEW": 1, "MAX_ROWS": 1}),
}


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Lower the limits, so that a small store is read like a large one."""
    of_lists, of_outcomes = PLANS[request.param]
    for module, limits in ((lists, of_lists), (matching_outcomes, of_outcomes)):
        for name, value in limits.items():
            monkeypatch.setattr(module, name, value)
    return str(request.param)


@pytest.fixture
def batch_id(store: Store) -> str:
    with store.transaction() as session:
        return create_batch(session, NewBatch(domain_count=9), now=NOON).id


@pytest.fixture
def everything(store: Store, batch_id: str) -> list[EntryRecord]:
    """Return all entries of a store with random runs."""
    rng = random.Random(4)
    for number in range(14):
        lines = [
            EntryRecord(
                place / 10, module, f"{module.lower()}01", f"TAG{rng.randrange(3)}", rng.choice(LEVELS), {"n": place}
            )
            for place, module in enumerate(rng.choices(("BASIC", "ZONE"), k=rng.randrange(6)))
        ]
        fields: dict[str, Any] = {"batch_id": batch_id} if number % 3 == 0 else {}
        fields |= {"config": {"tags": ["eu"]}} if number % 5 == 0 else {}
        make_run(store, f"d{number % 4}.example", record(entries=lines, at=NOON + timedelta(minutes=number)), **fields)
    with store.read_only() as session:
        found = lists.list_entries(session, EntryFilter(), limit=500).items
    assert len(found) > 25
    return list(found)


@pytest.mark.usefixtures("plan")
def test_every_plan_lists_the_same(store: Store, everything: list[EntryRecord], batch_id: str) -> None:
    some = everything[7]
    cases: list[tuple[EntryFilter, Callable[[EntryRecord], bool]]] = [
        (EntryFilter(), lambda _: True),
        (EntryFilter(tag="TAG1"), lambda e: e.tag == "TAG1"),
        (EntryFilter(level="ERROR"), lambda e: e.level == "ERROR"),
        (EntryFilter(module="zone", level="INFO"), lambda e: (e.module, e.level) == ("ZONE", "INFO")),
        (EntryFilter(domain_id=some.domain_id, tag="TAG0"), lambda e: (e.domain_id, e.tag) == (some.domain_id, "TAG0")),
        (EntryFilter(run_id=some.run_id, tag=some.tag), lambda e: (e.run_id, e.tag) == (some.run_id, some.tag)),
    ]
    with store.read_only() as session:
        for filters, keep in cases:
            expected = [entry for entry in everything if keep(entry)]
            assert expected
            page = lists.list_entries(session, filters, limit=500)
            assert (list(page.items), page.total) == (expected, len(expected)), filters
            pages = [lists.list_entries(session, filters, limit=2, offset=n) for n in range(0, len(expected), 2)]
            assert [entry for part in pages for entry in part.items] == expected, filters
            assert [part.offset for part in pages] == list(range(0, len(expected), 2))
            assert by_keys(session, filters) == expected, filters
        in_batch = lists.list_entries(session, EntryFilter(batch_id=batch_id, tag="TAG1"), limit=500).items
        runs = {run.id for run in list_runs(session, RunFilter(batch_id=batch_id), limit=50).items}
        assert list(in_batch) == [e for e in everything if e.run_id in runs and e.tag == "TAG1"]
        tagged = [run.id for run in list_runs(session, RunFilter(event_tag="TAG1"), limit=50).items]
        assert set(tagged) == {entry.run_id for entry in everything if entry.tag == "TAG1"}
        slices = [
            list_runs(session, RunFilter(event_tag="TAG1"), limit=2, offset=n) for n in range(0, len(tagged) + 2, 2)
        ]
        assert [run.id for part in slices for run in part.items] == tagged
        assert {part.total for part in slices} == {len(tagged)}


def by_keys(session: Any, filters: EntryFilter) -> list[EntryRecord]:
    found: list[EntryRecord] = []
    after: Position | None = None
    while items := lists.list_entries(session, filters, limit=3, after=after).items:
        assert items == lists.read_entries_after(session, filters, after, limit=3)
        found += items
        after = (items[-1].run_id, items[-1].id)
    return found


@pytest.mark.usefixtures("plan")
def test_every_plan_counts_up_to_a_limit(store: Store, everything: list[EntryRecord]) -> None:
    for filters, matching in (
        (EntryFilter(), everything),
        (EntryFilter(tag="TAG2"), [entry for entry in everything if entry.tag == "TAG2"]),
    ):
        for limit in (len(matching) - 1, len(matching), len(matching) + 1):
            with store.read_only() as session:
                page = lists.list_entries(session, filters, count_up_to=limit)
            assert (page.total, page.total_is_least) == (min(limit, len(matching)), limit < len(matching))


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize("large_tags", [False, True])
def test_every_plan_selects_newest_runs(
    store: Store, everything: list[EntryRecord], monkeypatch: pytest.MonkeyPatch, large_tags: bool
) -> None:
    if large_tags:
        monkeypatch.setattr(run_domains, "FEW_DOMAINS", 0)
    with store.read_only() as session:
        last = {run.domain_id: run.id for run in reversed(list_runs(session, RunFilter(), limit=500).items)}
        newest = [entry for entry in everything if last[entry.domain_id] == entry.run_id]
        tagged = {run.domain_id for run in list_runs(session, RunFilter(domain_tag="eu"), limit=500).items}
        for tag, members in ((None, set(last)), ("eu", tagged)):
            expected = [entry for entry in newest if entry.level == "INFO" and entry.domain_id in members]
            assert expected
            filters = EntryFilter(latest=True, level="INFO", domain_tag=tag)
            assert list(lists.list_entries(session, filters, limit=500).items) == expected
            pages = [lists.list_entries(session, filters, limit=1, offset=n).items for n in range(len(expected))]
            assert [entry for page in pages for entry in page] == expected
            assert by_keys(session, filters) == expected


@pytest.mark.parametrize("filters", [EntryFilter(), EntryFilter(tag="TAG1"), EntryFilter(level="ERROR", latest=True)])
def test_a_page_starts_where_the_previous_page_ended(
    store: Store, everything: list[EntryRecord], monkeypatch: pytest.MonkeyPatch, filters: EntryFilter
) -> None:
    for name, value in {**SMALL, "FEW_RUNS": 0}.items():
        monkeypatch.setattr(lists, name, value)
    with store.read_only() as session:
        whole = lists.list_entries(session, filters, limit=len(everything)).items
        pages = [lists.list_entries(session, filters, limit=1, offset=1).items]
        monkeypatch.delattr(lists, "FIRST_SKIPPED")  # no more runs are skipped
        pages += [lists.list_entries(session, filters, limit=2, offset=offset).items for offset in (2, 4)]
    assert [entry for page in pages for entry in page] == list(whole[1:6])


@pytest.mark.parametrize(
    "filters", [EntryFilter(level="INFO", latest=True), EntryFilter(level="INFO", domain_tag="eu")]
)
def test_scattered_matches_have_a_lower_count_limit(
    store: Store, everything: list[EntryRecord], monkeypatch: pytest.MonkeyPatch, filters: EntryFilter
) -> None:
    assert everything
    for name, value in {**SMALL, "FEW_RUNS": 0, "COUNT_SCATTERED_UP_TO": 1}.items():
        monkeypatch.setattr(lists, name, value)
    monkeypatch.setattr(run_domains, "FEW_DOMAINS", 0)
    with store.read_only() as session:
        pages = [lists.list_entries(session, filters, limit=1, offset=offset) for offset in (0, 1)]
    assert [(len(page.items), page.total, page.total_is_least) for page in pages] == [(1, 1, True)] * 2


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize("large_tags", [False, True])
def test_every_plan_pages_at_any_offset(
    store: Store, everything: list[EntryRecord], monkeypatch: pytest.MonkeyPatch, large_tags: bool
) -> None:
    if large_tags:
        monkeypatch.setattr(run_domains, "FEW_DOMAINS", 0)
    rng = random.Random(3)
    with store.read_only() as session:
        for filters in (
            EntryFilter(),
            EntryFilter(level="INFO"),
            EntryFilter(latest=True, level="INFO"),
            EntryFilter(domain_tag="eu", level="INFO"),
        ):
            expected = list(lists.list_entries(session, filters, limit=500).items)
            for _ in range(8):
                offset, limit, most = rng.randrange(len(expected) + 4), rng.randrange(1, 5), rng.choice((1, 3, 500))
                page = lists.list_entries(session, filters, limit=limit, offset=offset, count_up_to=most)
                assert list(page.items) == expected[offset : offset + limit]
                assert (page.total, page.total_is_least) == (min(most, len(expected)), len(expected) > most)
