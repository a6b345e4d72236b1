"""What reviews of the pages have found, in a browser: charts, long names, the wall, forced colours, menus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.settings import StoreSettings
from tests.support.browser import Site, check_axe, check_fits, shapes
from tests.support.stores import opened
from tests.ui.public_runs import public_run
from tests.ui.test_chain import broken, rendered
from tests.ui.test_chain_browser import show
from tests.ui.test_queue_browser import post
from tests.ui.test_widths_browser import LONG_NAME

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api").expect
OVERLAPS = """spans => {
  const boxes = spans.filter(span => span.textContent && span.checkVisibility()).map(span => {
    const range = document.createRange();
    range.selectNodeContents(span);
    return range.getBoundingClientRect();
  });
  return boxes.filter((box, index) => index && box.left < boxes[index - 1].right).length;
}"""


def boxes(page: Page, selector: str) -> list[Any]:
    return [box.bounding_box() for box in page.locator(selector).all()]


@pytest.mark.parametrize("window", ["24h", "30d"])
def test_charts_of_a_row_have_one_height_and_one_baseline(page: Page, site: Site, window: str) -> None:
    page.goto(f"{site.url}/statistics?window={window}")
    assert page.locator(".group [aria-current]").first.inner_text() in ("24 h", "30 days")
    plots, panels = boxes(page, ".three .plot"), boxes(page, ".three > .panel")
    assert len(plots) == len(panels) == 6
    for first in (0, 3):
        assert len({round(box["y"] + box["height"]) for box in plots[first : first + 3]}) == 1
        assert len({round(box["height"]) for box in plots}) == 1
        assert len({round(box["height"]) for box in panels[first : first + 3]}) == 1


@shapes("390-light", "1440-light")
def test_labels_below_a_chart_do_not_collide(page: Page, site: Site) -> None:
    for path in ("/analysis/trends", "/statistics?window=30d", "/statistics?window=24h"):
        page.goto(f"{site.url}{path}")
        for row in page.locator(".chart .x").all():
            assert row.locator("span").evaluate_all(OVERLAPS) == 0, path


@shapes("390-light")
def test_the_chain_is_readable_on_a_phone_and_does_not_scroll_away(page: Page, site: Site, client: FlaskClient) -> None:
    show(page, site, rendered(client, broken()))
    sizes = page.locator(".chain text").evaluate_all(
        "texts => texts.map(text => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"
    )
    assert sizes
    assert min(sizes) >= 12
    page.evaluate("document.body.style.paddingBottom = '200vh'; scrollTo(0, 60)")
    page.locator("a", has_text="KSK 4711").click()
    page.locator(".chain-facts > section[aria-label='KSK 4711']").wait_for()
    assert page.evaluate("scrollY") == 60


@shapes("390-light", "1440-light")
def test_a_long_name_does_not_widen_the_verdict(page: Page, site: Site) -> None:
    with opened(StoreSettings(dsn=str(site.service.data_dir / "gonemaster.db"))) as store:
        run = public_run(store, LONG_NAME)
    page.goto(f"{site.url}/public/result/{run.public_id}")
    check_fits(page)
    wide = page.locator(".verdict, .verdict *").evaluate_all(
        "nodes => nodes.filter(node => node.getBoundingClientRect().right > innerWidth).length"
    )
    assert wide == 0


@pytest.fixture
def paused(site: Site) -> Iterator[None]:
    """Pause the queue during a test, with a long reason."""
    post(site, "/queue/pause", {"reason": "The name servers of the registry are being moved to another network"})
    yield
    post(site, "/queue/resume", {})


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
@pytest.mark.usefixtures("paused")
def test_the_wall_fits_its_screen(page: Page, site: Site, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{site.url}/wall")
    assert page.evaluate("document.documentElement.scrollHeight") <= size[1]
    expect(page.locator(".plainlist li")).to_have_count(1)


def test_the_wall_shows_that_the_server_is_unavailable(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/wall")
    page.context.set_offline(True)
    page.get_by_text("Connection lost since").wait_for()
    expect(page.locator(".wallgrid > header .chip")).to_be_hidden()
    top = page.locator("#lost").bounding_box()
    assert top
    assert top["y"] == 0
    page.context.set_offline(False)
    expect(page.locator("#lost")).to_be_hidden()


def test_forced_colours_keep_bars_and_the_current_entry_visible(page: Page, site: Site) -> None:
    page.emulate_media(forced_colors="active")
    page.goto(f"{site.url}/analysis/")
    bar = page.locator(".dist rect").first
    assert bar.evaluate("node => getComputedStyle(node.closest('svg')).forcedColorAdjust") == "none"
    fills = (
        page.locator(".dist").first.locator("rect").evaluate_all("bars => bars.map(bar => getComputedStyle(bar).fill)")
    )
    assert len(set(fills)) == len(fills) > 1
    borders = page.locator(".tabs a").evaluate_all(
        "links => links.map(link => [link.ariaCurrent, getComputedStyle(link).borderBottomColor])"
    )
    current = {color for is_current, color in borders if is_current}
    assert len(current) == 1
    assert not current & {color for is_current, color in borders if not is_current}
    page.goto(f"{site.url}/statistics")
    assert page.locator(".nav a[aria-current]").evaluate("link => getComputedStyle(link).outlineStyle") == "solid"


def test_a_retired_snapshot_is_restored_by_the_toast(page: Page, site: Site) -> None:
    cohort = next(one["id"] for one in site.service.get("/analysis/cohorts") if one["source_tag"] == "demo")
    oldest = site.service.get(f"/analysis/cohorts/{cohort}/snapshots")[-1]["slug"]
    page.goto(f"{site.url}/cohorts/{cohort}")
    page.locator("summary").and_(page.get_by_label(f"Actions for {oldest}")).click()
    check_axe(page)
    page.get_by_role("button", name=f"Retire {oldest}").click()
    row = page.get_by_role("row").filter(has_text=oldest)
    expect(row.get_by_text("Retired")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(row.get_by_text("Captured")).to_be_visible()


def test_the_search_page_shows_results_while_the_user_types(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search")
    page.get_by_role("searchbox", name="Search").fill("metrics")
    page.locator("main [data-partial=found] a[href='/statistics']").wait_for()
