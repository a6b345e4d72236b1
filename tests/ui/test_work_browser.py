"""New test, recent, jobs, domains and comparison in a browser, in both themes and widths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import check_screen, shapes

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.support.browser import Site


def ask(page: Page, site: Site, method: str, path: str, **options: Any) -> Any:
    """Send a request to the API."""
    response = getattr(page.request, method)(f"{site.url}{path}", **options)
    assert response.ok, response.text()
    return response.json()


@pytest.fixture
def name(page: Page, site: Site) -> str:
    """Return a domain of the demonstration with several runs whose newest run has findings.

    Other tests of the session repeat some tests; without DNS servers these runs are CRITICAL.
    """
    found = ask(page, site, "get", "/api/v1/domains?sort=run_count_desc&limit=100")["items"]
    return next(str(item["name"]) for item in found if item["latest_level"] in {"NOTICE", "WARNING", "ERROR"})


@pytest.fixture
def paused(page: Page, site: Site) -> Iterator[None]:
    """Pause single jobs during a test."""
    ask(page, site, "post", "/api/v1/queue/pause", data={"tier": "normal"})
    yield
    ask(page, site, "post", "/api/v1/queue/resume", data={"tier": "normal"})


@shapes("1440-light", "390-dark")
def test_screens_are_in_order(page: Page, site: Site, name: str) -> None:
    run_id = ask(page, site, "get", f"/api/v1/domains?name={name}")["items"][0]["latest_run_id"]
    for path in (
        "/test?add=ds&ns=a..b&ip=",
        "/recent",
        f"/jobs/{run_id}",
        f"/jobs/{run_id}/profile",
        "/domains",
        f"/domains/{name}",
        f"/domains/{name}/compare",
        f"/domains/{name}/tags",
        f"/domains/{name}/delete",
        "/operations",
    ):
        page.goto(f"{site.url}{path}")
        check_screen(page)


@pytest.mark.usefixtures("paused")
def test_a_test_is_checked_started_and_canceled(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/test")
    page.get_by_label("Domain", exact=True).fill("a..b")
    page.get_by_label("Tags").click()
    page.get_by_text("Invalid domain name").wait_for()
    page.get_by_label("Domain", exact=True).fill("waits.example")
    page.get_by_label("Tags").click()
    page.get_by_text("Invalid domain name").wait_for(state="detached")
    page.get_by_text("Undelegated test").click()
    page.get_by_label("Name server 1", exact=True).fill("ns1.example")
    page.get_by_role("button", name="Add name server").click()
    page.get_by_label("Name server 2", exact=True).wait_for()
    assert page.get_by_label("Name server 1", exact=True).input_value() == "ns1.example"
    page.get_by_label("Remove name server 2").click()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile("/jobs/job_"))
    page.get_by_role("heading", level=1, name="waits.example").wait_for()
    check_screen(page)
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel test").click()
    page.get_by_text("The test was canceled.", exact=True).wait_for()


@pytest.mark.usefixtures("paused")
def test_a_page_shows_the_result_automatically(page: Page, site: Site) -> None:
    job_id = ask(page, site, "post", "/api/v1/jobs", data={"domain": "follows.example"})["id"]
    page.goto(f"{site.url}/jobs/{job_id}")
    page.get_by_text("The tier is paused.").wait_for()
    ask(page, site, "post", f"/api/v1/jobs/{job_id}/cancel")
    page.get_by_text("The test was canceled.", exact=True).wait_for()


@pytest.mark.core
def test_levels_change_in_place_and_have_addresses(page: Page, site: Site, name: str) -> None:
    run_id = ask(page, site, "get", f"/api/v1/domains?name={name}")["items"][0]["latest_run_id"]
    page.goto(f"{site.url}/jobs/{run_id}")
    page.evaluate("window.kept = true")
    page.get_by_role("navigation", name="Level").get_by_label("Information").click()
    page.wait_for_url(re.compile("level=info"))
    page.locator("#findings [aria-current=true]", has=page.get_by_label("Information")).wait_for()
    assert page.evaluate("window.kept") is True
    page.go_back()
    page.wait_for_url(re.compile(f"{run_id}$"))


@pytest.mark.parametrize("script", [False])
def test_two_runs_are_compared_without_script(page: Page, site: Site, name: str) -> None:
    page.goto(f"{site.url}/domains/{name}")
    page.get_by_role("button", name="Compare selected runs").click()
    page.get_by_role("heading", level=1, name="Comparison of two runs").wait_for()
