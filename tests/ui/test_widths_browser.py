"""At each width no page is wider than the window, and a pointer can reach each control."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from gonemaster_api.ui.shell.texts.languages import languages
from gonemaster_api.v1.rst_checks.schemas import EXAMPLE_INPUTS
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import new_operation_id
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Operation, OperationKind, OperationStatus
from tests.engine.automation.test_cds import seen
from tests.support.browser import Site, unreachable
from tests.support.examples import ALL
from tests.support.stores import opened
from tests.ui.public_runs import public_run
from tests.ui.test_decision_pages import store_decision
from tests.ui.test_every_page import faults, fetch, pages
from tests.ui.test_queue_browser import post

if TYPE_CHECKING:
    from playwright.sync_api import Page

DAILY = (320, 641, 901, 1440)  # one of each layout
WIDTHS = (320, 390, 641, 768, 901, 1024, 1280, 1366, 1440, 1920) if ALL else DAILY
LINK = re.compile(r'<a [^>]*href="(/[^"#]*)"')
LONG_NAME = f"{'a' * 60}.{'b' * 60}.{'c' * 60}.example"
DOWNLOAD = re.compile(r"\.(csv|svg|txt|xml)$|[_.](?:as_)?(?:csv|json)$")
NO_PAGE = {
    "docs.openapi": "a document",
    "docs.page": "the layout of Swagger UI",
    "ui_public_badge.newest": "redirects to a result",
    "ui_domains.run": "redirects to the job",
    "ui_settings.show": "redirects to the first part",
    "ui_tokens.delete": "needs a token, which would close the service to the other tests; a confirmation, as others",
}
"""Endpoints that are not visited, each with the reason."""


@pytest.fixture
def visited(site: Site) -> Iterator[list[str]]:
    """Create one of each thing that the demonstration data do not have; return the URLs without a link to them."""
    watch = post(site, "/watches", {"tag": "demo", "events": ["domain.regressed"], "url": "https://hook.example/x"})
    cds = post(site, "/watches", {"tag": "demo", "events": ["cds.decided"], "kind": "cds"})
    rollover = post(site, "/watches", {"domain": LONG_NAME, "events": ["rollover.step"], "kind": "rollover"})
    rehearsal = post(site, "/rst-checks", {"inputs": EXAMPLE_INPUTS})
    profile = post(site, "/profiles", {"name": "widths", "config": {"net": {"ipv6": False}}})
    suite = {"name": "Main", "cases": ["BASIC"], "fail_level": "ERROR"}
    policy = post(site, "/policies", {"document": {"name": "widths", "suites": [suite]}})
    site.service.call("PUT", "/api/v1/settings", {"show_history_public": True})
    with opened(StoreSettings(dsn=str(site.service.data_dir / "gonemaster.db"))) as store:
        public_run(store, LONG_NAME)  # so that two runs can be compared
        store_decision(store, cds["id"], seen(), domain=LONG_NAME)
        stored = public_run(store, LONG_NAME)
        with store.transaction() as session:
            session.add(
                Operation(
                    id=new_operation_id(),
                    kind=OperationKind.CANCEL_BATCH,
                    status=OperationStatus.SUCCEEDED,
                    total=10,
                    created_at=utcnow(),
                )
            )
    post(site, "/queue/pause", {"reason": "The name servers of the registry are being moved to another network"})
    job = post(site, "/jobs", {"domain": LONG_NAME})["id"]
    shared = post(site, f"/runs/{stored.id}/shares", {})["url"].removeprefix(site.url)
    before, newest = (batch["batch_id"] for batch in site.service.get("/tags/demo/batches")["items"][:2])
    yield [
        shared,
        f"/public/result/{stored.public_id}",
        f"/public/result/{stored.public_id}/history",
        f"/queue/jobs/{job}/cancel",
        f"/jobs/{stored.id}/profile",
        f"/domains/{LONG_NAME}",
        f"/batches/{newest}/cancel",
        f"/batches/{before}/diff/{newest}",
        f"/watches/{watch['id']}",
        f"/watches/{rollover['id']}/rollover",
        f"/rst/{rehearsal['id']}",
        f"/settings/profiles/{profile['id']}",
        f"/settings/policies/{policy['name']}",
    ]
    site.service.call("PUT", "/api/v1/settings", {"show_history_public": False})
    post(site, "/queue/resume", {})


def found_pages(site: Site, urls: MapAdapter, begin: list[str]) -> dict[str, str]:
    """Follow the links of pages; return the first URL of each endpoint that answers with a page."""
    found: dict[str, str] = {}
    known: set[str] = set()
    waiting = list(begin)
    while waiting:
        href = waiting.pop(0).replace("&amp;", "&")
        path, _, query = href.partition("?")
        try:
            endpoint = urls.match(path, query_args=query)[0]
        except HTTPException:
            continue
        if endpoint in known or endpoint in NO_PAGE or DOWNLOAD.search(path):
            continue
        _, kind, text = fetch(f"{site.url}{href}")
        known.add(endpoint)
        if kind == "text/html":
            found[endpoint] = href
            waiting += LINK.findall(text)
    return found


def page_endpoints(app: Flask) -> set[str]:
    """Return the endpoints of all pages, without partials and downloads."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    return {
        rule.endpoint
        for rule in rules
        if rule.endpoint.startswith("ui_")
        and not DOWNLOAD.search(rule.rule)
        and not DOWNLOAD.search(rule.endpoint)
        and rule.endpoint not in NO_PAGE
    }


@pytest.mark.thorough
def test_each_control_can_be_reached_at_each_width(
    page: Page, site: Site, routed_app: Flask, visited: list[str]
) -> None:
    """The pages are found by their links; a page that no link leads to fails the test, so that none is forgotten."""
    urls = routed_app.url_map.bind("127.0.0.1")
    shown = found_pages(site, urls, [*visited, *sorted(set(pages(routed_app)))])
    assert sorted(page_endpoints(routed_app) - set(shown)) == []
    found = [fault for path in shown.values() for fault in faults(site, path)]
    for path in shown.values():
        page.goto(f"{site.url}{path}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found += [f"{path} at {width}: {fault}" for fault in unreachable(page)]
    assert found == []


@pytest.mark.thorough
def test_pages_of_visitors_fit_a_phone_in_each_language(page: Page, site: Site) -> None:
    with opened(StoreSettings(dsn=str(site.service.data_dir / "gonemaster.db"))) as store:
        result = f"/public/result/{public_run(store, LONG_NAME).public_id}"
    page.set_viewport_size({"width": 390, "height": 900})
    found = []
    for code in languages()[1:]:
        for path in (result, "/public", "/public/about", "/analysis", "/preferences"):
            page.goto(f"{site.url}{path}?lang={code}")
            assert page.locator("html").get_attribute("lang") == code
            found += [f"{path} in {code}: {fault}" for fault in unreachable(page)]
    assert found == []
