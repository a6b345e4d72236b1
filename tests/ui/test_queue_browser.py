"""The queue page in a browser: sizes, selection, dialogs, keys, dragging, and the same without script."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import Site, check_axe, check_screen, shapes
from tests.support.service import open_url

if TYPE_CHECKING:
    from playwright.sync_api import Page


def post(site: Site, path: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{site.url}/api/v1{path}", data=json.dumps(body).encode(), headers=headers)
    with open_url(request) as answer:
        return json.load(answer)


@pytest.fixture
def waiting(site: Site) -> Iterator[list[str]]:
    """Queue four jobs in a paused tier, and restore the queue afterwards."""
    post(site, "/queue/pause", {"reason": "browser tests"})
    names = [f"queue-{letter}.example" for letter in "abcd"]
    ids = [post(site, "/jobs", {"domain": name})["id"] for name in names]
    yield names
    with contextlib.suppress(OSError):
        post(site, "/queue/remove", {"job_ids": ids})
    post(site, "/queue/resume", {})


def order(page: Page) -> list[str]:
    return page.locator("[data-partial=waiting] tbody .lead").all_inner_texts()


@pytest.mark.core
@shapes()
def test_queue_with_waiting_jobs(page: Page, site: Site, waiting: list[str]) -> None:
    page.goto(f"{site.url}/?domain=queue-")
    check_screen(page)
    assert order(page) == waiting


@shapes("1440-light", "390-dark")
def test_selected_rows_are_moved_and_held(page: Page, site: Site, waiting: list[str]) -> None:
    page.goto(f"{site.url}/?domain=queue-")
    page.get_by_label(f"Select {waiting[2]}").check()
    page.get_by_label(f"Select {waiting[3]}").check()
    page.get_by_text("2 on this page selected").wait_for()
    check_axe(page)
    page.get_by_role("button", name="Move to the front", exact=True).click()
    page.locator(".toast").get_by_text("2 jobs moved.").wait_for()
    assert order(page) == [waiting[2], waiting[3], waiting[0], waiting[1]]


def test_a_row_is_held_and_the_toast_undoes_it(page: Page, site: Site, waiting: list[str]) -> None:
    page.goto(f"{site.url}/?domain=queue-")
    page.get_by_role("button", name=f"Hold {waiting[1]}").click()
    page.get_by_role("button", name=f"Release {waiting[1]}").wait_for()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    page.get_by_role("button", name=f"Hold {waiting[1]}").wait_for()


def test_removal_asks_in_a_dialog_whose_safe_button_has_the_focus(page: Page, site: Site, waiting: list[str]) -> None:
    page.goto(f"{site.url}/?domain=queue-")
    page.get_by_role("button", name=f"Remove {waiting[0]}").click()
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Keep in queue"
    check_axe(page)
    dialog.get_by_role("button", name="Remove one job").click()
    page.get_by_text("1 job removed.").first.wait_for()
    assert order(page) == waiting[1:]


def test_keys_walk_the_rows_and_act_on_the_current_one(page: Page, site: Site, waiting: list[str]) -> None:
    page.goto(f"{site.url}/?domain=queue-")
    at = page.locator("tr[data-at] .lead")
    for _ in range(10):  # Tables above this one have rows too.
        page.keyboard.press("j")
        if at.inner_text() == waiting[2]:
            break
    page.keyboard.press("f")
    page.locator(f"[data-partial=waiting] tbody tr:first-child .lead >> text={waiting[2]}").wait_for()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "domain"


def test_focus_stays_with_the_job_when_the_list_is_refreshed(page: Page, site: Site, waiting: list[str]) -> None:
    refresh = "window.dispatchEvent(new PopStateEvent('popstate'))"
    page.goto(f"{site.url}/?domain=queue-")
    page.get_by_role("button", name=f"Hold {waiting[2]}").press("Enter")
    release = page.get_by_role("button", name=f"Release {waiting[2]}")
    release.wait_for()
    assert release.evaluate("node => node === document.activeElement")
    gone = page.locator("[data-partial=waiting] tbody tr").nth(2).get_attribute("id")
    post(site, "/queue/remove", {"job_ids": [gone]})
    page.evaluate("history.pushState(null, '', location.href + '&limit=50')")
    page.evaluate(refresh)
    page.get_by_text("The row is no longer in the list.").wait_for()
    row = page.locator("tr", has_text=waiting[3])
    assert row.evaluate("row => row.contains(document.activeElement)")


def test_a_row_is_dragged_within_its_tier(page: Page, site: Site, waiting: list[str]) -> None:
    page.goto(f"{site.url}/?domain=queue-")
    rows = page.locator("[data-partial=waiting] tbody tr")
    rows.nth(3).drag_to(rows.nth(0), target_position={"x": 300, "y": 4})
    page.locator(".toast").wait_for()
    assert order(page) == [waiting[3], *waiting[:3]]


def test_the_filter_changes_the_address_and_back_leads_back(page: Page, site: Site, waiting: list[str]) -> None:
    page.goto(f"{site.url}/")
    page.get_by_label("Filter by domain").fill("queue-b")
    page.get_by_label("Filter by domain").press("Enter")
    page.wait_for_url("**/?domain=queue-b")
    assert order(page) == [waiting[1]]
    page.go_back()
    page.locator(f"text={waiting[3]}").first.wait_for()


def test_a_tier_is_paused_in_a_dialog_that_says_what_is_wrong(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/")
    page.get_by_role("link", name="Pause the Batch tier").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Duration", exact=True).select_option("until")
    dialog.get_by_label("Reason").fill("a reason")
    dialog.get_by_role("button", name="Pause").click()
    dialog.get_by_text("Enter a date and time").wait_for()
    assert dialog.get_by_label("Reason").input_value() == "a reason"
    check_axe(page)
    dialog.get_by_label("Duration", exact=True).select_option("15")
    dialog.get_by_role("button", name="Pause").click()
    page.get_by_text("Batch tier paused").wait_for()
    page.get_by_role("button", name="Resume now").click()
    page.get_by_text("Queue running").wait_for()


@shapes("390-light")
@pytest.mark.parametrize("script", [False])
def test_everything_works_without_script(page: Page, site: Site, waiting: list[str]) -> None:
    page.goto(f"{site.url}/?domain=queue-")
    page.get_by_role("button", name=f"Move {waiting[3]} to the front").click()
    page.get_by_text("1 job moved.").wait_for()
    assert order(page)[0] == waiting[3]
    page.get_by_role("button", name="Undo").click()
    page.goto(f"{site.url}/?domain=queue-")
    assert order(page) == waiting
    page.get_by_role("button", name=f"Remove {waiting[0]}").click()
    page.get_by_role("button", name="Remove one job").click()
    page.get_by_text("1 job removed.").wait_for()
    assert order(page) == waiting[1:]
