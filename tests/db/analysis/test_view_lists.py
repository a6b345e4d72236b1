"""Lists of views agree with lists in Python: each sort, filter and page of random snapshots, on both databases."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session

from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.views import list_specs
from gonemaster_db.analysis.views.list_specs import ListSpec, ViewFilter
from gonemaster_db.analysis.views.lists import list_rows
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.session import Store
from tests.support.analysis_world import Chance, Derived, Row, make_cohort, make_snapshot, order_of, sorted_rows

SPECS = {
    "domain": list_specs.DOMAINS,
    "nameserver": list_specs.NAMESERVERS,
    "endpoint": list_specs.ENDPOINTS,
    "asn": list_specs.ASNS,
    "prefix": list_specs.PREFIXES,
    "tag": list_specs.TAGS,
    "testcase": list_specs.TESTCASES,
}
NATURAL = {kind: next(iter(spec.sorts)) for kind, spec in SPECS.items()}  # the order of positions
MEMBERS = {"latency": "latency_p50_ms", "operator": "asn_label"}
SEARCHED = {
    "domain": ("domain",),
    "nameserver": ("nameserver",),
    "endpoint": ("nameserver", "address"),
    "asn": ("asn", "label"),
    "prefix": ("prefix", "asn_label"),
    "tag": ("tag", "module", "testcase"),
    "testcase": ("module", "testcase"),
}
FILTERS = (
    ViewFilter(),
    ViewFilter(search="1"),
    ViewFilter(search="alpha"),
    ViewFilter(search="ns_n"),
    ViewFilter(search="_"),
    ViewFilter(search="nowhere"),
    ViewFilter(min_level="WARNING"),
    ViewFilter(min_level="DEBUG3"),
    ViewFilter(worst_level="ERROR"),
    ViewFilter(worst_level="INFO"),
    ViewFilter(worst_level="OK"),
    ViewFilter(grade="A"),
    ViewFilter(dnssec_posture="nsec3", search="a"),
    ViewFilter(cause="server_silent"),
    ViewFilter(min_latency_samples=5),
)


@pytest.fixture
def derived(store: Store) -> Derived:
    return Derived(Chance(7).snapshot())


@pytest.fixture
def view_id(store: Store, files: FileStorage | None, derived: Derived) -> int:
    cohort = make_cohort(store)
    # must not appear in the lists of the other view
    make_snapshot(store, cohort, Chance(1).snapshot(5, slug="another"), files=files)
    return make_snapshot(store, cohort, derived.facts, files=files)[1]


@pytest.fixture
def session(store: Store) -> Iterator[Session]:
    with store.read_only() as session:
        yield session


def by_sort(rows: list[Row], sort: str, kind: str) -> list[Row]:
    key, _, way = sort.rpartition("_")
    if key == NATURAL[kind]:
        return rows[::-1] if way == "desc" else rows
    if key == "address":
        return sorted(rows, key=lambda row: order_of(row["address"]), reverse=way == "desc")
    return sorted_rows(rows, MEMBERS.get(key, key), descending=way == "desc")


def level_tests(kind: str, criteria: ViewFilter) -> Iterator[Callable[[Row], bool]]:
    member = {"domain": "worst_level", "tag": "level", "testcase": "worst_level"}.get(kind)
    if member is None:
        return
    if criteria.min_level:
        least = LEVELS.index(criteria.min_level)
        yield lambda row: row[member] is not None and LEVELS.index(row[member]) >= least
    if criteria.worst_level == "OK":
        yield lambda row: row[member] is None or LEVELS.index(row[member]) < LEVELS.index("NOTICE")
    elif criteria.worst_level:
        yield lambda row: row[member] == criteria.worst_level


def matches(kind: str, criteria: ViewFilter) -> Callable[[Row], bool]:
    tests = list(level_tests(kind, criteria))
    if criteria.search:
        tests.append(lambda row: any(criteria.search in str(row[name]).lower() for name in SEARCHED[kind]))
    if criteria.grade and kind == "domain":
        tests.append(lambda row: row["grade"] == criteria.grade)
    if criteria.cause and kind == "domain":
        tests.append(lambda row: criteria.cause in (row["causes"] or ()))
    if criteria.dnssec_posture and kind == "domain":
        tests.append(lambda row: row["dnssec_posture"] == criteria.dnssec_posture)
    if criteria.min_latency_samples and kind in {"nameserver", "endpoint", "asn"}:
        tests.append(lambda row: row["latency_samples"] >= criteria.min_latency_samples)
    return lambda row: all(test(row) for test in tests)


def places(session: Session, view_id: int, spec: ListSpec, **options: Any) -> tuple[list[int], int]:
    page = list_rows(session, view_id, spec, **options)
    return [row.position for row in page.items], page.total


@pytest.mark.parametrize("kind", SPECS)
def test_each_sort_and_filter_agrees_with_python(kind: str, derived: Derived, view_id: int, session: Session) -> None:
    rows = [row | {"place": place} for place, row in enumerate(derived.rows[kind])]
    assert rows
    for sort in SPECS[kind].names:
        for criteria in FILTERS:
            expected = [row["place"] for row in by_sort(list(filter(matches(kind, criteria), rows)), sort, kind)]
            for limit, offset in ((500, 0), (3, 2), (7, 7)):
                found = places(session, view_id, SPECS[kind], criteria=criteria, sort=sort, limit=limit, offset=offset)
                assert found == (expected[offset : offset + limit], len(expected)), (sort, criteria, limit, offset)


def test_pages_of_each_length_form_the_list(derived: Derived, view_id: int, session: Session) -> None:
    spec = list_specs.DOMAINS
    for sort in spec.names:
        whole, total = places(session, view_id, spec, sort=sort)
        assert total == len(derived.rows["domain"]) == len(set(whole))
        for limit in (1, 2, 5, 11):
            joined = []
            for offset in range(0, total, limit):
                joined += places(session, view_id, spec, sort=sort, limit=limit, offset=offset)[0]
            assert joined == whole, (sort, limit)


def test_page_beyond_the_end_is_empty_and_has_the_total(derived: Derived, view_id: int, session: Session) -> None:
    total = len(derived.rows["domain"])
    for sort in ("domain_asc", "domain_desc", "score_asc"):
        for criteria in (ViewFilter(), ViewFilter(min_level="DEBUG3")):
            found, number = places(session, view_id, list_specs.DOMAINS, sort=sort, offset=10**6, criteria=criteria)
            assert found == []
            assert 0 < number <= total


def test_empty_view_has_empty_lists(store: Store, files: FileStorage | None) -> None:
    view_id = make_snapshot(store, make_cohort(store), Chance(1).snapshot(0), files=files)[1]
    with store.read_only() as session:
        for spec in SPECS.values():
            for sort in spec.names:
                assert places(session, view_id, spec, sort=sort) == ([], 0)


def test_unknown_sort_is_an_error(session: Session) -> None:
    with pytest.raises(KeyError):
        list_rows(session, 1, list_specs.DOMAINS, sort="colour_asc")
