"""The system's Chromium, driven by Playwright, on one service with demonstration data for the whole session.

`page` is a fixture; a test is run for each shape that it names:

    @shapes("1440-light", "390-dark")
    def test_queue(page: Page, site: Site) -> None:
        page.goto(f"{site.url}/")
        check_axe(page)

Without Playwright or Chromium such tests are skipped, and pytest says why at its end.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.service import Service
from tests.support.sources import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = {"1440": (1440, 900), "390": (390, 844)}
SHAPES = ("1440-light", "1440-dark", "390-light", "390-dark")
PATIENCE_MS = 30_000  # seconds to wait for a condition; generous, because a slow machine is not a failure
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return the path of the browser, or an empty string if there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), "")


def shapes(*names: str) -> pytest.MarkDecorator:
    """Run a test in some shapes (width and theme), by default in all. `make test` runs the first one only.

    Layout depends on the width and contrast on the theme, so two shapes that share neither cover a page.
    """
    first, *more = names or SHAPES
    return pytest.mark.parametrize("shape", [first, *(pytest.param(name, marks=pytest.mark.thorough) for name in more)])


class Site:
    """The service of the session, with demonstration data and without a worker that runs jobs."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.url = service.url


@pytest.fixture(scope="session")
def demo_home() -> Iterator[Path]:
    """Create a directory with a database of demonstration data: 24 domains, 3 snapshots."""
    with tempfile.TemporaryDirectory(prefix="gm-ui-", dir="/tmp") as name:
        home = Path(name)
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("GONEMASTER_", "PYTEST_"))}
        subprocess.run(
            [sys.executable, "-m", "gonemaster_api.demo.sample", "--domains", "24", "--snapshots", "3"],
            cwd=ROOT,
            env=environ | {"GONEMASTER_DATA_DIR": str(home / "data")},
            check=True,
            capture_output=True,
            timeout=300,
        )
        yield home


@pytest.fixture(scope="session")
def site(demo_home: Path) -> Iterator[Site]:
    """Serve demonstration data. Tests share the service: each restores what it changes, or uses separate names."""
    # tests/system checks that the service stops in time; here it is killed, because a busy machine may be slow.
    with contextlib.suppress(subprocess.TimeoutExpired), Service(home=demo_home) as service:
        service.wait_until_ready()
        yield Site(service)


_running = contextlib.ExitStack()
_started: list[Browser] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """Stop the browser after the last test of a series that uses it.

    Playwright keeps an event loop running in the thread of the tests, which makes asyncio.run() fail.
    """
    yield
    if nextitem is None or "browser" not in getattr(nextitem, "fixturenames", ()):
        _started.clear()
        _running.close()


@pytest.fixture
def browser() -> Browser:
    """Return the browser that a series of tests shares; skip the test if there is no browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="NOT RUN: Playwright is not installed (extra test)")
    path = chromium()
    if not path:
        pytest.skip("NOT RUN: no Chromium; on Debian: apt-get install chromium")
    if not _started:
        driver = _running.enter_context(playwright.sync_playwright())
        chrome = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        _running.callback(chrome.close)
        _started.append(chrome)
    return _started[0]


@pytest.fixture
def shape() -> str:
    """Return the width and theme of `page`, unless the test is marked with `shapes`."""
    return "1440-light"


@pytest.fixture
def script() -> bool:
    """Return whether `page` runs scripts; a module or a test may override it."""
    return True


@pytest.fixture
def page(browser: Browser, shape: str, script: bool) -> Iterator[Page]:
    """Open a page in a new browser; a script error or a violation of the content policy fails the test."""
    width, theme = shape.split("-")
    size = SIZES[width]
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        has_touch=width == "390",
        reduced_motion="reduce",
        java_script_enabled=script,
        locale="en-GB",
    )
    context.set_default_timeout(PATIENCE_MS)
    made = context.new_page()
    faults: list[str] = []
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on("console", lambda message: faults.append(message.text) if _is_fault(message) else None)
    yield made
    context.close()
    assert faults == []


def _is_fault(message: Any) -> bool:
    """Return whether a console line is an error; tests check the status of responses themselves."""
    return message.type == "error" and "Failed to load resource" not in message.text


def check_axe(page: Page, *, context: str = "document") -> None:
    """Run axe-core on a page; it must report no violations."""
    source = Path(str(pytest.importorskip("axe_playwright_python").__file__)).parent / "axe.min.js"
    page.evaluate(source.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate(f"axe.run({context}, {{resultTypes: ['violations']}}).then(r => r.violations)")
    reported = [
        {"rule": one["id"], "help": one["help"], "at": [node["target"] for node in one["nodes"][:5]]} for one in found
    ]
    assert reported == [], json.dumps(reported, indent=1, ensure_ascii=False)


def check_fits(page: Page) -> None:
    """Check that the page is not wider than its window, and that no figure is cut off by its box."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"
    cut = page.evaluate(
        "[...document.querySelectorAll('.stats dd')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
    )
    assert not cut, f"{page.url} cuts {cut}"


_UNREACHABLE = """() => {
  const found = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`${root.scrollWidth - root.clientWidth} px too wide`);
  for (const control of document.querySelectorAll("a[href], button, input, select, textarea, summary")) {
    if (!control.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || control.disabled) continue;
    if (control.closest(".skip, .hide, [inert]")) continue;
    const reached = (inline) => {
      control.scrollIntoView({ block: "center", inline });
      const box = control.getClientRects()[0];
      if (!box || box.width < 2) return true;
      const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      return at && (control.contains(at) || at.closest("label")?.control === control);
    };
    if (reached("center") || reached("start")) continue;
    const name = control.getAttribute("aria-label") || control.title || control.textContent.trim() || control.name;
    found.push(`${control.tagName.toLowerCase()} "${name.slice(0, 40)}" is covered or outside`);
  }
  return found;
}"""


def unreachable(page: Page) -> list[str]:
    """Return the controls of a page that a pointer cannot reach: covered, clipped or outside of the window."""
    return list(page.evaluate(_UNREACHABLE))


def check_screen(page: Page) -> None:
    """Check the requirements of every page: a title, one h1, nothing too wide, no axe-core violations."""
    assert page.title()
    assert page.locator("h1").count() == 1
    check_fits(page)
    check_axe(page)
