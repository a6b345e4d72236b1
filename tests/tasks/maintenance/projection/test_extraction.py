"""The facts that a run's entries produce, about name servers, networks and categories."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gonemaster_db.analysis.facts import EndpointFact, OriginFact, RunFacts
from gonemaster_db.analysis.projections import RunRow
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.runs.documents.caches import EntryType
from gonemaster_db.runs.documents.run_document import decode_document, encode_document
from gonemaster_db.runs.run_documents import StoredRun
from gonemaster_tasks.maintenance.projection.extraction import facts_of
from gonemaster_tasks.maintenance.projection.outline import Outlines
from tests.support.analysis.runs import entry, sweep_result
from tests.support.rows import NOON

NS1 = {"ns": "ns1.Example.", "address": "192.0.2.1"}
NS2 = {"ns": "ns2.example", "address": "2001:DB8::2"}
BOTH = entry("A01_GLOBALLY_REACHABLE_ADDR", module="ADDRESS", testcase="address01", servers=[NS1, NS2])


def extract(*entries: EntryRecord, timings: Any = None, floor: str = "NOTICE", **row: Any) -> RunFacts:
    kinds = {number: EntryType(one.module, one.testcase, one.tag, one.level) for number, one in enumerate(entries)}
    encoded = encode_document(entries, timings, None)
    document = decode_document(*encoded) if encoded else decode_document(*encode_document([], [], None) or (0, b""))
    stored = StoredRun(1, "job_1", 7, "a.example", list(kinds), document)
    about: dict[str, Any] = {"score": 80, "grade": "B", "worst_level": "WARNING"} | row
    nothing: dict[str, Any] = {"effective_profile_id": None, "profile_id": None, "profile_name": "", "cause_set_id": 5}
    return facts_of(RunRow(1, "job_1", 7, "a.example", NOON, **about, **nothing), stored, kinds, Outlines(floor))


def keys(facts: RunFacts, category: str) -> list[tuple[str, int | None]]:
    return [(key, value) for name, key, value in facts.categories if name == category]


def test_name_servers_have_the_addresses_and_the_times_that_they_have() -> None:
    timings = [
        {"nameserver": "ns1.example", "address": "192.0.2.1", "count": 4, "avg_ms": 5.5, "min_ms": 1, "status": "ok"},
        {"nameserver": "ns2.example", "address": "2001:db8::2", "count": 0, "status": "unreachable"},
        {"nameserver": "a.nic.example", "address": "192.0.2.9", "count": 4, "avg_ms": 5.5, "status": "ok"},
        {"nameserver": "lost.example", "address": "", "count": 0, "status": "unresolved"},
    ]
    assert extract(BOTH, timings=timings).endpoints == [
        EndpointFact("lost.example"),
        EndpointFact("ns1.example", "192.0.2.1", "timings", 5.5, 1.0, None, 4),
        EndpointFact("ns2.example", "2001:db8::2", "timings", unreachable=True),
    ]


def test_without_address01_delegation01_names_the_servers() -> None:
    names = entry("ENOUGH_NS_DEL", module="DELEGATION", testcase="delegation01", servers=[{"ns": "ns1.example"}])
    pairs = entry("ENOUGH_IPV4_NS_CHILD", module="DELEGATION", testcase="delegation01", servers=[NS1])
    assert extract(names, pairs).endpoints == [EndpointFact("ns1.example", "192.0.2.1")]


def test_origins_come_with_the_times_and_from_entries() -> None:
    timings = [
        {"nameserver": "ns1.example", "address": "192.0.2.1", "count": 1, "avg_ms": 1.0, "status": "ok"}
        | {"asns": [64501, 64500], "prefix": "192.0.2.0/24"}
    ]
    missing = entry("EMPTY_ASN_SET", "NOTICE", module="CONNECTIVITY", testcase="connectivity03", address="2001:db8::2")
    facts = extract(BOTH, missing, timings=timings)
    assert facts.origins == [
        OriginFact("192.0.2.1", [64500, 64501], "192.0.2.0/24"),
        OriginFact("2001:db8::2", [], status="missing"),
    ]
    assert facts.asns == {(64500, 4), (64501, 4)}


def test_a_verdict_about_all_addresses_covers_each() -> None:
    one = entry("IPV6_ONE_ASN", "WARNING", module="CONNECTIVITY", testcase="connectivity03", asn=64502)
    several = entry("IPV4_DIFFERENT_ASN", module="CONNECTIVITY", testcase="connectivity03", asns=[64500, 64501])
    facts = extract(BOTH, one, several)
    assert facts.origins == [OriginFact("2001:db8::2", [64502])]
    assert facts.asns == {(64500, 4), (64501, 4), (64502, 6)}


def test_findings_count_from_the_floor_up() -> None:
    low, high = entry("A", "NOTICE"), entry("B", "WARNING")
    assert extract(BOTH, low, high).kinds == {1: 1, 2: 1}
    assert extract(BOTH, low, high, floor="WARNING").kinds == {2: 1}


@pytest.mark.parametrize(
    ("tags", "posture"),
    [
        (["DS07_NOT_SIGNED", "DS10_HAS_NSEC"], "unsigned"),
        (["DS10_HAS_NSEC", "DS10_HAS_NSEC3"], "mixed"),
        (["DS10_MIXED_NSEC_NSEC3"], "mixed"),
        (["DS10_HAS_NSEC"], "nsec"),
        (["DS07_SIGNED", "DS10_HAS_NSEC3"], "nsec3"),
        (["DS07_SIGNED"], "signed"),
        ([], "none"),
    ],
)
def test_dnssec_posture(tags: list[str], posture: str) -> None:
    facts = extract(BOTH, *(entry(tag, module="DNSSEC", testcase="dnssec07") for tag in tags))
    assert keys(facts, "dnssec_posture") == [(posture, None)]


def test_algorithms_and_the_weakest_of_them() -> None:
    entries = [
        entry("DS05_ALGO_OK", module="DNSSEC", testcase="dnssec05", algo_num=number, keytag=keytag)
        for number, keytag in ((13, 1), (13, 2), (8, 3), (5, 4), (200, 5))
    ]
    facts = extract(*entries)
    assert keys(facts, "dnskey_algo") == [("5", 1), ("8", 1), ("13", 2), ("200", 1)]
    assert keys(facts, "dnskey_algo_weakest") == [("200", None)]


def test_software_is_known_only_where_all_servers_say_the_same() -> None:
    first, again = (entry("N15_SOFTWARE_VERSION", "NOTICE", string=text) for text in ("NSD 4.8", "NSD 4.8"))
    assert keys(extract(first, again), "software_version") == [("NSD 4.8", None)]
    assert keys(extract(first, entry("N15_SOFTWARE_VERSION", "NOTICE", string="BIND")), "software_version") == []
    assert keys(extract(first, entry("N15_NO_VERSION_REVEALED")), "software_version") == []


def test_the_other_categories() -> None:
    facts = extract(BOTH, entry("GLOBAL_VERSION", version="0.1.0"), worst_level="INFO", grade=None)
    assert keys(facts, "severity") == [("OK", None)]
    assert keys(facts, "ipv6_coverage") == [("partial", None)]
    assert keys(facts, "grade") == []
    assert facts.engine_version == "0.1.0"


WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["192.0.2.1", "::1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = ("servers", "ns", "address", "asns", "asn", "prefixes", "algo_num", "keytag", "string", "version")
TAGS = ("A01_LOCAL_USE_ADDR", "ASN_INFOS_ANNOUNCE_BY", "CN04_IPV4_SAME_PREFIX", "IPV4_ONE_ASN", "DS05_ALGO_OK")


@given(
    st.lists(st.tuples(st.sampled_from(TAGS), st.dictionaries(st.sampled_from(ARGUMENTS), WILD)), max_size=5),
    st.lists(st.dictionaries(st.sampled_from(("nameserver", "address", "count", "avg_ms", "asns", "prefix")), WILD)),
)
def test_arguments_of_any_shape_make_no_trouble(entries: list[tuple[str, dict[str, Any]]], timings: list[Any]) -> None:
    found = [EntryRecord(0, "X", "x01", tag, "INFO", args) for tag, args in entries]
    facts = extract(BOTH, *found, timings=timings)
    assert all(0 < asn < 2**32 for asn, _ in facts.asns)
    assert all(len(one.nameserver) <= 255 for one in facts.endpoints)


def test_a_run_of_a_sweep_has_facts_of_all_kinds() -> None:
    result = sweep_result("a.example")
    facts = extract(*result.entries, timings=result.nameserver_timings)
    assert facts.endpoints
    assert facts.asns
    assert any(one.source == "timings" and one.query_count for one in facts.endpoints)
    assert facts.cause_set_id == 5
    assert {category for category, _, _ in facts.categories} >= {"severity", "dnssec_posture", "grade"}
