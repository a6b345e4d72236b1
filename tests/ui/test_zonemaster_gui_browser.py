"""Zonemaster GUI 5, unmodified, in Chromium: form with name servers and DS, progress, result, history, downloads.

ZONEMASTER_GUI names an unpacked copy of its repository in which `npm run build` has been run with PUBLIC_API_URL=/api.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Site
from tests.support.dnsworld import World
from tests.support.service import Service
from tests.support.zonemaster_gui import is_built, serve_gui

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not is_built(), reason="ZONEMASTER_GUI names no built copy of it"),
    pytest.mark.xdist_group("zonemaster_gui"),
]
PATIENCE_MS = 120_000
MODULES = (
    "System", "Basic", "Address", "Connectivity", "Consistency", "Dnssec", "Delegation", "Nameserver", "Syntax", "Zone"
)  # fmt: skip
DOWNLOADS = {"JSON": "[", "CSV": "Module;Level;Message", "Text": "Module \tLevel \tMessage", "HTML": ""}


@pytest.fixture(scope="module")
def gui(demo_world: World, demo_hints: Path) -> Iterator[str]:
    """The pages, with a service that uses the DNS of the demo world."""
    environ = {
        "GONEMASTER_ROOT_HINTS": str(demo_hints),
        "GONEMASTER_DNS_PORT": str(demo_world.port),
        "GONEMASTER_ALLOW_NON_GLOBAL": "true",
        "GONEMASTER_ZONEMASTER_API": "true",
        "GONEMASTER_PUBLIC_API_ALLOW_PRIVATE_UNDELEGATED_IP": "true",
    }
    with Service(environ=environ) as service:
        url = Site(service.wait_until_ready()).url
        with serve_gui(f"{url}/zonemaster/api") as pages:
            yield pages


def open_form(page: Page, gui: str, domain: str, *, options: bool = False) -> None:
    page.goto(f"{gui}/en/")
    page.locator("body[data-domain-test-hydrated=true]").wait_for()
    page.locator("#domainInput").fill(domain)
    if options:
        page.locator("#advanced-toggle").click()
        page.locator("#advanced-options").wait_for()


def run_test(page: Page) -> str:
    """Submit the form, wait for the result and return the test ID."""
    page.get_by_role("button", name="Run test").click()
    page.locator(".zm-domain-test__progress-bar").wait_for(state="attached")
    page.wait_for_url("**/en/result/*/", timeout=PATIENCE_MS)
    page.locator(".zm-result__title").wait_for(timeout=PATIENCE_MS)
    return page.url.rstrip("/").rpartition("/")[2]


def test_a_domain_is_tested(page: Page, gui: str) -> None:
    open_form(page, gui, "wrongds.xa")
    run_test(page)
    assert page.locator(".zm-result__title").inner_text().endswith("wrongds.xa")
    for module in MODULES:
        assert page.get_by_text(module, exact=True).first.is_visible(), module
    page.get_by_role("button", name="Expand all").first.click()
    page.eval_on_selector_all(".zm-result__group__button", "buttons => buttons.forEach(button => button.click())")
    assert "4711" in page.locator("#testcase-entries-DNSSEC02").inner_text()
    assert page.get_by_text("Dnssec02", exact=True).first.is_visible()


def test_an_undelegated_domain_is_tested(page: Page, gui: str) -> None:
    open_form(page, gui, "wrongds.xa", options=True)
    page.locator(".zm-domain-test__nameservers > div > button").first.click()
    page.locator("input[name='nameservers[1][ns]']").wait_for()
    assert page.locator("input[name='nameservers[1][ns]']").input_value() == "ns2.wrongds.xa"
    page.locator(".zm-domain-test__records > div > button").first.click()
    page.wait_for_function("document.querySelector(\"input[name='ds_info[0][keytag]']\").value === '4711'")
    test_id = run_test(page)
    page.locator("#zmHistoryButton").click()
    past = page.locator("#historyDialog li")
    past.first.wait_for()
    assert past.first.locator("a").get_attribute("href") == f"/en/result/{test_id}/"
    assert "Undelegated" in past.first.inner_text()
    assert past.count() >= 1
    past.last.locator("a").click()
    page.locator(".zm-result__title").wait_for()


def test_wrong_input_is_shown_next_to_its_field(page: Page, gui: str) -> None:
    open_form(page, gui, "good.xa", options=True)
    page.locator("input[name='nameservers[0][ns]']").fill("ns1.good.xa")
    page.locator("input[name='nameservers[0][ip]']").fill("1.2.3")
    page.get_by_role("button", name="Run test").click()
    page.get_by_text("Invalid IP address").wait_for()
    page.locator("#domainInput").fill("good..xa")
    page.get_by_role("button", name="Run test").click()
    page.get_by_text("empty label").wait_for()


@pytest.mark.parametrize(("kind", "begin"), DOWNLOADS.items())
def test_a_result_is_downloaded(page: Page, gui: str, kind: str, begin: str) -> None:
    open_form(page, gui, "good.xa")
    test_id = run_test(page)
    page.locator("#zmExportButton").click()
    with page.expect_download() as download:
        page.locator("#zmExportDialog").get_by_text(kind, exact=True).click()
    assert test_id in download.value.suggested_filename
    text = Path(download.value.path()).read_text(encoding="utf-8").strip()
    assert text.startswith(begin)
    assert ("System" in text) == (kind in ("JSON", "HTML")), "CSV and text leave out the version"
    if kind == "JSON":
        assert len(json.loads(text)) > 20


def test_a_result_is_shown_in_the_language_of_the_page(page: Page, gui: str) -> None:
    open_form(page, gui, "good.xa")
    test_id = run_test(page)
    texts = {}
    for language in ("en", "sv", "fr"):
        page.goto(f"{gui}/{language}/result/{test_id}/")
        page.locator(".zm-result__title").wait_for()
        page.get_by_text("System", exact=True).first.wait_for()
        texts[language] = page.locator(".zm-result").inner_text()
    assert texts["en"] != texts["sv"]
