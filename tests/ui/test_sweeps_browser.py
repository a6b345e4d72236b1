"""Batches, tags, cohorts, schedules and watches in a browser, in both themes and widths, and without script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Site, check_screen, shapes

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api").expect
TAG = "demo"


SCREENS = (
    "/batches",
    "/batches/{newest}",
    "/batches/{newest}/delete",
    "/batches/{newest}/compare",
    "/batches/{before}/diff/{newest}",
    "/batches/new",
    "/tags",
    "/tags/demo",
    "/tags/demo/schedule",
    "/cohorts",
    "{cohort}",
    "{cohort}/edit",
    "{cohort}/snapshots/{slug}",
    "/watches",
    "/watches/new",
    "{watch}",
)


@dataclass(frozen=True)
class World:
    """The demonstration data, and a watch created by this module."""

    newest: str
    before: str
    cohort: str
    slug: str
    watch: str


@pytest.fixture(scope="module")
def world(site: Site) -> Iterator[World]:
    batches = [batch["batch_id"] for batch in site.service.get(f"/tags/{TAG}/batches")["items"]]
    cohort = next(one["id"] for one in site.service.get("/analysis/cohorts") if one["source_tag"] == TAG)
    slug = site.service.get(f"/analysis/cohorts/{cohort}/snapshots")[0]["slug"]
    wanted = {"tag": TAG, "events": ["domain.regressed"], "url": "https://hook.example/x"}
    status, watch = site.service.call("POST", "/api/v1/watches", wanted)
    assert status == 201, watch
    yield World(batches[0], batches[1], f"/cohorts/{cohort}", slug, f"/watches/{watch['id']}")
    site.service.call("DELETE", f"/api/v1/watches/{watch['id']}")


@pytest.mark.parametrize("screen", SCREENS)
@shapes("1440-light", "390-dark")
def test_screens_have_no_faults(page: Page, site: Site, world: World, screen: str) -> None:
    page.goto(site.url + screen.format(**asdict(world)))
    check_screen(page)


def test_a_deletion_is_asked_for_in_a_dialog(page: Page, site: Site, world: World) -> None:
    page.goto(f"{site.url}/batches/{world.newest}")
    page.get_by_role("link", name="Delete batch…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Finished runs")
    dialog.get_by_role("textbox").fill(world.newest[:-1])
    dialog.get_by_role("button").click()
    expect(dialog.get_by_role("textbox")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_role("link", name="Keep batch").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert site.service.get(f"/batches/{world.newest}")["total"] > 0


def test_names_and_rules_are_checked_while_typing(page: Page, site: Site, world: World) -> None:
    page.goto(f"{site.url}/batches/new")
    page.get_by_label("Domain names", exact=True).fill("a.example\nb..example")
    expect(page.locator("#check")).to_contain_text("Line 2:")
    page.on("dialog", lambda dialog: dialog.accept())  # Leave the page and discard unsaved changes.
    page.goto(f"{site.url}/tags/{TAG}/schedule")
    page.get_by_label("days of the month").check()
    page.get_by_label("15", exact=True).check()
    expect(page.locator("#preview")).to_contain_text(re.compile("days? .*15"))
    expect(page.get_by_label("Monday")).to_be_hidden()


def test_filter_and_order_change_the_list_alone(page: Page, site: Site, world: World) -> None:
    page.goto(f"{site.url}/tags/{TAG}")
    page.evaluate("document.querySelector('h1').dataset.kept = 'yes'")
    page.get_by_role("link", name="Score").click()
    expect(page).to_have_url(re.compile("sort=latest_score_desc"))
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Score")
    expect(page.locator("h1[data-kept]")).to_have_count(1)


@pytest.mark.parametrize("script", [False])
def test_forms_work_without_script(page: Page, site: Site, world: World) -> None:
    page.goto(f"{site.url}/tags")
    page.get_by_label("Name").fill("without-script")
    page.get_by_role("button", name="Create tag").click()
    expect(page.get_by_text("Tag created.")).to_be_visible()
    page.get_by_label("Domain names").fill("a.example")
    page.get_by_role("button", name="Add to tag").click()
    page.get_by_role("checkbox", name="Select a.example").check()
    page.get_by_role("button", name="Remove from tag").click()
    expect(page.get_by_text("No domains", exact=True)).to_be_visible()
    page.get_by_role("link", name="Delete tag…").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete tag").click()
    expect(page.get_by_text("Tag deleted.")).to_be_visible()
