"""Catalogue, overviews, trends, histories, differences and reports; private data is reported as not found."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from gonemaster_db.core.session import Store
from gonemaster_db.models import Cohort, CohortSnapshot, DefaultPolicy, SnapshotStatus
from gonemaster_engine.findings.causes.registry import RULE_BY_ID
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_engine.scoring.rule import FIRST_RULE, RULE_VERSION
from gonemaster_tasks.control.comparisons import cost_of
from tests.api.analysis.conftest import ROOT, Get
from tests.api.conftest import MakeApp
from tests.db.analysis.test_comparison import Reference
from tests.support.analysis_world import CAUSES, Chance, Derived, make_cohort, make_snapshot

CATEGORIES = ("severity", "dnssec_posture", "ipv6_coverage", "grade", "dnskey_algo", "dnskey_algo_weakest", "cause")


def change(store: Store, slug: str, **values: Any) -> None:
    with store.transaction() as session:
        session.execute(update(CohortSnapshot).where(CohortSnapshot.slug == slug).values(**values))


def test_catalog_has_the_public_cohorts(get: Get, course: list[Derived], store: Store) -> None:
    make_cohort(store, "nu", sort_order=-1)
    make_cohort(store, "hidden", public_enabled=False)
    found = get("/catalog")
    assert (found["default_tag"], found["selector_enabled"], found["backend_supported"]) == ("se", True, True)
    assert "vantage_label" not in found
    assert [(one["dataset_tag"], one["snapshot_count"], one["default_snapshot"]) for one in found["cohorts"]] == [
        ("nu", 0, None),
        ("se", 3, course[-1].facts.slug),
    ]
    assert get("/cohorts") == found["cohorts"]
    assert get("/cohorts/hidden", status=404)["code"] == "cohort_not_found"
    empty = get("/cohorts/nu")
    assert (empty["status"], empty["snapshot"], empty["counts"]) == ("no_snapshot", None, None)
    assert get("/cohorts/nu/overview", status=404)["code"] == "snapshot_not_found"
    assert get("/version")["gonemaster"]


@pytest.mark.expects_500
def test_default_cohort_is_the_marked_or_the_only_one(get: Get, store: Store) -> None:
    assert get("/catalog", status=503)["code"] == "no_selectable_cohorts"
    assert get("/cohorts") == []
    make_cohort(store, "se")
    assert get("/catalog")["default_tag"] == "se"
    make_cohort(store, "nu")
    assert get("/catalog", status=503)["code"] == get("/domains", status=503)["code"] == "no_default_cohort"
    make_cohort(store, "odd", public_enabled=False, is_default=True)
    assert get("/catalog", status=500)["code"] == "invalid_catalog"


def test_overview_shows_totals_and_distributions(get: Get, course: list[Derived]) -> None:
    shown = course[-1]
    found = get("/overview")
    totals = {f"{kind}_count": len(shown.keys[kind]) for kind in ("domain", "nameserver", "endpoint", "asn", "prefix")}
    assert found["overview"]["totals"] == get("/cohorts/se")["counts"] == totals
    reported = {
        one["category"]: {bucket["key"]: bucket["count"] for bucket in one["buckets"]}
        for one in found["overview"]["fact_distributions"]
    }
    assert reported == {category: shown.counts(category) for category in CATEGORIES}
    detail = get(f"/snapshots/{shown.facts.slug}")
    assert detail["aggregates"].keys() == {"overview_v2", *CATEGORIES}
    assert detail["aggregates"]["overview_v2"]["totals"] == totals
    assert (detail["slug"], detail["is_default"], detail["vocabulary_available"]) == (shown.facts.slug, True, True)


def test_only_captured_public_snapshots_exist(get: Get, course: list[Derived], store: Store) -> None:
    first, second, third = (one.facts.slug for one in course)
    assert [one["slug"] for one in get("/snapshots")["snapshots"]] == [third, second, first]
    hidden: dict[str, Any]
    for hidden in (
        {"is_public": False},
        {"status": SnapshotStatus.RETIRED},
        {"status": SnapshotStatus.PENDING},
        {"status": SnapshotStatus.FAILED_MIXED_PROFILES},
        {"view_id": None},
    ):
        change(store, second, **hidden)
        for path in (f"/snapshots/{second}", f"/snapshots/{second}/domains", f"/snapshots/{second}/overview"):
            assert get(path, status=404)["code"] == "snapshot_not_found"
        assert [one["slug"] for one in get("/snapshots")["snapshots"]] == [third, first]
        assert [one["slug"] for one in get("/trends")["points"]] == [first, third]
        assert get("/diff", status=404, **{"from": first, "to": second})["code"] == "snapshot_not_found"
        if "view_id" not in hidden:
            change(store, second, is_public=True, status=SnapshotStatus.CAPTURED)


def test_pinned_snapshot_is_the_default_while_it_is_public(get: Get, course: list[Derived], store: Store) -> None:
    first, _, third = (one.facts.slug for one in course)
    with store.transaction() as session:
        cohort = session.get_one(Cohort, 1)
        cohort.default_snapshot_policy = DefaultPolicy.PINNED
        cohort.default_snapshot_id = session.query(CohortSnapshot).filter_by(slug=first).one().id
    assert get("/domains")["snapshot"] == get("/cohorts/se")["snapshot"]["slug"] == first
    assert [one["is_default"] for one in get("/snapshots")["snapshots"]] == [False, False, True]
    change(store, first, is_public=False)
    assert get("/domains")["snapshot"] == third


def test_trends_follow_each_category(get: Get, course: list[Derived]) -> None:
    for category in CATEGORIES:
        found = get("/trends", category=category)
        assert [one["slug"] for one in found["points"]] == [one.facts.slug for one in course]
        assert [one["payload"] for one in found["points"]] == [one.counts(category) for one in course]
        keys = {key for one in course for key in one.counts(category)}
        assert found["key_meta"].keys() == keys
    assert get("/trends") == get("/trends", category="severity")
    assert get("/trends", status=400, category="colour")["code"] == "invalid_category"


def test_differences_by_cause_are_those_of_the_domains(get: Get, course: list[Derived]) -> None:
    before, after = course[0].facts, course[-1].facts
    reference = Reference(before, after)
    pair = {"from": before.slug, "to": after.slug}
    found = get("/diff", granularity="causes", **pair)
    expected = reference.cause_changes()
    assert [one["cause"] for one in found["causes"]] == [cause for cause in CAUSES if cause in expected]
    for one in found["causes"]:
        numbers = ("from_domain_count", "to_domain_count", "domains_appeared", "domains_cleared")
        assert tuple(one[name] for name in numbers) == expected[one["cause"]]
        assert one["domain_delta"] == one["to_domain_count"] - one["from_domain_count"]
        assert (one["title"], one["harm"]) == (RULE_BY_ID[one["cause"]].texts.title, RULE_BY_ID[one["cause"]].harm)
    names = reference.causes_changed()
    assert [one["domain"] for one in found["domains"]] == names
    assert found["counts"] == {"causes": len(expected), "domains": len(names)}
    for one in found["domains"]:
        was, now = (side[one["domain"]].causes or () for side in (reference.old, reference.new))
        assert one["appeared"] == [cause for cause in now if cause not in was]
        assert one["cleared"] == [cause for cause in was if cause not in now]
    page = get("/diff", granularity="causes", limit=1, offset=1, **pair)
    assert page["domains"] == found["domains"][1:2]
    assert get("/report", **pair)["causes"] == found["causes"]


def test_domains_show_and_are_filtered_by_their_causes(get: Get, course: list[Derived], client: FlaskClient) -> None:
    shown = course[-1]
    causes = {domain.name: domain.causes for domain in shown.facts.domains}
    for item in get("/domains", limit=500)["items"]:
        known = causes[item["domain"]]
        assert item["causes"] == (None if known is None else list(known))
        assert get(f"/domains/{item['domain']}")["causes"] == item["causes"]
    silent = [item["domain"] for item in get("/domains", cause="server_silent", limit=500)["items"]]
    assert silent == sorted(name for name, known in causes.items() if "server_silent" in (known or ()))
    assert get("/domains", cause="no_such_cause", status=400)["code"] == "invalid_cause"
    csv = client.get("/analysis/domains?cause=server_silent&format=csv").get_data(as_text=True)
    assert "causes" in csv.splitlines()[0]
    assert all("server_silent" in line for line in csv.splitlines()[1:])


def test_trend_says_where_the_rule_of_scores_changed(get: Get, course: list[Derived], store: Store) -> None:
    change(store, course[-1].facts.slug, score_rule=RULE_VERSION)
    rules = [point["score_rule"] for point in get("/trends", category="grade")["points"]]
    assert rules == [FIRST_RULE] * (len(course) - 1) + [RULE_VERSION]


def test_trends_have_bounds(get: Get, course: list[Derived]) -> None:
    slugs = [one.facts.slug for one in course]
    dates = [one.facts.first_run_at for one in course]

    def between(begin: str | None, end: str | None) -> list[str]:
        query = {key: value for key, value in (("from", begin), ("to", end)) if value}
        return [one["slug"] for one in get("/trends", **query)["points"]]

    assert between(slugs[1], None) == slugs[1:]
    assert between(None, slugs[1]) == slugs[:2]
    assert between(f"{dates[1]:%Y-%m-%d}", f"{dates[1]:%Y-%m-%d}") == [slugs[1]]
    assert between((dates[1] + timedelta(seconds=1)).isoformat(), None) == slugs[2:]
    assert get("/trends", status=400, **{"from": slugs[1], "to": slugs[0]})["code"] == "invalid_time_range"
    for name in ("from", "to"):
        assert get("/trends", status=400, **{name: "yesterday"})["code"] == f"invalid_{name}"


def test_histories_follow_one_object(get: Get, course: list[Derived]) -> None:
    for entity in ("nameserver", "asn", "domain"):
        for key in {key for one in course for key in one.keys[entity][:6]}:
            points = get("/history", entity=entity, key=key)["points"]
            rows = [one.rows[entity][one.places[entity][key]] if key in one.places[entity] else {} for one in course]
            assert [point["present"] for point in points] == [bool(row) for row in rows]
            for name in ("score", "grade") if entity == "domain" else ("domain_count", "latency_p50_ms"):
                assert [point[name] for point in points] == [row.get(name) for row in rows]
    for tag in {key[0] for one in course for key in one.keys["tag"]}:
        points = get("/history", entity="tag", key=tag.lower())["points"]
        for point, one in zip(points, course, strict=True):
            names = {name for key in one.keys["tag"] if key[0] == tag for name in one.of("tag", key, "domain")}
            assert (point["present"], point["domain_count"]) == (bool(names), len(names) or None)
    assert get("/history", status=400, entity="asn", key="x")["code"] == "invalid_key"
    assert get("/history", status=400, entity="prefix", key="x")["code"] == "invalid_entity"
    assert get("/history", status=400, entity="domain")["code"] == "missing_key"


def test_differences_of_domains_and_tags(get: Get, course: list[Derived]) -> None:
    before, after = course[0].facts, course[1].facts
    pair = {"from": before.slug, "to": after.slug}
    reference = Reference(before, after)
    found = get("/diff", **pair)
    graded = [name for name in reference.common if reference.old[name].grade != reference.new[name].grade]
    assert [one["domain"] for one in found["grade_changed"]] == graded
    assert [(one["from_grade"], one["to_grade"]) for one in found["grade_changed"]] == [
        (reference.old[name].grade, reference.new[name].grade) for name in graded
    ]
    assert [one["domain"] for one in found["added"]] == sorted(reference.new.keys() - reference.old.keys())
    assert [one["domain"] for one in found["removed"]] == sorted(reference.old.keys() - reference.new.keys())
    assert found["counts"] == {
        name: len(found[name]) for name in ("added", "removed", "grade_changed", "level_changed")
    }
    page = get("/diff", limit=2, offset=1, **pair)
    assert [one["domain"] for one in page["grade_changed"]] == graded[1:3]
    tags = get("/diff", granularity="tags", **pair)
    for kind, was, now in (("appeared", None, 1), ("cleared", 1, None), ("level_changed", 1, 1)):
        for one in tags[kind]:
            assert ((one["from_level"] is None), (one["to_level"] is None)) == ((was is None), (now is None))
            assert one["domain_delta"] == one["to_domain_count"] - one["from_domain_count"]
    moved = {key for key in before.levels if before.levels[key] != after.levels[key]}
    shown = {key for key in moved if all(key in one.places["tag"] for one in course[:2])}
    assert {(one["tag"], one["module"], one["testcase"]) for one in tags["level_changed"]} == shown
    assert get("/diff", status=400)["code"] == get("/report", status=400)["code"] == "missing_snapshots"


def test_report_separates_the_world_from_the_measurement(get: Get, course: list[Derived]) -> None:
    before, after = course[0].facts, course[2].facts
    reference = Reference(before, after)
    pair = {"from": before.slug, "to": after.slug}
    found = get("/report", **pair)
    reported = [(one["domain"], one["delta"], one["explained"], one["category"]) for one in found["domains"]]
    assert reported == reference.moved()
    assert found["domain_total"] == len(reported)
    for one in found["domains"]:
        assert one["unexplained"] == one["delta"] - one["explained"]
        changes = reference.changes(one["domain"])
        assert {(tag["tag"], tag["module"], tag["testcase"]) for tag in one["tags"]} == changes.keys()
        for tag in one["tags"]:
            key = (tag["tag"], tag["module"], tag["testcase"])
            assert (tag["from_level"], tag["to_level"]) == changes[key]
            assert tag["class"] == reference.why(key, *changes[key])
    joined = [
        one
        for offset in range(0, len(reported), 4)
        for one in get("/report", limit=4, offset=offset, **pair)["domains"]
    ]
    assert joined == found["domains"]
    assert found["scoring_config_changed"] == "false"
    assert found["tag_floor"] == "NOTICE"
    assert found["vocabulary"]["level_changed"]


def test_report_chooses_clusters_by_size_and_spread(get: Get, course: list[Derived]) -> None:
    before, after = course[0].facts, course[1].facts
    reference = Reference(before, after)
    deltas = reference.deltas()
    for least, spread in ((1, 100), (2, 100), (3, 3), (2, 5)):
        query = {"from": before.slug, "to": after.slug, "min_cluster": least, "max_spread": spread}
        reported = get("/report", **query)["clusters"]
        expected = {
            names: keys
            for names, keys in reference.clusters().items()
            if len(names) >= least and max(map(deltas.get, names)) - min(map(deltas.get, names)) <= spread  # type: ignore[type-var, operator]  # all are known
        }
        assert {
            tuple(one["domains"]): {(key["key"], key["value"]) for key in one["keys"]} for one in reported
        } == expected
        assert all((one["direction"] == "improved") == (one["min_delta"] > 0) for one in reported)
    for name, value in (("min_cluster", 501), ("min_cluster", 0), ("max_spread", 101)):
        assert get("/report", status=400, **(query | {name: value}))["code"] == f"invalid_{name}"


def test_engine_versions_are_compared(get: Get, store: Store) -> None:
    chance = Chance(9)
    first = chance.snapshot(5)
    unknown: dict[str, Any] = {"engine_version": "", "vocabulary": None, "scoring_hash": ""}
    facts = [
        first,
        chance.later(first, engine_version="2026.2"),
        chance.later(first, 60, **unknown),
    ]
    cohort = make_cohort(store)
    for one in facts:
        make_snapshot(store, cohort, one)

    def engine(begin: int, end: int) -> tuple[bool, bool]:
        found = get("/diff", **{"from": facts[begin].slug, "to": facts[end].slug})
        return found["crossed_engine_versions"], found["engine_version_unknown"]

    assert (engine(0, 1), engine(0, 0), engine(0, 2)) == ((True, False), (False, False), (False, True))
    report = get("/report", **{"from": facts[0].slug, "to": facts[2].slug})
    assert (report["vocabulary"], report["scoring_config_changed"]) == (None, "unknown")
    assert {one["class"] for one in report["tags"]} <= {"unknown"}


def test_scores_can_be_hidden(make_app: MakeApp, course: list[Derived]) -> None:
    client: FlaskClient = make_app(show_score_public="false").test_client()

    def get(path: str) -> Any:
        return client.get(f"{ROOT}{path}").get_json()

    assert {(one["score"], one["grade"]) for one in get("/domains")["items"]} == {(None, None)}
    assert get("/domains?sort=score_asc")["error"]["code"] == "invalid_sort"
    assert get("/domains?grade=A")["error"]["code"] == "invalid_grade"
    assert get("/trends?category=grade")["error"]["code"] == "invalid_category"
    assert "grade" not in {one["category"] for one in get("/overview")["overview"]["fact_distributions"]}
    name = course[-1].keys["domain"][0]
    assert {point["score"] for point in get(f"/history?entity=domain&key={name}")["points"]} == {None}
    pair = f"from={course[0].facts.slug}&to={course[1].facts.slug}"
    assert get(f"/report?{pair}")["error"]["code"] == "not_found"
    diff = get(f"/diff?{pair}")
    assert (diff["grade_changed"], diff["grade_changes"]) == ([], [])


def test_request_that_takes_too_long_is_ended(make_app: MakeApp, course: list[Derived]) -> None:
    client = make_app(public_api_analysis_request_timeout="0.000001s").test_client()
    response = client.get(f"{ROOT}/domains")
    assert (response.status_code, response.get_json()["error"]["code"]) == (503, "request_timeout")
    assert response.headers["Retry-After"]


def test_vantage_label_is_shown_unless_it_is_too_long(make_app: MakeApp, course: list[Derived]) -> None:
    for label, shown in (("Stockholm", "Stockholm"), ("x" * 65, None)):
        found = make_app(analysis_vantage_label=label).test_client().get(f"{ROOT}/catalog").get_json()
        assert found.get("vantage_label") == shown


def test_cost_is_the_share_of_the_score() -> None:
    cost = cost_of(DEFAULT_CONFIG)
    assert cost("DNSSEC", "X", "ERROR") == pytest.approx(20 * 1.5 / 4.5)
    assert cost("SYSTEM", "X", "ERROR") == 0
    assert replace(DEFAULT_CONFIG).fingerprint == "default"
