"""The policy editor in a browser: a wrong definition is reported at its field, and the corrected one is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.browser import Site, check_screen
from tests.ui.test_policy_pages import definition

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_policy_is_corrected_and_saved(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/settings/policies")
    page.get_by_role("link", name="New policy").click()
    page.get_by_label("Name").fill("from-browser")
    wrong = definition(cases=["basc01"])
    page.get_by_label("Definition (JSON)").fill(wrong)
    page.get_by_role("button", name="Save policy").click()
    area = page.get_by_label("Definition (JSON)")
    page.locator("#f-definition-bad", has_text="is basic01 meant?").wait_for()
    assert (area.input_value(), area.get_attribute("aria-invalid")) == (wrong, "true")
    check_screen(page)
    area.fill(definition())
    page.get_by_role("button", name="Save policy").click()
    page.wait_for_url("**/settings/policies/from-browser*")
    assert page.get_by_role("heading", level=1).inner_text() == "from-browser"
    check_screen(page)
    page.get_by_role("link", name="Delete policy…").click()
    page.get_by_role("button", name="Delete policy from-browser").click()
    page.wait_for_url("**/settings/policies?*")
    assert page.get_by_role("link", name="from-browser").count() == 0
