"""A result that one can hand on: the browser makes a PDF of at most two pages from the result of a usual domain."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.records import RunRecord
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.core.states import RunStatus
from gonemaster_db.models import Run
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from gonemaster_tasks.worker.execute.runner import Listeners, RunOutcome, TestOrder
from tests.support.browser import Site, check_screen
from tests.support.dnsworld import World
from tests.support.rows import NOON, make_run
from tests.support.stores import opened

if TYPE_CHECKING:
    from playwright.sync_api import Page

USUAL, BROKEN = "good.xa", "expired.xa"
MAX_PAGES = {USUAL: 2, BROKEN: 2}
_PAGE = re.compile(rb"/Type\s*/Page\b")


async def outcomes_of(dns: Mapping[str, object]) -> dict[str, RunOutcome]:
    """Test the domains with the engine."""
    runner = EngineRunner(LiveSettings(Settings(**dns)))  # type: ignore[arg-type]
    await runner.open()
    try:
        silent = Listeners(lambda _: None, lambda _: None)
        orders = [TestOrder("job_1", domain, {"origin": "public"}, None, 60.0) for domain in MAX_PAGES]
        return {order.domain: await runner.run(order, silent) for order in orders}
    finally:
        await runner.close()


@pytest.fixture(scope="module")
def runs(demo_world: World, demo_hints: Path, site: Site) -> Iterator[dict[str, Run]]:
    """The results of both domains as public runs of the service."""
    dns = {"root_hints_path": demo_hints, "dns_port": demo_world.port, "allow_non_global": True}
    with ThreadPoolExecutor(max_workers=1) as thread:  # Playwright may keep an event loop running in this thread.
        found = thread.submit(asyncio.run, outcomes_of(dns)).result()
    with opened(StoreSettings(dsn=str(site.service.data_dir / "gonemaster.db"))) as store:
        yield {domain: _run(store, domain, outcome) for domain, outcome in found.items()}


def _run(store: Store, domain: str, outcome: RunOutcome) -> Run:
    record = RunRecord(
        RunStatus.SUCCEEDED,
        NOON,
        entries=outcome.entries,
        nameserver_timings=outcome.nameserver_timings,
        dnssec_chain=outcome.dnssec_chain,
        score=outcome.score,
        grade=outcome.grade,
        causes=outcome.causes,
        effective_profile=outcome.effective_profile,
    )
    return make_run(store, domain, record, public_id=new_public_id(), config={"origin": "public"})


@pytest.mark.parametrize("domain", MAX_PAGES)
def test_result_is_printed_on_few_pages(page: Page, site: Site, runs: dict[str, Run], domain: str) -> None:
    run = runs[domain]
    for path in (f"/public/result/{run.public_id}", f"/jobs/{run.id}"):
        page.goto(site.url + path)
        pdf = page.pdf(prefer_css_page_size=True)
        assert pdf.startswith(b"%PDF-")
        assert 1 <= len(_PAGE.findall(pdf)) <= MAX_PAGES[domain], path


def test_printed_result_has_verdict_drawing_and_findings(page: Page, site: Site, runs: dict[str, Run]) -> None:
    page.goto(f"{site.url}/public/result/{runs[BROKEN].public_id}")
    page.emulate_media(media="print")
    for part in (".verdict", "#causes", "#way svg.chain", "#findings", "#dnssec svg", ".printed"):
        assert page.locator(part).first.is_visible(), part
    assert not page.get_by_role("link", name="Share", exact=True).is_visible()


def test_result_is_shared_and_the_link_is_revoked(page: Page, site: Site, runs: dict[str, Run]) -> None:
    page.goto(f"{site.url}/jobs/{runs[USUAL].id}")
    page.get_by_role("link", name="Share", exact=True).click()
    page.wait_for_url("**/shares")
    page.get_by_role("button", name="Create link").click()
    link = page.locator("#link").input_value()
    check_screen(page)
    page.goto(link)
    assert page.get_by_role("heading", level=1).inner_text() == USUAL
    check_screen(page)
    assert not page.get_by_role("button", name="Test again").is_visible()
    page.goto(f"{site.url}/jobs/{runs[USUAL].id}/shares")
    page.get_by_role("button", name="Revoke link").click()
    page.get_by_text("It no longer shows the result.").first.wait_for()
    assert page.request.get(link).status == 410
