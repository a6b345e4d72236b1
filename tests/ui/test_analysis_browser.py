"""The analysis site in a browser: each kind of page in two sizes, keys, filters, and without script."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Site, check_screen, shapes

if TYPE_CHECKING:
    from playwright.sync_api import Page


PATHS = ["/", "/domains", "/findings", "/trends", "/diff"]
DETAILS = [
    "/nameservers/ns1.harbour.example",
    "/domains/birch-bank.example",
    "/addresses/2001:db8:3::70",
]


@shapes("1440-light", "390-dark")
@pytest.mark.parametrize("path", PATHS + DETAILS)
def test_screens(page: Page, site: Site, path: str) -> None:
    page.goto(f"{site.url}/analysis{path}")
    check_screen(page)


@pytest.mark.parametrize("script", [False, True])
def test_a_bar_leads_to_its_domains_and_a_search_narrows_them(page: Page, site: Site, script: bool) -> None:
    page.goto(f"{site.url}/analysis/")
    page.locator(".legend").get_by_role("link", name="Not signed").click()
    page.wait_for_url("**/analysis/domains?dnssec_posture=unsigned")
    page.get_by_role("searchbox").fill("zzz")
    page.keyboard.press("Enter")
    page.get_by_text("No matches").wait_for()
    assert "dnssec_posture=unsigned" in page.url


def test_keys_lead_to_the_tabs(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/analysis/")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/analysis/trends")


@pytest.mark.core
def test_a_snapshot_is_chosen_in_the_bar(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/analysis/networks")
    page.get_by_label("Snapshot").select_option(index=1)
    page.wait_for_url("**/analysis/networks?snapshot=*")
    assert page.get_by_role("heading", level=1).inner_text() == "Networks"


@shapes("390-light")
def test_a_phone_shows_the_bar_on_two_lines_and_dates_below_their_columns(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/analysis/trends")
    parts = [page.locator(part).first.bounding_box() for part in (".brand", "[name=lang]", "[name=snapshot]", ".icon")]
    middles = [box["y"] + box["height"] / 2 for box in parts if box]
    assert middles[0] == pytest.approx(middles[1], abs=4)
    assert middles[2] == pytest.approx(middles[3], abs=4)
    columns, dates = page.locator(".plot rect").all(), page.locator(".x.each span").all()
    for column, date in ((columns[0], dates[0]), (columns[-1], dates[-1])):
        bar, text = (one.evaluate("one => one.getBoundingClientRect().toJSON()") for one in (column, date))
        assert bar["left"] < text["left"] + text["width"] / 2 < bar["right"]
