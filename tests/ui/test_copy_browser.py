"""The copy buttons of root causes on both result pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Run
from tests.support.browser import Site
from tests.support.stores import opened
from tests.ui.public_runs import SERVERS, entry, public_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(180)

expect = pytest.importorskip("playwright.sync_api").expect

ENTRIES = [
    entry("B02_AUTH_RESPONSE_SOA", "BASIC", "basic02", "INFO", servers=SERVERS[:1]),
    entry("CN01_NO_RESPONSE_UDP", "CONNECTIVITY", "connectivity01", "WARNING", **SERVERS[1]),
    entry("IS_A_RECURSOR", "NAMESERVER", "nameserver01", "ERROR", servers=SERVERS[:1]),
    entry("REFRESH_MINIMUM_VALUE_LOWER", "ZONE", "zone02", "NOTICE", refresh=60, required_refresh=14400),
]
PAGES = ("/public/result/{run.public_id}", "/jobs/{run.id}")


@pytest.fixture(scope="module")
def run(site: Site) -> Run:
    with opened(StoreSettings(dsn=str(site.service.data_dir / "gonemaster.db"))) as store:
        return public_run(store, "copied.example", entries=ENTRIES)


def pasted(page: Page) -> str:
    """Paste into another page, because the pages of the service may not read the clipboard."""
    other = page.context.new_page()
    other.set_content("<textarea autofocus></textarea>")
    other.locator("textarea").press("Control+V")
    text = other.locator("textarea").input_value()
    other.close()
    page.bring_to_front()
    return text


@pytest.mark.parametrize("path", PAGES)
def test_each_button_copies_its_text(page: Page, site: Site, run: Run, path: str) -> None:
    page.context.grant_permissions(["clipboard-write"])
    page.goto(site.url + path.format(run=run))
    buttons = page.locator("#causes [data-copy]")
    expect(buttons.first).to_be_visible()
    copied = []
    for button in buttons.all():
        expect(button).to_have_text("Copy")
        button.click()
        expect(button).to_have_text("Copied")
        copied.append(pasted(page))
    assert copied == [code.text_content() for code in page.locator("#causes .copy code").all()]
    assert any(text.startswith("dig ") and text.endswith(f"@{SERVERS[1]['address']}") for text in copied)
    assert len(set(copied)) == len(copied) >= 3


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_that_refuses_to_copy_selects_the_text(page: Page, site: Site, run: Run, path: str) -> None:
    page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed'))")
    page.goto(site.url + path.format(run=run))
    button = page.locator("#causes [data-copy]").first
    button.click()
    page.wait_for_function("getSelection().toString() !== ''")
    code = page.locator("#causes .copy code").first
    assert page.evaluate("getSelection().toString()").strip() == (code.text_content() or "").strip()
    expect(button).to_have_text("Copy")


@pytest.mark.parametrize("path", PAGES)
def test_without_a_clipboard_there_are_no_buttons(page: Page, site: Site, run: Run, path: str) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(site.url + path.format(run=run))
    expect(page.locator("#causes .copy code").first).to_be_visible()
    expect(page.locator("#causes [data-copy]").first).to_be_hidden()
