"""The comparison with the last test in a browser: on both result pages, in all shapes, with its links."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Run
from tests.support.browser import Site, check_screen, shapes
from tests.support.rows import NOON, make_run, record
from tests.support.stores import opened
from tests.ui.test_last_time import SHORT, SOA

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(180)

DOMAIN = "compared.example"
FOUND = [((SOA,), ("soa_values", "no_tcp")), ((SOA, SHORT), ("soa_values", "signatures_end_soon"))]


@pytest.fixture(scope="module")
def runs(site: Site) -> list[Run]:
    """Two public runs of a domain: one cause stayed, one appeared, one was cleared."""
    with opened(StoreSettings(dsn=str(site.service.data_dir / "gonemaster.db"))) as store:
        return [
            make_run(
                store,
                DOMAIN,
                record(entries=list(entries), at=NOON + timedelta(days=day), causes=causes),
                public_id=new_public_id(),
                config={"origin": "public"},
            )
            for day, (entries, causes) in enumerate(FOUND)
        ]


@shapes()
def test_comparison_is_a_good_screen(page: Page, site: Site, runs: list[Run]) -> None:
    page.goto(f"{site.url}/jobs/{runs[1].id}#compare")
    check_screen(page)
    page.goto(f"{site.url}/jobs/{runs[0].id}#compare")
    check_screen(page)


def test_comparison_names_what_appeared_stayed_and_was_fixed(page: Page, site: Site, runs: list[Run]) -> None:
    page.goto(f"{site.url}/jobs/{runs[1].id}")
    page.get_by_role("link", name="What changed since").click()
    assert page.url.endswith("#compare"), "a link that shows it"
    rows = page.locator("#compare li").all_inner_texts()
    assert [any(word in row for row in rows) for word in ("New", "Fixed", "since 25 Nov")] == [True] * 3
    assert len(rows) == 3


def test_links_of_the_comparison_lead_on(page: Page, site: Site, runs: list[Run]) -> None:
    for name, path in (
        ("Show that result", f"/jobs/{runs[0].id}"),
        ("Compare all findings", f"/domains/{DOMAIN}/compare"),
        ("Notify me when this changes", "/watches/new"),
    ):
        page.goto(f"{site.url}/jobs/{runs[1].id}")
        page.locator("#compare").get_by_role("link", name=name).press("Enter")
        page.wait_for_url(f"**{path}**")
    assert page.get_by_label("Domain", exact=True).input_value() == DOMAIN
