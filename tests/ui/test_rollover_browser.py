"""The timeline of a rollover and decisions in a browser: both widths and themes, forced colours, print, no script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient

from gonemaster_tasks.control.parts import QueueParts
from tests.db.service.test_observed_zones import cds_watch
from tests.engine.automation.test_cds import seen
from tests.engine.automation.test_rollover import BROKEN, GOOD
from tests.support.browser import Site, check_screen, shapes, unreachable
from tests.ui.test_batches import text_of
from tests.ui.test_decision_pages import store_decision
from tests.ui.test_rollover_pages import page_of

if TYPE_CHECKING:
    from playwright.sync_api import Page


def show(page: Page, site: Site, html: str) -> None:
    """Show a page at a URL that the service does not have, with the style sheets of the service."""
    page.route("**/shown-page", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    page.goto(f"{site.url}/shown-page")


def visible_pictures(page: Page) -> list[str]:
    return [str(svg.get_attribute("class")).split()[-1] for svg in page.locator("svg.chain.rollover:visible").all()]


SMALLEST = """() => {
    const shown = [...document.querySelectorAll("svg.chain.rollover")].find(svg => svg.checkVisibility());
    const scale = shown.getBoundingClientRect().width / shown.viewBox.baseVal.width;
    return Math.min(...[...shown.querySelectorAll("text")].map(e => parseFloat(getComputedStyle(e).fontSize) * scale));
}"""
CUT_OFF = """() => {
    const shown = [...document.querySelectorAll("svg.chain.rollover")].find(svg => svg.checkVisibility());
    const box = shown.getBoundingClientRect();
    return [...shown.querySelectorAll("text")].filter(text => {
        const own = text.getBoundingClientRect();
        return own.left < box.left - 1 || own.right > box.right + 1 || own.bottom > box.bottom + 1;
    }).map(text => text.textContent);
}"""


@pytest.mark.core
@shapes()
def test_a_timeline_is_readable(page: Page, site: Site, client: FlaskClient, queue: QueueParts, shape: str) -> None:
    show(page, site, page_of(client, queue.store, BROKEN["KSK removed with its DS in caches"][2]))
    assert visible_pictures(page) == ["narrow" if shape.startswith("390") else "wide"]
    assert page.evaluate(SMALLEST) >= 10
    assert page.evaluate(CUT_OFF) == []
    described = page.locator("svg.chain.rollover:visible").get_attribute("aria-label")
    assert described == "Timeline of example.xa: Broken. The lists below have the same."
    check_screen(page)
    assert unreachable(page) == []


@pytest.mark.parametrize("script", [False])
def test_the_lists_have_the_same_without_script(page: Page, site: Site, client: FlaskClient, queue: QueueParts) -> None:
    show(page, site, page_of(client, queue.store, GOOD["KSK, double DS"][1]))
    assert page.locator("#steps tbody tr").count() == 4
    assert page.locator("#states > ol > li").count() == 4
    newest = page.locator("#states > ol > li").first.inner_text()
    assert "Parent zone: DS l" in newest
    assert "KSK 108" in newest
    assert "signs the DNSKEY records" in newest


def test_forced_colours_and_print_keep_the_shapes(
    page: Page, site: Site, client: FlaskClient, queue: QueueParts
) -> None:
    show(page, site, page_of(client, queue.store, BROKEN["KSK removed before the DS changed"][2]))
    page.emulate_media(forced_colors="active")
    styles = page.evaluate(
        "() => Object.fromEntries(['key', 'signs', 'zone'].map(name => {"
        "const found = getComputedStyle(document.querySelector(`svg.chain.rollover.wide .${name}`));"
        "return [name, [found.fill, found.stroke]]; }))"
    )
    assert styles["key"][0] != styles["signs"][0]  # hollow and filled
    assert styles["key"][1] != styles["zone"][0]  # the outline is visible on its background
    page.emulate_media(forced_colors="none", media="print")
    assert visible_pictures(page) == ["wide"]


@shapes("1440-light", "390-dark")
def test_a_decision_with_its_evidence(page: Page, site: Site, client: FlaskClient, queue: QueueParts) -> None:
    key = store_decision(queue.store, cds_watch(queue.store).id, seen())
    show(page, site, text_of(client, f"/cds-decisions/{key}"))
    check_screen(page)
    show(page, site, text_of(client, "/cds-decisions"))
    check_screen(page)
    assert unreachable(page) == []


@shapes("1440-dark", "390-light")
def test_the_forms_of_all_kinds(page: Page, site: Site) -> None:
    for kind in ("changes", "cds", "rollover"):
        page.goto(f"{site.url}/watches/new?kind={kind}")
        check_screen(page)
        assert unreachable(page) == []
