"""A browser runs a real test of a domain in the demo world, from the form to the result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Site, check_screen
from tests.support.dnsworld import World
from tests.support.service import Service

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def demo_site(demo_world: World, demo_hints: Path) -> Iterator[Site]:
    """Start a separate service that uses the DNS of the demo world."""
    environ = {
        "GONEMASTER_ROOT_HINTS": str(demo_hints),
        "GONEMASTER_DNS_PORT": str(demo_world.port),
        "GONEMASTER_ALLOW_NON_GLOBAL": "true",
    }
    with Service(environ=environ) as service:
        yield Site(service.wait_until_ready())


def test_a_domain_is_tested(page: Page, demo_site: Site) -> None:
    page.goto(f"{demo_site.url}/public/?domain=wrongds.xa")
    page.locator("summary", has_text="Options").click()
    page.get_by_role("button", name="Fetch from parent").click()
    page.locator("input[name=keytag][value='4711']").wait_for()
    assert page.get_by_label("Name server 2").input_value() == "ns2.wrongds.xa"
    page.get_by_role("link", name="Reset").click()
    page.get_by_role("button", name="Test", exact=True).click()
    page.wait_for_url("**/public/result/*")
    page.get_by_text("Criteria for A+").wait_for()
    sentence = "No DNSKEY record matches a DS record"
    page.locator("#findings .fold", has_text=sentence).first.locator("> summary").click()
    assert page.locator("#findings .fold .finding > summary", has_text=sentence).first.is_visible()
    page.locator("#dnssec svg.chain a", has_text="DS 4711").first.press("Enter")
    assert page.locator("#dnssec section:target").is_visible()
    check_screen(page)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_test_is_watched(page: Page, demo_site: Site, script: bool) -> None:
    page.goto(f"{demo_site.url}/public/?domain=silent.xa")
    page.get_by_role("button", name="Test", exact=True).click()
    page.wait_for_url("**/public/result/*")
    page.locator("#way", has_text="ns2.silent.xa").wait_for(state="attached")
    frozen = page.content().replace("data-refresh", "data-was").replace('http-equiv="refresh"', "")
    page.locator("#way h2", has_text="How a resolver finds it").wait_for()  # The finished result keeps the drawing.
    assert "Root zone" in (page.locator("#way svg.chain").text_content() or "")
    page.route("**/public/frozen", lambda route: route.fulfill(body=frozen, content_type="text/html"))
    page.goto(f"{demo_site.url}/public/frozen")
    assert page.locator("#cases li").count() > 5
    if script:
        check_screen(page)
