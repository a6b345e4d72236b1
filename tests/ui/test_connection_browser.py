"""A page without its server reports it, refuses changes with the reason, and is up to date when the server is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.browser import Site, check_axe
from tests.ui.test_queue_browser import post

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_lost_connection_is_shown_and_ends_automatically(page: Page, site: Site) -> None:
    post(site, "/queue/pause", {"reason": "connection"})
    job = post(site, "/jobs", {"domain": "connection.example"})["id"]
    page.goto(f"{site.url}/?domain=connection.example")
    page.context.set_offline(True)
    page.get_by_text("Connection lost since").wait_for()
    check_axe(page)
    hold = page.get_by_role("button", name="Hold connection.example")
    assert hold.get_attribute("aria-disabled") == "true"
    hold.click(force=True)
    assert page.locator("#live").inner_text() == "The server does not respond. Nothing was sent."
    post(site, "/queue/remove", {"job_ids": [job]})
    page.context.set_offline(False)
    page.get_by_text("No matching jobs waiting").wait_for()
    assert not page.locator("#lost").is_visible()
    post(site, "/queue/resume", {})
