"""Metrics, settings and audit log in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Site, check_screen, shapes

if TYPE_CHECKING:
    from playwright.sync_api import Page


@shapes("1440-light", "390-dark")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/statistics", marks=pytest.mark.core),
        "/audit",
        "/settings/system",
        "/settings/profiles",
        "/settings/profiles/new?from=default",
        "/settings/policies",
        "/settings/policies/rst-v2",
        "/settings/policies/rst-v2/compare?other=default",
        "/settings/new-policy?from=registration",
        "/settings/scoring",
        "/settings/storage",
        "/settings/tokens",
    ],
)
def test_screens(page: Page, site: Site, path: str) -> None:
    page.goto(f"{site.url}{path}")
    check_screen(page)


def test_a_window_is_chosen_without_loading_the_page_again(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/statistics")
    page.get_by_role("link", name="100").first.click()
    page.wait_for_url("**/statistics?limit_domains=100")
    page.locator("summary", has_text="Metrics as a table").click()
    assert page.get_by_role("table", name="Chart data").is_visible()
