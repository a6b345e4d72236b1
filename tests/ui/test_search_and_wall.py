"""The search over everything, the wall view and the first steps of an empty installation."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_tasks.control.parts import QueueParts
from tests.api.conftest import MakeApp
from tests.support.rows import make_run, record
from tests.support.tokens import CONFIGURED, READ, bearer
from tests.ui.test_queue import batch, submit, text_of
from tests.ui.test_workers import register


def test_search_finds_domains_tags_batches_runs_settings_and_pages(client: FlaskClient, store: Store) -> None:
    run = make_run(store, "xn--bcher-kva.example", record())
    client.post("/api/v1/tags", json={"name": "bücher-list"})
    client.post("/api/v1/jobs/batch", json={"domains": ["a.example"], "name": "Books of October"})
    assert "/domains/xn--bcher-kva.example" in text_of(client, "/search?q=bücher.example")
    assert "Books of October" in text_of(client, "/search?q=october")
    assert f"/jobs/{run.id}" in text_of(client, f"/search?q={run.id}")
    assert "/settings/system?search=worker_count" in text_of(client, "/search?q=worker_c")
    assert "/statistics" in text_of(client, "/search?q=metri")
    assert 'href="/settings/policies"' in text_of(client, "/search?q=polic")
    assert "/settings/policies/registration" in text_of(client, "/search?q=registr")
    assert "No matches" in text_of(client, "/search?q=nowhere"), "a part of a name is not a domain to test"
    for name in ("nowhere.example", "example.", "https://nowhere.example/"):
        assert f"Test {name}" in text_of(client, f"/search?q={name}")
    part = client.get("/search?q=october", headers={"X-Partial": "found", "Accept": "text/html"}).text
    assert part.startswith("<section")


def test_search_offers_only_what_the_token_may_do(make_app: MakeApp) -> None:
    client = make_app(admin_tokens=CONFIGURED).test_client()
    found = client.get("/search?q=worker", headers={**bearer(READ), "Accept": "text/html"}).text
    assert "/settings/system" not in found
    assert "/test?domain=worker" not in found


def test_wall_shows_figures_issues_and_causes(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    submit(client, "a.example")
    batch(client, 3)
    outcome = record(at=utcnow() - timedelta(minutes=3), causes=("soa_values", "no_dnssec"))
    make_run(store, "b.example", outcome)
    page = text_of(client, "/wall")
    assert "No worker is running" in page
    assert "Values of the SOA record should be corrected" in page
    assert "not signed" not in page, "advice is not a cause that needs attention"
    register(queue, "worker-1-7@h", slots=5)
    client.application.extensions["gonemaster"].recent.forget()
    assert "of 5 slots" in text_of(client, "/wall")
    assert "<form" not in page[page.index("<main") : page.index("</main>")]


def test_first_steps_disappear_when_they_are_done(client: FlaskClient, store: Store) -> None:
    recent = client.application.extensions["gonemaster"].recent
    page = text_of(client)
    for step in ("Test a domain", "Add a list of domains", "Start a batch", "Add a worker", "Invite a colleague"):
        assert step in page
    make_run(store, "a.example", record())
    recent.forget()
    page = text_of(client)
    assert "Test a domain</b>" not in page
    assert "Start a batch" in page
    batch(client, 1)
    recent.forget()
    assert "First steps" not in text_of(client)


READABLE = (
    "/", "/recent", "/domains", "/batches", "/tags", "/cohorts", "/statistics", "/settings/profiles",
    "/settings/scoring", "/settings/storage", "/workers", "/wall", "/search?q=a", "/operations",
)  # fmt: skip


@pytest.mark.parametrize("path", READABLE)
def test_token_that_only_reads_sees_no_forms_for_changes(make_app: MakeApp, path: str) -> None:
    client = make_app(admin_tokens=CONFIGURED).test_client()
    response = client.get(path, headers={**bearer(READ), "Accept": "text/html"})
    assert response.status_code == 200
    forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', response.text)
    assert set(forms) <= {"/preferences"}, "language and theme are stored in the browser"
