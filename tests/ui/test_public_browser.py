"""The public pages in a browser: form, progress, result, print, recent tests, with and without script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.queue.jobs import find_by_public_id
from tests.support.browser import Site, check_fits, check_screen, shapes
from tests.support.stores import opened
from tests.ui.public_runs import public_run

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(180)

expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture(scope="module")
def site_store(site: Site) -> Iterator[Store]:
    """Open the database of the service."""
    path = site.service.data_dir / "gonemaster.db"
    with opened(StoreSettings(dsn=str(path))) as store:
        yield store


@pytest.fixture
def at_rest(site: Site) -> Iterator[None]:
    """Pause the queue, because the worker of the service has no reproducible DNS."""
    site.service.post("/queue/pause", {"tier": "normal"})
    yield
    site.service.post("/queue/resume", {"tier": "normal"})


@pytest.fixture(scope="module")
def result_id(site_store: Store) -> str:
    return str(public_run(site_store, "xn--hsj-qla.example").public_id)


def cancel(site: Site, store: Store, public_id: str) -> None:
    with store.read_only() as session:
        job_id = find_by_public_id(session, public_id).id
    site.service.post(f"/jobs/{job_id}/cancel")


@shapes()
def test_screens(page: Page, site: Site, result_id: str) -> None:
    for path in (
        "/public/?domain=www.example.com&options=1&ipv4=1&ns=ns1.example&ip=x&keytag=1&digest=ab",
        f"/public/result/{result_id}",
        f"/public/result/{new_public_id()}",
    ):
        page.goto(site.url + path)
        check_screen(page)


@pytest.mark.core
def test_from_the_form_to_the_result(page: Page, site: Site, site_store: Store, result_id: str, at_rest: None) -> None:
    page.goto(f"{site.url}/public/")
    page.get_by_role("textbox", name="Domain", exact=True).fill("www.followed.example")
    page.get_by_role("link", name="Test followed.example instead").click()
    expect(page.get_by_role("textbox", name="Domain", exact=True)).to_have_value("followed.example")
    page.locator("summary", has_text="Options").click()
    page.get_by_role("button", name="Add name server").click()
    expect(page.get_by_label("Name server 2")).to_be_focused()
    page.get_by_label("Name server 2").fill("ns2.followed.example")
    page.get_by_role("button", name="Remove row 1").click()
    expect(page.get_by_label("Name server 1")).to_have_value("ns2.followed.example")
    page.get_by_role("button", name="Remove row 1").click()
    expect(page.get_by_label("Name server 1")).to_have_value("")
    page.get_by_role("button", name="Test", exact=True).click()
    page.wait_for_url("**/public/result/*")
    assert "followed.example" in page.title()
    public_id = page.url.rpartition("/")[2]
    cancel(site, site_store, public_id)
    page.get_by_text("The test was canceled.", exact=True).wait_for()
    page.goto(f"{site.url}/public/result/{result_id}")
    page.goto(f"{site.url}/public/#/result/{public_id}")
    page.wait_for_url(f"**/public/result/{public_id}")
    page.goto(f"{site.url}/public/")
    rows = page.locator("#recent tbody tr")
    assert rows.locator(".lead").all_inner_texts() == ["häsj.example", "followed.example"]
    assert rows.locator(".grade").first.inner_text() != "–"
    page.get_by_role("button", name="Clear").click()
    assert not page.locator("#recent").is_visible()


def test_the_last_click_in_the_form_wins(page: Page, site: Site) -> None:
    domain, held = page.get_by_role("textbox", name="Domain", exact=True), []
    page.route("**/public/?domain=followed.example", lambda route: held.append(route))
    page.goto(f"{site.url}/public/?options=1&ipv4=1&profile=x")
    domain.fill("www.followed.example")
    with page.expect_request("**/public/?domain=followed.example"):
        page.get_by_role("link", name="Test followed.example instead").click()
    page.get_by_role("button", name="Add name server").click()
    page.get_by_label("Name server 2").wait_for()
    with page.expect_response("**/public/?domain=followed.example"):
        held[0].continue_()
    page.get_by_role("button", name="Add name server").click()
    page.get_by_label("Name server 3").wait_for()
    assert domain.input_value() == "www.followed.example"


def test_a_result_is_read_and_printed(page: Page, site: Site, result_id: str) -> None:
    page.goto(f"{site.url}/public/result/{result_id}")
    page.locator("summary", has_text="SOA REFRESH").click()
    page.get_by_text("REFRESH_MINIMUM_VALUE_LOWER").wait_for()
    page.get_by_role("navigation", name="Level").get_by_role("link").nth(1).click()
    page.wait_for_url("**level=error#findings")
    assert page.get_by_role("button", name="Print").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".printed").is_visible()
    assert not page.get_by_role("button", name="Test again").is_visible()


@pytest.mark.parametrize("script", [False])
def test_without_script(page: Page, site: Site, site_store: Store, result_id: str, at_rest: None) -> None:
    page.goto(f"{site.url}/public/result/{result_id}")
    check_fits(page)
    page.get_by_role("link", name="Show network holders").wait_for()
    page.goto(f"{site.url}/public/")
    page.locator("summary", has_text="Options").click()
    page.get_by_role("button", name="Add DS record").click()
    assert page.get_by_label("Key tag 2").is_visible()
    page.get_by_role("textbox", name="Domain", exact=True).fill("noscript.example")
    page.get_by_role("button", name="Test", exact=True).click()
    page.wait_for_url("**/public/result/*")
    cancel(site, site_store, page.url.rpartition("/")[2])
    page.get_by_text("The test was canceled.", exact=True).wait_for()
