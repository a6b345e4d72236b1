"""Views of random facts agree with a simple computation, also after facts were replaced."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonemaster_db.analysis.capture import Capture, materialise
from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.facts import EndpointFact, OriginFact, RunFacts
from gonemaster_db.core.session import Store
from gonemaster_db.models import Cohort, CohortSnapshot
from gonemaster_db.runs.documents.caches import EntryType
from tests.support.analysis.cohorts import add_facts, domain_ids, finding_kinds, make_cohort, read_snapshot, snapshot_of
from tests.support.analysis.reference import expected_view, stored_view
from tests.support.examples import examples
from tests.support.rows import NOON

NAMES = [f"{letter}.example" for letter in "dcbaz"]
SERVERS = ["ns2.example", "ns1.example", "a.host.example", "z.host.example"]
ADDRESSES = ["192.0.2.9", "192.0.2.10", "198.51.100.1", "2001:db8::9", "2001:db8:1::1"]
PREFIXES = ["", "192.0.2.0/24", "10.0.0.0/8", "192.0.2.0/25", "2001:db8::/32"]
KINDS = [
    EntryType("ZONE", "zone01", "Z01_X", "WARNING"),
    EntryType("ZONE", "zone01", "Z01_X", "ERROR"),
    EntryType("ZONE", "zone01", "A_TAG", "NOTICE"),
    EntryType("DNSSEC", "dnssec04", "RRSIG_EXPIRED", "ERROR"),
    EntryType("BASIC", "basic01", "Z01_X", "CRITICAL"),
]
numbers = st.integers(1, 5)
endpoints = st.builds(
    EndpointFact,
    st.sampled_from(SERVERS),
    st.sampled_from(["", *ADDRESSES]),
    source=st.sampled_from(["entries", "timings"]),
    avg_ms=st.none() | st.sampled_from([0.5, 1.0, 7.25, 100.0]),
    query_count=st.integers(0, 5),
    unreachable=st.booleans(),
)
origins = st.builds(
    OriginFact,
    st.sampled_from(ADDRESSES),
    st.lists(st.integers(64500, 64503), unique=True, max_size=2),
    st.sampled_from(PREFIXES),
    st.sampled_from(["found", "failed"]),
)


@st.composite
def domains(draw: Any) -> dict[str, Any]:
    """Generate the facts of one domain without its name; origins belong to its addresses."""
    own = draw(st.lists(endpoints, max_size=5, unique_by=lambda one: (one.nameserver, one.address)))
    there = {one.address for one in own}
    known = [
        one for one in draw(st.lists(origins, max_size=4, unique_by=lambda one: one.address)) if one.address in there
    ]
    asns = {(asn, 6 if ":" in one.address else 4) for one in known for asn in one.asns}
    algorithms = draw(st.dictionaries(st.sampled_from(["8", "13"]), numbers))
    return {
        "endpoints": own,
        "origins": known,
        "asns": asns | set(draw(st.lists(st.tuples(st.integers(64502, 64505), st.sampled_from([4, 6])), max_size=2))),
        "kinds": draw(st.dictionaries(st.integers(0, len(KINDS) - 1), numbers)),
        "categories": [
            *(("dnskey_algo", number, keys) for number, keys in sorted(algorithms.items())),
            *([("dnskey_algo_weakest", min(algorithms, key=int), None)] if algorithms else []),
        ],
        "score": draw(st.none() | st.integers(0, 100)),
        "worst_level": draw(st.sampled_from(["INFO", "WARNING", "CRITICAL"])),
    }


populations = st.dictionaries(st.sampled_from(NAMES), domains(), min_size=1)


def with_ids(store: Store, population: dict[str, dict[str, Any]], kinds: list[int]) -> list[RunFacts]:
    ids = domain_ids(store, population)
    return [
        RunFacts(
            ids[name],
            name,
            ids[name],
            f"job_{name}",
            NOON,
            **facts | {"kinds": {kinds[k]: n for k, n in facts["kinds"].items()}},
        )
        for name, facts in population.items()
    ]


@pytest.fixture
def cohort(store: Store) -> Cohort:
    return make_cohort(store)


@settings(
    max_examples=examples(6, 25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(populations, populations)
def test_a_view_agrees_with_its_facts(
    store: Store,
    files: FileStorage | None,
    cohort: Cohort,
    population: dict[str, dict[str, Any]],
    replaced: dict[str, dict[str, Any]],
) -> None:
    ids = finding_kinds(store, KINDS)
    kinds = dict(zip(ids, KINDS, strict=True))
    facts = with_ids(store, population, ids)
    snapshot = snapshot_of(store, cohort, facts, files=files)
    assert view_of(store, snapshot) == expected_view(facts, kinds)

    later = with_ids(store, replaced, ids)
    add_facts(store, snapshot.id, later, files=files, now=NOON + timedelta(seconds=1))
    assert materialise(store, snapshot.id, now=lambda: NOON, files=files) is Capture.CAPTURED
    now = {one.name: one for one in facts} | {one.name: one for one in later}
    assert view_of(store, read_snapshot(store, snapshot.id)) == expected_view(list(now.values()), kinds)


def view_of(store: Store, snapshot: CohortSnapshot) -> dict[str, Any]:
    with store.read_only() as session:
        return stored_view(session, snapshot.view_id)
