"""A view contains exactly what the facts say, and no reader sees a partial view."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.facts import EndpointFact, OriginFact, RunFacts
from gonemaster_db.analysis.snapshots import change_snapshot
from gonemaster_db.analysis.views.files.source import view_session
from gonemaster_db.core.session import Store
from gonemaster_db.models import (
    AnalysisAsn,
    CohortSnapshot,
    SnapshotAsn,
    SnapshotDomain,
    SnapshotEndpoint,
    SnapshotNameserver,
    SnapshotOverview,
    SnapshotPrefix,
    SnapshotStatus,
    SnapshotTag,
    SnapshotTestcase,
    SnapshotView,
    WatchEvent,
    WatchNote,
)
from gonemaster_db.runs.causes import ensure_cause_set
from tests.db.service.test_watches import make_watch
from tests.support.analysis.cohorts import (
    add_facts,
    finding_kinds,
    made_facts,
    make_batch,
    make_cohort,
    pending_snapshot,
    read_snapshot,
    snapshot_of,
)
from tests.support.analysis.reference import stored_members
from tests.support.rows import NOON

WARNING = ("ZONE", "zone01", "Z01_MNAME_NO_RESPONSE", "WARNING")
ERROR = ("DNSSEC", "dnssec04", "RRSIG_EXPIRED", "ERROR")


def two_domains(store: Store) -> list[RunFacts]:
    warning, error = finding_kinds(store, [WARNING, ERROR])
    shared = EndpointFact("ns1.host.example", "192.0.2.1", avg_ms=10.0, query_count=30)
    own = EndpointFact("ns2.host.example", "2001:db8::2", unreachable=True)
    origins = (OriginFact("192.0.2.1", (64500,), "192.0.2.0/24"), OriginFact("2001:db8::2", (64501,), "2001:db8::/32"))
    (first,) = made_facts(
        store,
        ["b.example"],
        endpoints=(shared, own),
        origins=origins,
        asns={(64500, 4), (64501, 6)},
        kinds={warning: 2, error: 1},
        categories=[("severity", "ERROR", None), ("dnssec_posture", "nsec", None), ("dnskey_algo", "8", 2)],
    )
    again = EndpointFact("ns1.host.example", "192.0.2.1", avg_ms=50.0, query_count=10)
    (second,) = made_facts(
        store,
        ["a.example"],
        endpoints=(again, EndpointFact("lost.example")),
        origins=origins[:1],
        asns={(64500, 4)},
        kinds={warning: 1},
        categories=[("severity", "WARNING", None)],
    )
    return [first, second]


def rows(store: Store, table: Any, view_id: int | None, *names: str) -> Sequence[Any]:
    assert view_id is not None
    with store.read_only() as session:
        columns = [getattr(table, name) for name in names]
        query = select(*columns).where(table.view_id == view_id).order_by(table.position)
        return [tuple(row) for row in view_session(session, view_id).execute(query)]


def members(store: Store, view_id: int | None) -> dict[tuple[str, int, str], list[int]]:
    assert view_id is not None
    with store.read_only() as session:
        return stored_members(session, view_id)


def test_an_operator_with_an_as_for_each_address_family_is_one_operator(
    store: Store, files: FileStorage | None
) -> None:
    facts = two_domains(store)
    with store.transaction() as session:
        for asn in (64500, 64501):
            session.merge(AnalysisAsn(asn=asn, label="Harbour DNS", first_seen_at=NOON, last_seen_at=NOON))
    view = snapshot_of(store, make_cohort(store), facts, files=files).view_id
    assert rows(store, SnapshotDomain, view, "name", "operator", "operator_asn") == [
        ("a.example", "Harbour DNS", 64500),
        ("b.example", "Harbour DNS", None),
    ]


def test_a_view_contains_the_facts(store: Store, files: FileStorage | None) -> None:
    view = snapshot_of(store, make_cohort(store), two_domains(store), files=files).view_id
    assert rows(store, SnapshotDomain, view, "name", "nameserver_count", "endpoint_count", "operator") == [
        ("a.example", 2, 1, "AS64500"),
        ("b.example", 2, 2, "Multiple"),
    ]
    assert rows(store, SnapshotNameserver, view, "name", "domain_count", "endpoint_count", "latency_p50_ms") == [
        ("lost.example", 1, 0, None),
        ("ns1.host.example", 2, 1, 10.0),
        ("ns2.host.example", 1, 1, None),
    ]
    assert rows(store, SnapshotEndpoint, view, "address", "domain_count", "asn", "prefix", "latency_p95_ms") == [
        ("192.0.2.1", 2, 64500, "192.0.2.0/24", 50.0),
        ("2001:db8::2", 1, 64501, "2001:db8::/32", None),
    ]
    assert rows(store, SnapshotAsn, view, "asn", "domain_count", "address_count", "nameserver_count") == [
        (64500, 2, 1, 1),
        (64501, 1, 1, 1),
    ]
    assert rows(store, SnapshotPrefix, view, "prefix", "domain_count", "asn") == [
        ("192.0.2.0/24", 2, 64500),
        ("2001:db8::/32", 1, 64501),
    ]
    assert rows(store, SnapshotTag, view, "tag", "level", "domain_count", "occurrence_count") == [
        ("RRSIG_EXPIRED", "ERROR", 1, 1),
        ("Z01_MNAME_NO_RESPONSE", "WARNING", 2, 3),
    ]
    assert rows(store, SnapshotTestcase, view, "testcase", "domain_count", "entry_count", "worst_level") == [
        ("dnssec04", 1, 1, "ERROR"),
        ("zone01", 2, 3, "WARNING"),
    ]


def test_a_view_contains_the_causes_of_its_domains(store: Store, files: FileStorage | None) -> None:
    with store.transaction() as session:
        known = ensure_cause_set(session, ["no_tcp", "no_dnssec"])
    facts = two_domains(store)
    view = snapshot_of(
        store, make_cohort(store), [replace(facts[0], cause_set_id=known), facts[1]], files=files
    ).view_id
    assert rows(store, SnapshotDomain, view, "name", "cause_set_id") == [("a.example", None), ("b.example", known)]
    with store.read_only() as session:
        stored = session.scalars(select(SnapshotOverview.fact_distributions).where(SnapshotOverview.view_id == view))
        assert json.loads(stored.one())["cause"] == {"no_dnssec": 1, "no_tcp": 1}


def test_members_of_objects(store: Store, files: FileStorage | None) -> None:
    found = members(store, snapshot_of(store, make_cohort(store), two_domains(store), files=files).view_id)
    assert found["domain", 0, "nameserver"] == [0, 1]
    assert found["domain", 1, "endpoint"] == [0, 1]
    assert found["domain", 1, "unreachable"] == [1]
    assert found["domain", 1, "tag"] == [0, 1]
    assert found["nameserver", 1, "domain"] == [0, 1]
    assert found["nameserver", 1, "endpoint"] == [0]
    assert found["asn", 1, "prefix"] == [1]
    assert found["asn", 0, "nameserver"] == [1]
    assert found["prefix", 0, "domain"] == [0, 1]
    assert found["prefix", 1, "endpoint"] == [1]
    assert found["testcase", 1, "tag"] == [1]


def test_the_overview(store: Store, files: FileStorage | None) -> None:
    snapshot = snapshot_of(store, make_cohort(store), two_domains(store), files=files)
    with store.read_only() as session:
        overview = session.get_one(SnapshotOverview, snapshot.view_id)
    counts = overview.domain_count, overview.nameserver_count, overview.endpoint_count, overview.prefix_count
    assert counts == (2, 3, 2, 2)
    assert [tag["tag"] for tag in json.loads(overview.top_tags)] == ["Z01_MNAME_NO_RESPONSE", "RRSIG_EXPIRED"]
    assert json.loads(overview.fact_distributions)["severity"] == {"ERROR": 1, "WARNING": 1}


def test_the_snapshot_stores_the_origin_of_its_facts(store: Store, files: FileStorage | None) -> None:
    facts = two_domains(store)
    snapshot = snapshot_of(store, make_cohort(store), facts, now=NOON + timedelta(hours=1), files=files)
    assert (snapshot.status, snapshot.run_count, snapshot.engine_version) == (SnapshotStatus.CAPTURED, 2, "0.1.0")
    assert (snapshot.first_run_at, snapshot.captured_at) == (NOON, NOON + timedelta(hours=1))
    assert snapshot.captured_revision == snapshot.facts_revision


def test_runs_with_different_profiles_are_not_captured(store: Store, files: FileStorage | None) -> None:
    facts = [*made_facts(store, ["a.example"], profile_name="x"), *made_facts(store, ["b.example"], profile_name="y")]
    cohort, batch = make_cohort(store), make_batch(store)
    snapshot_id = pending_snapshot(store, cohort, facts, batch=batch, files=files)
    assert materialise(store, snapshot_id, now=lambda: NOON, files=files) is Capture.MIXED_PROFILES
    found = read_snapshot(store, snapshot_id)
    assert (found.status, found.is_public, found.view_id) == (SnapshotStatus.FAILED_MIXED_PROFILES, False, None)
    with store.transaction() as session:
        change_snapshot(session, cohort.id, found.slug, {"status": "retired"}, now=NOON)
    assert materialise(store, snapshot_id, now=lambda: NOON, files=files) is Capture.MIXED_PROFILES
    assert read_snapshot(store, snapshot_id).status is SnapshotStatus.RETIRED, "late runs do not bring it back"


@pytest.mark.parametrize("when", [1, 3])
def test_changed_facts_end_the_capture(store: Store, files: FileStorage | None, when: int) -> None:
    cohort = make_cohort(store)
    snapshot = snapshot_of(store, cohort, two_domains(store), files=files)
    steps = 0

    def step() -> bool:
        nonlocal steps
        steps += 1
        if steps == when:
            add_facts(store, snapshot.id, facts, files=files)
        return True

    facts = made_facts(store, ["c.example"])
    assert materialise(store, snapshot.id, now=lambda: NOON, step=step, files=files) is Capture.CHANGED
    assert read_snapshot(store, snapshot.id).view_id == snapshot.view_id
    assert materialise(store, snapshot.id, now=lambda: NOON, files=files) is Capture.CAPTURED
    view = read_snapshot(store, snapshot.id).view_id
    assert [name for (name,) in rows(store, SnapshotDomain, view, "name")] == ["a.example", "b.example", "c.example"]


def test_one_builder_at_a_time_and_a_stopped_builder_releases_the_view(store: Store, files: FileStorage | None) -> None:
    snapshot = snapshot_of(store, make_cohort(store), two_domains(store), files=files)
    outcomes: list[Capture] = []

    def step() -> bool:
        outcomes.append(materialise(store, snapshot.id, now=lambda: NOON, files=files))
        return False

    assert materialise(store, snapshot.id, now=lambda: NOON, step=step, files=files) is Capture.STOPPED
    assert outcomes == [Capture.HELD]
    later = NOON + timedelta(seconds=1)
    assert materialise(store, snapshot.id, now=lambda: later, files=files) is Capture.CAPTURED
    with store.read_only() as session:
        assert session.scalar(select(func.count()).select_from(SnapshotView)) == 3


def test_a_missing_snapshot_is_not_captured(store: Store, files: FileStorage | None) -> None:
    assert materialise(store, 99, now=lambda: NOON, files=files) is Capture.GONE


def test_watches_are_notified_of_the_first_capture_only(store: Store, files: FileStorage | None) -> None:
    cohort, facts = make_cohort(store), two_domains(store)
    make_watch(store, WatchEvent.SNAPSHOT_CAPTURED, tag="tld")
    snapshot = snapshot_of(store, cohort, facts, files=files)
    with store.transaction() as session:
        session.get_one(CohortSnapshot, snapshot.id).facts_revision += 1
    assert materialise(store, snapshot.id, now=lambda: NOON, files=files) is Capture.CAPTURED
    with store.read_only() as session:
        (note,) = session.scalars(select(WatchNote)).all()
    assert (note.event, note.name, note.tag) == ("snapshot.captured", str(snapshot.id), "tld")
    assert (note.batch_key, note.details["slug"], note.details["domain_count"]) == (
        snapshot.batch_key,
        snapshot.slug,
        2,
    )
