"""Views built from runs: the public analysis shows their facts, and its parts agree with each other."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, func, select

from gonemaster_api.demo.sample.snapshots import capture_all
from gonemaster_api.demo.sample.story import Story
from gonemaster_api.demo.sample.write import write_demo_data
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import CohortSnapshot, SnapshotComparison
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.control.comparisons import prepare_comparisons
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.maintenance.projection.projector import Projector
from gonemaster_tasks.maintenance.snapshots import capture_due
from tests.api.analysis.conftest import Get

MONTHS, DOMAINS = 3, 12
NAMES = {"domains": "domain", "nameservers": "nameserver", "asns": "asn"}


@pytest.fixture
def demo(store: Store) -> Story:
    story = Story(domains=DOMAINS, months=MONTHS)
    write_demo_data(store, story, seed=0, until=datetime(2026, 11, 1, tzinfo=UTC))
    assert capture_all(store, floor="NOTICE", scoring_config_hash="default") == MONTHS
    return story


def test_totals_lists_and_details_agree(get: Get, demo: Story) -> None:
    overview = get("/overview")["overview"]
    totals = overview["totals"]
    for one in overview["fact_distributions"]:
        if one["category"] in {"severity", "dnssec_posture", "grade", "ipv6_coverage"}:
            assert sum(bucket["count"] for bucket in one["buckets"]) == DOMAINS
    tops = {"top_tags": ("tag", "tags"), "top_nameservers": ("nameserver", "nameservers"), "top_asns": ("asn", "asns")}
    for top, (key, path) in tops.items():
        listed = [one[key] for one in get(f"/{path}")["items"]]
        assert [one[key] for one in overview[top]] == listed[: len(overview[top])] != []
    assert totals["domain_count"] == DOMAINS
    for kind in ("domain", "nameserver", "endpoint", "asn"):
        assert get(f"/{kind}s")["total"] == totals[f"{kind}_count"] > 0
    assert [one["domain"] for one in get("/domains")["items"]] == list(demo.domains)
    for path, key in NAMES.items():
        for item in get(f"/{path}")["items"]:
            detail = get(f"/{path}/{item[key]}")
            assert {name: detail[name] for name in item} == item
    for item in get("/nameservers")["items"]:
        assert len(get(f"/nameservers/{item['nameserver']}")["domains"]) == item["domain_count"]
    for item in get("/endpoints")["items"]:
        detail = get(f"/endpoints/{item['address']}", nameserver=item["nameserver"])
        assert len(detail["domains"]) == item["domain_count"]
    for item in get("/prefixes")["items"]:
        assert len(get("/prefix", prefix=item["prefix"])["domains"]) == item["domain_count"]
    for item in get("/testcases")["items"]:
        detail = get("/testcase", module=item["module"], testcase=item["testcase"])
        assert sum(tag["occurrence_count"] for tag in detail["tags"]) == item["entry_count"]


def test_domain_shows_its_entries(get: Get, demo: Story) -> None:
    found = get(f"/domains/{demo.domains[0]}")
    assert len(found["nameservers"]) == found["nameserver_count"] > 0
    assert {one["tag"] for one in found["tags"]} <= {one["tag"] for one in found["entries"]}
    assert all(one["message"] for one in found["entries"])
    assert found["nameserver_timings"]


def test_course_covers_all_snapshots(get: Get, demo: Story) -> None:
    slugs = [one["slug"] for one in get("/snapshots")["snapshots"]]
    assert len(slugs) == MONTHS
    points = get("/trends", category="dnssec_posture")["points"]
    assert [one["slug"] for one in points] == slugs[::-1]
    assert all(sum(one["payload"].values()) == DOMAINS for one in points)
    server = get("/nameservers")["items"][0]["nameserver"]
    assert get("/history", entity="nameserver", key=server)["points"][-1]["present"]
    pair = {"from": slugs[-1], "to": slugs[0]}
    report = get("/report", **pair)
    assert report["engine"]["crossed_engine_versions"]
    assert report["totals"]["common"] == DOMAINS
    assert report["vocabulary"] is not None
    assert get("/diff", **pair)["counts"]["grade_changed"] == sum(
        one["count"] for one in report["totals"]["grade_changes"]
    )


def test_capture_compares_each_snapshot_with_its_neighbours(store: Store, queue: QueueParts) -> None:
    write_demo_data(store, Story(domains=4, months=MONTHS), seed=0, until=datetime(2026, 11, 1, tzinfo=UTC))
    Projector().project(store, floor="NOTICE", now=utcnow)
    assert capture_due(store, queue.broker, scoring=DEFAULT_CONFIG, now=utcnow) == MONTHS
    with store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(SnapshotComparison)) == MONTHS - 1
        newest = max(session.scalars(select(CohortSnapshot.id)))
    assert prepare_comparisons(store, newest, DEFAULT_CONFIG) > 0
    with store.transaction() as session:
        session.execute(delete(SnapshotComparison))
    assert prepare_comparisons(store, newest, DEFAULT_CONFIG, step=lambda: False) == 0
