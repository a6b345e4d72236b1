"""Parts that a page folds: filters of narrow lists, forms of a tag, sections of the settings, menus of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Site, check_axe, check_fits, shapes

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api").expect
FILTERS = ".filter :is(input:not([type=hidden]), select)"
SECTIONS = "details.panel"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
@shapes("390-light")
def test_a_narrow_list_shows_two_filters_and_counts_the_rest(page: Page, site: Site, script: bool) -> None:
    page.goto(f"{site.url}/recent?severity=warnings_plus&min_attempts=2&limit=25")
    visible = page.locator(FILTERS).filter(visible=True)
    expect(visible).to_have_count(2)
    more = page.locator("summary", has_text="More filters")
    expect(more).to_contain_text("2 active")
    more.click()
    expect(visible).to_have_count(page.locator(FILTERS).count())
    expect(page.locator("select[name=severity]")).to_have_value("warnings_plus")
    if script:  # both checks are scripts
        check_fits(page)
        check_axe(page)


@shapes("1440-light")
def test_a_wide_list_shows_all_filters_which_the_keyboard_reaches(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/recent?limit=25")
    expect(page.locator("summary", has_text="More filters")).to_be_hidden()
    fields = page.locator(FILTERS)
    expect(fields.filter(visible=True)).to_have_count(fields.count())
    page.locator("select[name=status]").focus()
    page.keyboard.press("Tab")
    expect(page.locator("select[name=severity]")).to_be_focused()


@shapes("1440-light", "390-dark")
def test_settings_are_folded_sections_that_a_search_opens(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/settings/system")
    sections = page.locator(SECTIONS)
    assert sections.count() > 5
    expect(page.locator(f"{SECTIONS}[open]")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollHeight") < 1500
    sections.filter(has_text="Database").locator("summary").first.click()
    expect(page.locator(f"{SECTIONS}[open] tbody tr").first).to_be_visible()
    page.goto(f"{site.url}/settings/system?search=retention")
    found = page.locator(f"{SECTIONS}[open] tbody tr")
    expect(found.first).to_be_visible()
    expect(page.locator(f"{SECTIONS}:not([open])")).to_have_count(0)
    check_axe(page)


def test_a_link_to_a_section_of_the_settings_opens_it(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/settings/system#database")
    expect(page.locator(f"{SECTIONS}[open] h2")).to_have_text(["Database"])


@shapes("1440-light", "390-light")
def test_a_tag_has_one_panel_whose_forms_are_folded(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/tags/demo")
    expect(page.locator("aside .panel h2")).to_have_text(["About this tag", "Earlier batches"])
    expect(page.locator("aside textarea, aside select").filter(visible=True)).to_have_count(0)
    page.locator("summary", has_text="Add domains").click()
    page.locator("aside textarea[name=names]").fill("bad..name")
    page.get_by_role("button", name="Add to tag").click()
    expect(page.locator("#summary")).to_be_visible()
    expect(page.locator("aside textarea[name=names]")).to_be_visible()
    expect(page.locator("aside textarea[name=names]")).to_have_value("bad..name")


def test_actions_of_a_cohort_are_words(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/cohorts")
    row = page.locator("tbody tr").first
    expect(row.locator(".button.icon")).to_have_count(0)
    row.locator("summary").click()
    labels = row.locator(".menu a").all_inner_texts()
    assert [label.split()[0] for label in labels] == ["Edit", "Rebuild", "Delete", "Delete"]
    check_axe(page)
