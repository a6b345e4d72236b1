"""The view of the same facts is the same in files as in the database: each column, each member, the overview."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gonemaster_db.analysis.column_views.capture import FileStorage
from gonemaster_db.analysis.facts import RunFacts
from gonemaster_db.core.session import Store
from gonemaster_db.models import AnalysisAsn, Cohort
from gonemaster_db.runs.causes import ensure_cause_set
from tests.db.analysis.test_views_by_reference import KINDS, populations, with_ids
from tests.support.analysis.cohorts import finding_kinds, make_cohort, snapshot_of
from tests.support.analysis.storages import view_content
from tests.support.examples import examples
from tests.support.rows import NOON

LABELS = {64500: "Harbour DNS, SE", 64501: "Harbour DNS, SE", 64502: "", 64503: "x" * 200 + "ö"}


@pytest.fixture
def cohort(store: Store) -> Cohort:
    with store.transaction() as session:
        for asn, label in LABELS.items():
            session.merge(AnalysisAsn(asn=asn, label=label, first_seen_at=NOON, last_seen_at=NOON))
    return make_cohort(store)


more = st.fixed_dictionaries(
    {
        "posture": st.sampled_from([None, "nsec", "unsigned"]),
        "software": st.sampled_from(["", "NSD 4.8", "ä'\"\\"]),
        "causes": st.sampled_from([None, (), ("no_tcp",), ("no_dnssec", "no_tcp")]),
        "grade": st.sampled_from([None, "A+", "F"]),
    }
)


def extended(store: Store, run: RunFacts, chosen: Mapping[str, Any]) -> RunFacts:
    with store.transaction() as session:
        cause_set_id = ensure_cause_set(session, chosen["causes"])
    categories = list(run.categories)
    categories += [("dnssec_posture", chosen["posture"], None)] if chosen["posture"] else []
    categories += [("software_version", chosen["software"], None)] if chosen["software"] else []
    values = {field: getattr(run, field) for field in RunFacts.__dataclass_fields__}
    return RunFacts(**values | {"categories": categories, "cause_set_id": cause_set_id, "grade": chosen["grade"]})


@settings(
    max_examples=examples(6, 25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(populations, st.lists(more, min_size=5, max_size=5))
def test_both_storages_have_the_same_view(
    store: Store,
    storage: FileStorage,
    cohort: Cohort,
    population: dict[str, dict[str, Any]],
    chosen: list[dict[str, Any]],
) -> None:
    kinds = finding_kinds(store, KINDS)
    facts = [extended(store, *pair) for pair in zip(with_ids(store, population, kinds), chosen, strict=False)]
    rows, columns = (snapshot_of(store, cohort, facts, files=files) for files in (None, storage))
    assert view_content(store, columns.view_id) == view_content(store, rows.view_id)
    names = ("run_count", "domain_count", "engine_version", "first_run_at", "last_run_at", "coverage", "profile_name")
    assert [getattr(columns, name) for name in names] == [getattr(rows, name) for name in names]
