"""Each form with a text area is sent twice, first with an error: the text comes back as it was typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from tests.support.browser import Site
from tests.ui.test_every_page import fetch, pages

if TYPE_CHECKING:
    from playwright.sync_api import Page

TYPED = "first.example\nnot_a name!\nlast.example"
TEXT_AREAS = "main form[method=post] textarea:visible"


def test_text_areas_come_back_as_typed(page: Page, site: Site, routed_app: Flask) -> None:
    sent = 0
    for path in sorted(set(pages(routed_app))):
        if "<textarea" not in fetch(f"{site.url}{path}")[2]:
            continue
        page.goto(f"{site.url}{path}")
        for area in page.locator(TEXT_AREAS).all():
            area.fill(TYPED)
        for _ in range(2):
            form = page.locator(TEXT_AREAS).first.locator("xpath=ancestor::form")
            with page.expect_navigation():
                form.evaluate("form => { delete form.dataset.quiet; HTMLFormElement.prototype.submit.call(form); }")
            assert page.locator("main [aria-invalid=true], main .note.error").count(), f"{path} accepts the text"
            assert page.locator(TEXT_AREAS).first.input_value() == TYPED, path
            sent += 1
    assert sent >= 4
