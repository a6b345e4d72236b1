"""At nine widths no page is wider than the window, and a pointer can reach each control."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from tests.support.browser import Site, unreachable
from tests.ui.test_every_page import fetch, pages
from tests.ui.test_queue_browser import post

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDTHS = (320, 390, 641, 768, 901, 1024, 1280, 1366, 1920)
SWAGGER_UI = "/api/v1/docs"  # its own layout
LINK = re.compile(r'<a [^>]*href="(/[^"?#]*)"')


def shown_pages(site: Site, listed: list[str]) -> list[str]:
    """Return the listed pages, and one page of each kind that they link to (such as one job)."""
    kinds = {}
    for path in listed:
        _, kind, text = fetch(f"{site.url}{path}")
        if kind != "text/html":
            continue
        kinds[path] = path
        for href in LINK.findall(text):
            name = "/".join(part if part.replace("-", "").isalpha() else "1" for part in href.split("/"))
            if name not in kinds and fetch(f"{site.url}{href}")[1] == "text/html":
                kinds[name] = href
    return sorted({*kinds.values()} - {SWAGGER_UI})


@pytest.mark.thorough
def test_each_control_can_be_reached_at_each_width(page: Page, site: Site, routed_app: Flask) -> None:
    post(site, "/queue/pause", {"reason": "The name servers of the registry are being moved to another network"})
    faults = []
    for path in shown_pages(site, sorted(set(pages(routed_app)))):
        page.goto(f"{site.url}{path}")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            faults += [f"{path} at {width}: {fault}" for fault in unreachable(page)]
    post(site, "/queue/resume", {})
    assert faults == []
