"""A walk with the Tab key: each control that gets the focus is visible, not covered, and marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.browser import Site, shapes

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEPS = 60
FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1), y = box.top + Math.min(box.height / 2, 20);
  const top = document.elementFromPoint(x, y);
  const labelled = [...(one.labels || [])].some(label => label.contains(top));
  return {
    html: one.outerHTML.slice(0, 120),
    reached: !!top && (one.contains(top) || top.contains(one) || labelled),
    marked: one.type === "date" || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== "none",
  };
}"""
# Browsers mark the part of a date field that has the focus.


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/", marks=pytest.mark.core),
        "/recent",
        "/tags/demo",
        "/cohorts",
        "/settings/system",
        "/audit",
        "/public/about",
        "/analysis/",
        "/analysis/diff",
    ],
)
@shapes("1440-light", "390-dark")
def test_the_tab_key_reaches_controls_that_are_visible_and_marked(page: Page, site: Site, path: str) -> None:
    page.goto(f"{site.url}{path}")
    seen: list[dict[str, Any]] = []
    for _ in range(STEPS):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus is None:  # the end of the page
            break
        seen.append(focus)
    assert len(seen) > 10
    assert [one for one in seen if not (one["reached"] and one["marked"])] == []
