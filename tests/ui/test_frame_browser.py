"""The frame in a browser: start page in each size, keys, theme, automatic refresh, and without script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonemaster_engine.version import __version__
from tests.support.browser import Site, check_screen, shapes

expect = pytest.importorskip("playwright.sync_api").expect

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.core
@shapes()
def test_start_page(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/")
    check_screen(page)


@shapes("1440-light", "390-dark")
@pytest.mark.parametrize("path", ["/login", "/preferences", "/no/such/page"])
def test_pages_of_the_frame(page: Page, site: Site, path: str) -> None:
    page.goto(f"{site.url}{path}")
    check_screen(page)


@shapes("1440-dark")
@pytest.mark.parametrize("path", ["/recent", "/analysis/"])
def test_a_print_has_no_controls_and_tells_where_it_is_from(page: Page, site: Site, path: str) -> None:
    page.goto(f"{site.url}{path}")
    assert not page.locator(".printed").is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    line = page.locator(".printed").inner_text()
    assert line.startswith(f"gonemaster {__version__} · {site.url}{path} · ")
    assert line.endswith(" UTC")
    for control in page.locator("button, input, select").all():
        assert not control.is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_keys_are_listed_and_can_be_switched_off(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/")
    page.keyboard.press("?")
    page.locator("#keys[open]").wait_for()
    assert "Queue" in page.locator("[data-key-list]").inner_text()
    page.keyboard.press("Escape")
    page.locator("#keys:not([open])").wait_for(state="attached")
    page.goto(f"{site.url}/preferences")
    page.get_by_label("Off").check()
    page.get_by_role("button", name="Save").click()
    page.goto(f"{site.url}/")
    page.keyboard.press("?")
    assert page.locator("#keys[open]").count() == 0


@shapes("390-light")
@pytest.mark.parametrize("script", [False, True])
def test_theme_is_chosen_with_and_without_script(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/")
    for theme in ("light", "dark"):
        page.get_by_role("button", name="Theme").click()
        page.locator(f"html[data-theme={theme}]").wait_for()


@shapes("390-light")
def test_on_phones_one_line_shows_the_queue_above_the_title(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/recent")
    expect(page.locator(".strip .short")).to_be_visible()
    expect(page.locator(".strip .long").first).to_be_hidden()
    assert page.locator(".strip").evaluate("part => part.offsetHeight") < 60  # the height of one button, for fingers
    assert page.locator("h1").evaluate("title => title.getBoundingClientRect().top") < 180


def test_parts_renew_themselves(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/")
    page.evaluate("document.querySelector('[data-partial=strip]').dataset.refresh = '0.3'")
    with page.expect_response(lambda response: response.url.endswith("/strip")) as answer:
        pass
    assert answer.value.ok


def test_old_addresses_lead_to_the_new_ones(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/#/domains/example.com")
    page.wait_for_url("**/domains/example.com")
