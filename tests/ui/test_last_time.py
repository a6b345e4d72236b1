"""What changed since the last test of a domain, by root cause."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient

from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.session import Store
from gonemaster_db.models import Run
from tests.api.conftest import MakeApp
from tests.support.rows import NOON, make_run, record
from tests.ui.public_runs import entry

HTML = {"Accept": "text/html"}
SHORT = entry("REMAINING_SHORT", "DNSSEC", "dnssec04", "WARNING", duration=31400, types_covered=["SOA"], keytag=18032)
SOA = entry("REFRESH_MINIMUM_VALUE_LOWER", "ZONE", "zone02", "NOTICE", refresh=3600, required_refresh=14400)


def run_of(store: Store, day: int, *entries: Any, causes: tuple[str, ...]) -> Run:
    outcome = record(entries=list(entries), at=NOON + timedelta(days=day), causes=causes)
    return make_run(store, "a.example", outcome, public_id=new_public_id(), config={"origin": "public"})


def test_result_says_what_appeared_and_what_was_fixed(client: FlaskClient, store: Store) -> None:
    first = run_of(store, 0, SOA, causes=("soa_values", "no_tcp"))
    run_of(store, 1, SOA, causes=("soa_values", "no_tcp"))
    newest = run_of(store, 2, SOA, SHORT, causes=("soa_values", "signatures_end_soon"))
    page = client.get(f"/jobs/{newest.id}", headers=HTML).text
    part = page[page.index('id="compare"') : page.index('id="findings"')]
    assert part.index("The signatures of the zone expire soon") < part.index("New")
    assert "Fixed" in part
    assert f"since {first.finished_at.day} " in part
    assert "/domains/a.example/compare?before=" in part
    assert "/watches/new?domain=a.example" in part
    assert part.index("Fixed") > part.index(f"since {first.finished_at.day} "), "how long the fixed cause was there"
    oldest = client.get(f"/jobs/{first.id}", headers=HTML).text
    assert "No earlier test of this domain to compare with." in oldest
    assert "/watches/new?domain=a.example" in oldest


def test_public_result_compares_only_if_earlier_tests_are_public(
    client: FlaskClient, make_app: MakeApp, store: Store
) -> None:
    before = run_of(store, 0, SOA, causes=("soa_values",))
    newest = run_of(store, 1, SOA, causes=("soa_values",))
    path = f"/public/result/{newest.public_id}"
    assert 'id="compare"' not in client.get(path, headers=HTML).text
    shown = make_app(show_history_public=True).test_client().get(path, headers=HTML).text
    assert f"/public/result/{before.public_id}" in shown
    assert "/watches/new" not in shown


def test_findings_name_the_cause_that_explains_them(client: FlaskClient, store: Store) -> None:
    run = run_of(store, 0, SOA, SHORT, causes=("signatures_end_soon", "soa_values"))
    for path in (f"/public/result/{run.public_id}", f"/jobs/{run.id}"):
        page = client.get(path, headers=HTML).text
        assert '<a href="#cause-1">Explained by cause 1</a>' in page
        assert '<a href="#cause-2">Explained by cause 2</a>' in page


def test_page_of_a_domain_begins_with_what_to_fix(client: FlaskClient, store: Store) -> None:
    run_of(store, 0, SOA, SHORT, causes=("signatures_end_soon", "soa_values"))
    page = client.get("/domains/a.example", headers=HTML).text
    assert "Fix this first" in page
    assert "dotted lines: grade" not in page, "one run is no curve"
    run_of(store, 1, SOA, SHORT, causes=("signatures_end_soon", "soa_values"))
    page = client.get("/domains/a.example", headers=HTML).text
    assert page.index("Fix this first") < page.index("dotted lines: grade")
    assert "Other findings" not in page, "the causes explain all findings"
