"""The chain of trust in a browser: facts by mouse and keyboard, without script; the SVG file with its style."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.shell.charts.chains import svg_response
from tests.support.browser import Site, check_screen, shapes
from tests.ui.test_chain import broken, document, rendered

if TYPE_CHECKING:
    from playwright.sync_api import Page


def show(page: Page, site: Site, html: str) -> None:
    """Show a page at a URL that the service does not have, with the style sheets of the service."""
    page.route("**/chain-of-trust", lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    page.goto(f"{site.url}/chain-of-trust")


@pytest.mark.core
@shapes()
def test_diagram_with_the_facts_of_a_box(page: Page, site: Site, client: FlaskClient) -> None:
    show(page, site, rendered(client, broken()))
    facts = page.locator(".chain-facts > section:visible")
    assert facts.get_attribute("aria-label") == "nordhavn.example"
    visits: list[str] = []
    page.on("framenavigated", lambda frame: visits.append(frame.url))
    page.locator("a", has_text="KSK 4711").click()
    page.locator(".chain-facts > section[aria-label='KSK 4711']").wait_for()
    assert "key signing (SEP)" in facts.inner_text()
    assert page.locator(".chain .node.on").count() == 1
    check_screen(page)
    assert visits == [page.url]  # Only the anchor changes, not the page.


@pytest.mark.parametrize("script", [False])
def test_facts_by_keys_without_script(page: Page, site: Site, client: FlaskClient) -> None:
    show(page, site, rendered(client, broken()))
    page.get_by_role("link", name="DS 40561").focus()
    page.keyboard.press("Enter")
    page.locator(".chain-facts > section[aria-label='DS 40561']").wait_for()
    assert page.locator(".chain-facts > section:visible").count() == 1


def test_file_has_its_style_under_its_own_policy(page: Page, client: FlaskClient, site: Site) -> None:
    with client.application.test_request_context("/"):
        response = svg_response(document())
    headers = {"Content-Type": "image/svg+xml", "Content-Security-Policy": response.headers["Content-Security-Policy"]}
    body = response.get_data(as_text=True)
    page.route("**/chain.svg", lambda route: route.fulfill(body=body, headers=headers))
    page.goto(f"{site.url}/chain.svg")
    fill = page.evaluate("getComputedStyle(document.querySelector('.zone')).fill")
    assert fill == "rgb(240, 242, 239)"
