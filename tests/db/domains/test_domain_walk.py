"""Each page of domains is a slice of the sorted list, for every search method."""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from gonemaster_db.core.bulk import insert_rows
from gonemaster_db.core.filters import DomainFilter
from gonemaster_db.core.levels import LEVELS, SEVERITIES, at_least
from gonemaster_db.core.session import Store
from gonemaster_db.domains import domain_list, domain_walk
from gonemaster_db.domains.domain_list import SORTS, list_domains
from gonemaster_db.domains.domains import OF_RUN_COUNT, find_named
from gonemaster_db.models import Domain, DomainRunCount, DomainTag, Tag
from tests.support.rows import NOON

NUMBER = 40
FILTERS: dict[str, tuple[DomainFilter, Callable[[Any], bool]]] = {
    "all": (DomainFilter(), lambda _: True),
    "name": (DomainFilter(name="A"), lambda d: "a" in d["name"]),
    "level": (DomainFilter(level="INFO"), lambda d: d["latest_level"] == "INFO"),
    "levels": (DomainFilter(min_level="WARNING"), lambda d: d["latest_level"] in at_least("WARNING")),
    "no level": (DomainFilter(level="NOTICE", min_level="ERROR"), lambda _: False),
    "tag": (DomainFilter(domain_tag="eu"), lambda d: d["id"] % 3 == 0),
    "untagged": (DomainFilter(untagged=True), lambda d: d["id"] % 3 != 0),
    "tag, name, level": (
        DomainFilter(domain_tag="eu", name="b", level="WARNING"),
        lambda d: d["id"] % 3 == 0 and "b" in d["name"] and d["latest_level"] == "WARNING",
    ),
    "untagged, levels": (
        DomainFilter(untagged=True, min_level="ERROR"),
        lambda d: d["id"] % 3 != 0 and d["latest_level"] in at_least("ERROR"),
    ),
}
LIMITS: dict[str, dict[str, int]] = {
    "few": {},
    "looked up": {"FEW": 0, "FEW_MEMBERS": 0},
    "hashed after a few": {"FEW": 0, "FEW_MEMBERS": 0, "MAX_LOOKED_UP": 3},
    "hashed": {"FEW": 0, "FEW_MEMBERS": 0, "MAX_LOOKED_UP": 0},
}


# "hashed after a few" looks up domains, too.
@pytest.fixture(params=["few", pytest.param("looked up", marks=pytest.mark.thorough), "hashed after a few", "hashed"])
def search_method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in LIMITS[request.param].items():
        monkeypatch.setattr(domain_walk if name == "MAX_LOOKED_UP" else domain_list, name, value)
    return str(request.param)


@pytest.fixture
def domains(store: Store) -> list[dict[str, Any]]:
    rng = random.Random(3)
    names = rng.sample(
        [f"{one}{other}{third}.example" for one in "abc" for other in "abcd" for third in "abcd"], NUMBER
    )
    rows: list[dict[str, Any]] = [
        {
            "id": number,
            "name": name,
            "created_at": NOON,
            "run_count": rng.randrange(3),
            "latest_run_at": rng.choice((None, *(NOON + timedelta(days=day) for day in range(4)))),
            "latest_level": rng.choice((None, *LEVELS)),
            "latest_score": rng.choice((None, 0, 50, 100)),
        }
        for number, name in enumerate(names, 1)
    ]
    with store.transaction() as session:
        insert_rows(session, Domain, list(rows[0]), [tuple(row.values()) for row in rows])
        insert_rows(
            session,
            DomainRunCount,
            OF_RUN_COUNT,
            [tuple(row[key] for key in ("id", *OF_RUN_COUNT[1:])) for row in rows],
        )
        insert_rows(session, Tag, ("name", "description", "created_at"), [("eu", "", NOON)])
        insert_rows(session, DomainTag, ("domain_id", "tag"), [(row["id"], "eu") for row in rows if row["id"] % 3 == 0])
    return rows


@pytest.mark.usefixtures("search_method")
@pytest.mark.parametrize("name", FILTERS)
def test_pages_are_slices_of_the_sorted_whole(store: Store, domains: list[dict[str, Any]], name: str) -> None:
    filters, keep = FILTERS[name]
    kept = [domain for domain in domains if keep(domain)]
    with store.read_only() as session:
        for sort in SORTS:
            expected = [domain["name"] for domain in in_order(kept, sort)]
            for limit, offset in ((3, 0), (4, 5), (100, 0), (2, len(kept) - 1), (5, len(kept)), (7, 1)):
                page = list_domains(session, filters, sort=sort, limit=limit, offset=max(0, offset))
                begin = max(0, offset)
                assert [domain.name for domain in page.items] == expected[begin : begin + limit], (sort, limit, offset)
                assert page.total == len(kept)


def in_order(domains: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    """Sort by name, then by the column; missing scores come last, and untested domains count as tested first."""
    column, _, direction = sort.rpartition("_")
    down = direction == "desc"
    if column == "name":
        return sorted(domains, key=lambda d: d["name"], reverse=down)
    by_name = sorted(domains, key=lambda d: d["name"])
    if column == "latest_level":
        rank = {None: 0} | {level: place + 1 for place, level in enumerate(SEVERITIES)}
        return stable(by_name, lambda d: rank.get(d["latest_level"], 0), down=down)
    known = stable([d for d in by_name if d[column] is not None], lambda d: d[column], down=down)
    unknown = [d for d in by_name if d[column] is None]
    return [*unknown, *known] if sort == "latest_run_at_asc" else [*known, *unknown]


def stable(domains: list[dict[str, Any]], key: Callable[[dict[str, Any]], Any], *, down: bool) -> list[dict[str, Any]]:
    """Sort with a stable order of equal values."""
    return sorted(domains, key=key, reverse=down)


def test_a_search_by_name_finds_later_domains(store: Store) -> None:
    def add(*names: str) -> list[int]:
        with store.transaction() as session:
            domains = [Domain(name=name, created_at=NOON) for name in names]
            session.add_all(domains)
            session.flush()
            return [domain.id for domain in domains]

    def found(part: str) -> Sequence[int] | None:
        with store.read_only() as session:
            return find_named(session, part, maximum=2)

    (first, _) = add("shop.example", "mail.example")
    assert found("SHOP") == [first]
    (second,) = add("myshop.example")
    assert found("SHOP") == [first, second]
    with store.transaction() as session:
        assert find_named(session, ".example", maximum=2) is None
        assert find_named(session, "absent", maximum=2) == []
    add("shops.example")
    assert found("SHOP") is None  # too many
