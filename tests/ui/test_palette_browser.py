"""The command palette and the typed list that survives a lost session, in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Site, check_axe, check_screen, shapes

expect = pytest.importorskip("playwright.sync_api").expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_palette_opens_by_key_and_leads_to_a_domain(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/statistics")
    page.keyboard.press("Control+k")
    field = page.locator("dialog.palette input")
    field.fill("exam")
    page.locator("dialog.palette a[href^='/domains/']").first.wait_for()
    check_axe(page, context="'dialog.palette'")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.tagName") == "A"
    page.keyboard.press("Escape")
    expect(page.locator("dialog.palette")).to_have_count(0)
    page.keyboard.press("Control+k")
    field.fill("text that Escape does not have to clear first")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.palette")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("search everything")
    page.keyboard.press("Escape")


def test_enter_leads_to_the_result_of_the_text_even_before_it_is_shown(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/domains")
    page.keyboard.press("Control+k")
    page.locator("dialog.palette input").fill("metrics")
    page.keyboard.press("Enter")
    page.wait_for_url("**/statistics")


def test_typed_list_survives_a_lost_session(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/batches/new")
    page.locator("textarea[name=names]").fill("one.example\ntwo.example")
    page.evaluate("document.querySelectorAll('form').forEach(form => delete form.dataset.dirty)")
    page.goto(f"{site.url}/login")
    page.goto(f"{site.url}/batches/new")
    assert page.locator("textarea[name=names]").input_value() == "one.example\ntwo.example"
    page.evaluate("document.querySelectorAll('form').forEach(form => delete form.dataset.dirty)")
    page.goto(f"{site.url}/batches")
    page.goto(f"{site.url}/batches/new")
    assert page.locator("textarea[name=names]").input_value() == ""


@pytest.mark.parametrize("path", ["/wall", "/search?q=a", "/workers"])
@shapes("1440-light", "390-dark")
def test_new_pages_meet_the_requirements_of_all_pages(page: Page, site: Site, path: str) -> None:
    page.goto(f"{site.url}{path}")
    check_screen(page)


def test_times_are_in_the_zone_of_the_browser(page: Page, site: Site) -> None:
    page.context.add_cookies([{"name": "gm_zone", "value": "Asia/Tokyo", "url": site.url}])
    page.goto(f"{site.url}/recent")
    assert "Times are in Asia/Tokyo." in page.locator(".zone").inner_text()
    time = page.locator("td time[title]").first
    assert time.get_attribute("title", timeout=0).endswith("UTC")  # type: ignore[union-attr]
