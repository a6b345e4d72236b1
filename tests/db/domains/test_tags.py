"""Domain tags: creation, members, summaries, removal and default profiles."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from gonemaster_db.batches.deletion import purge_finished_before
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import AmbiguousProfile, ProfileNotFound, TagExists, TagNotFound
from gonemaster_db.core.filters import DomainFilter
from gonemaster_db.core.session import Store
from gonemaster_db.domains import tags
from gonemaster_db.domains.domain_list import list_domains
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.profiles import create_profile
from gonemaster_db.domains.tag_summaries import count_newest, update_summaries
from gonemaster_db.models import Domain, DomainTag, Run, StoredTagSummary
from gonemaster_db.runs.runs import set_score
from tests.support.rows import NOON, make_run, record
from tests.support.threads import together


def fill(store: Store, tag: str, *names: str) -> None:
    with store.transaction() as session:
        tags.tag_domains(session, [tag], ensure_domains(session, names, now=NOON).values(), now=NOON)


def make_profile(store: Store, name: str) -> int:
    with store.transaction() as session:
        return create_profile(session, name, config={}, schema_version="1", now=NOON).id


def test_tags_are_created_once_and_described(store: Store) -> None:
    with store.transaction() as session:
        tag = tags.create_tag(session, "gov", description="ministries", now=NOON)
        assert (tag.name, tag.description, tag.created_at) == ("gov", "ministries", NOON)
        with pytest.raises(TagExists):
            tags.create_tag(session, "gov", now=NOON)
        assert tags.describe_tag(session, "gov", "all of them").description == "all of them"
        with pytest.raises(TagNotFound):
            tags.describe_tag(session, "none", "")


def test_tags_are_listed_by_name_with_their_domains(store: Store) -> None:
    fill(store, "b", "x.example", "y.example", "x.example")
    fill(store, "a", "x.example")
    with store.transaction() as session:
        tags.create_tag(session, "c", now=NOON)
    with store.read_only() as session:
        assert [(t.tag.name, t.domain_count) for t in tags.list_tags(session)] == [("a", 1), ("b", 2), ("c", 0)]
        assert [t.tag.name for t in tags.list_tags(session, limit=1, offset=1)] == ["b"]
        assert tags.get_tag(session, "b").domain_count == tags.count_tag_domains(session, "b") == 2
        assert tags.count_tag_domains(session, "none") == 0
        with pytest.raises(TagNotFound):
            tags.get_tag(session, "none")


def test_domains_of_a_tag_are_read_by_name_in_slices(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "CHUNK", 3)
    names = [f"d{number}.example" for number in range(8)]
    fill(store, "gov", *reversed(names))
    fill(store, "other", "z.example")
    with store.read_only() as session:
        assert list(tags.iter_tag_domains(session, "gov")) == names
        ids = {domain.name: domain.id for domain in session.scalars(select(Domain))}
        assert tags.tags_of_domains(session, [ids["d1.example"]]) == {ids["d1.example"]: ["gov"]}


def test_members_among_names_are_counted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "CHUNK", 2)
    fill(store, "gov", "a.example", "b.example", "c.example")
    fill(store, "other", "d.example")
    with store.read_only() as session:
        assert tags.count_tagged(session, "gov", ["a.example", "c.example", "d.example", "none.example"]) == 2
        assert tags.count_tagged(session, "none", ["a.example"]) == tags.count_tagged(session, "gov", []) == 0
        assert tags.count_tags(session) == 2


def test_domains_are_removed_from_a_tag(store: Store) -> None:
    fill(store, "gov", "x.example", "y.example")
    with store.transaction() as session:
        assert tags.untag_domains(session, "gov", ["x.example", "none.example"]) == 1
        assert list(tags.iter_tag_domains(session, "gov")) == ["y.example"]


def test_deleting_a_tag_keeps_domains_and_runs(store: Store) -> None:
    make_run(store, config={"tags": ["gov"]})
    with store.transaction() as session:
        tags.delete_tag(session, "gov")
        with pytest.raises(TagNotFound):
            tags.delete_tag(session, "gov")
        for model, left in ((Domain, 1), (Run, 1), (DomainTag, 0)):
            assert session.scalar(select(func.count()).select_from(model)) == left


def test_summary_counts_the_newest_runs_by_level_and_grade(store: Store) -> None:
    outcomes = {
        "ok.example": record("INFO", score=100, grade="A"),
        "note.example": record("NOTICE", score=90, grade="A"),
        "bad.example": record("CRITICAL", "ERROR", score=3, grade="F"),
    }
    for name, outcome in outcomes.items():
        make_run(store, name, record("ERROR", at=NOON - timedelta(days=1)))
        make_run(store, name, outcome)
    fill(store, "gov", *outcomes, "untested.example")
    with store.transaction() as session:
        summary = tags.summarise_tag(session, "gov")
        assert (summary.domain_count, summary.ok, summary.notice, summary.warning) == (4, 2, 1, 0)
        assert (summary.error, summary.critical, summary.grades) == (0, 1, {"A": 2, "F": 1})
        tags.create_tag(session, "empty", now=NOON)
        for name in ("empty", "none"):
            with pytest.raises(TagNotFound):
                tags.summarise_tag(session, name)


def test_summary_of_a_large_tag_is_cached_for_some_seconds(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, "gov", "a.example", "b.example")
    with store.read_only() as session:
        assert tags.summarise_tag(session, "gov").domain_count == 2
    monkeypatch.setattr(tags, "EXACT", 2)
    fill(store, "gov", "c.example")
    with store.read_only() as session:
        assert tags.summarise_tag(session, "gov").domain_count == 3  # a small tag is counted each time
    fill(store, "gov", "d.example")
    with store.read_only() as session:
        assert tags.summarise_tag(session, "gov").domain_count == 3


def keep(store: Store, now: datetime | None = None) -> int:
    return update_summaries(store, now=lambda: now or utcnow(), large=1)


def test_stored_summaries_are_valid_until_a_change(store: Store) -> None:
    fill(store, "gov", "a.example", "b.example")
    fill(store, "small", "a.example")
    make_run(store, "a.example", record("ERROR", score=50, grade="D"))
    assert [keep(store), keep(store)] == [1, 0]
    fill(store, "gov", "c.example")
    make_run(store, "b.example", record("NOTICE", score=90, grade="A"))
    with store.read_only() as session:  # the stored counts
        summary = tags.summarise_tag(session, "gov")
        assert (summary.domain_count, summary.ok, summary.notice, summary.error, summary.grades) == (
            2,
            1,
            0,
            1,
            {"D": 1},
        )
        assert tags.get_tag(session, "gov").domain_count == 2
        assert [listed.domain_count for listed in tags.list_tags(session)] == [2, 1]
        assert tags.summarise_tag(session, "small").error == 1
    assert [keep(store), keep(store)] == [1, 0]
    with store.read_only() as session:
        assert tags.summarise_tag(session, "gov") == count_newest(session, "gov")
        assert tags.summarise_tag(session, "gov").grades == {"A": 1, "D": 1}


@pytest.mark.parametrize("change", ["purge", "membership", "score"])
def test_stored_summaries_follow_each_kind_of_change(store: Store, change: str) -> None:
    fill(store, "gov", "a.example", "b.example", "c.example")
    run = make_run(store, "a.example", record("ERROR", score=50, grade="D", at=NOON - timedelta(hours=1)))
    make_run(store, "b.example", record("NOTICE", score=90, grade="A"))
    assert keep(store) == 1
    with store.transaction() as session:
        if change == "purge":
            assert purge_finished_before(session, NOON) == 1
        elif change == "score":
            set_score(session, run.id, score=60, grade="C")
        else:  # the same number of members as before
            tags.untag_domains(session, "gov", ["c.example"])
            tags.tag_domains(session, ["gov"], ensure_domains(session, ["d.example"], now=NOON).values(), now=NOON)
    assert keep(store) == 1
    with store.read_only() as session:
        assert tags.summarise_tag(session, "gov") == count_newest(session, "gov")


def test_expired_summaries_are_counted_on_request(store: Store) -> None:
    fill(store, "gov", "a.example", "b.example")
    assert keep(store, now=utcnow() - timedelta(minutes=6)) == 1
    fill(store, "gov", "c.example")
    with store.read_only() as session:
        assert tags.summarise_tag(session, "gov").domain_count == 3
    with store.transaction() as session:
        tags.untag_domains(session, "gov", ["a.example", "b.example"])
    assert keep(store) == 0  # no longer large
    with store.transaction() as session:
        assert session.scalar(select(func.count()).select_from(StoredTagSummary)) == 0
        tags.delete_tag(session, "gov")


def test_default_profile_comes_from_the_tags_of_a_domain(store: Store) -> None:
    first, second = make_profile(store, "first"), make_profile(store, "second")
    fill(store, "a", "x.example", "y.example")
    fill(store, "b", "x.example", "z.example")
    with store.transaction() as session:
        tags.set_default_profile(session, "a", first)
        assert tags.default_profile_id(session, "x.example") == first
        tags.set_default_profile(session, "b", first)
        assert tags.default_profile_id(session, "x.example") == first
        tags.set_default_profile(session, "b", second)
        assert tags.default_profile_ids(session, ["x.example", "y.example", "z.example", "n.example"]) == {
            "x.example": [first, second],
            "y.example": [first],
            "z.example": [second],
        }
        with pytest.raises(AmbiguousProfile) as ambiguous:
            tags.default_profile_id(session, "x.example")
        assert ambiguous.value.profile_ids == [first, second]
        tags.set_default_profile(session, "a", None)
        assert tags.default_profile_id(session, "y.example") is None
        with pytest.raises(ProfileNotFound):
            tags.set_default_profile(session, "a", 999)
        with pytest.raises(TagNotFound):
            tags.set_default_profile(session, "none", None)


def test_concurrent_tagging_of_new_domains_is_consistent(store: Store) -> None:
    names = [f"d{number}.example" for number in range(40)]

    def tag_all(tag: str, order: list[str]) -> None:
        def work(session: object) -> None:
            ids = ensure_domains(session, order, now=NOON)  # type: ignore[arg-type]
            tags.tag_domains(session, [tag, "all"], ids.values(), now=NOON)  # type: ignore[arg-type]

        store.run_in_transaction(work)

    calls = [lambda n=n: tag_all(f"t{n % 2}", names if n % 2 else names[::-1]) for n in range(4)]
    assert together(*calls) == [None] * 4
    with store.read_only() as session:
        assert {t.tag.name: t.domain_count for t in tags.list_tags(session)} == {"all": 40, "t0": 40, "t1": 40}
        assert session.scalar(select(func.count()).select_from(Domain)) == 40


def test_domain_filters_and_sorts(store: Store) -> None:
    make_run(store, "a.example", record("ERROR", at=NOON, score=50, grade="D"), config={"tags": ["eu"]})
    make_run(store, "b.example", record("CRITICAL", at=NOON + timedelta(hours=2), score=10, grade="F"))
    for hour in (0, 1):
        make_run(store, "c.example", record("INFO", at=NOON + timedelta(hours=hour)))
    fill(store, "eu", "d.example")
    filters = {
        "ad": DomainFilter(domain_tag="eu"),
        "bc": DomainFilter(untagged=True),
        "b": DomainFilter(name="B.exa"),
        "a": DomainFilter(level="ERROR"),
        "ab": DomainFilter(min_level="WARNING"),
        "": DomainFilter(name="%"),
    }
    sorts = {
        "name_asc": "abcd",
        "name_desc": "dcba",
        "latest_level_desc": "bacd",
        "latest_level_asc": "cdab",
        "latest_score_desc": "abcd",
        "latest_score_asc": "bacd",
        "latest_run_at_desc": "bcad",
        "latest_run_at_asc": "dacb",
        "run_count_desc": "cabd",
        "run_count_asc": "dabc",
    }
    with store.read_only() as session:
        for expected, requested in filters.items():
            page = list_domains(session, requested)
            assert ("".join(domain.name[0] for domain in page.items), page.total) == (expected, len(expected))
        for sort, expected in sorts.items():
            page = list_domains(session, DomainFilter(), sort=sort)
            assert "".join(domain.name[0] for domain in page.items) == expected, sort
        page = list_domains(session, DomainFilter(), limit=2, offset=1)
        assert ([domain.name for domain in page.items], page.total) == (["b.example", "c.example"], 4)
