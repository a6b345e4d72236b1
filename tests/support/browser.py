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
PATIENCE_MS = 30_000  # for a condition: a busy machine is slow, which proves nothing
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Return the path of the browser, empty if there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), "")


def shapes(*names: str) -> pytest.MarkDecorator:
    """Run a test in some shapes, by default in all: width and theme.

    `make test` takes the first, CI the named ones, `make test-long` the rest.
    """
    first, *more = names or SHAPES
    thorough = [pytest.param(name, marks=pytest.mark.thorough) for name in more]
    others = [pytest.param(name, marks=pytest.mark.slow) for name in SHAPES if name not in (first, *more)]
    return pytest.mark.parametrize("shape", [first, *thorough, *others])


class Site:
    """The service of the session, with demonstration data and no worker that runs jobs."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.url = service.url


@pytest.fixture(scope="session")
def demo_home() -> Iterator[Path]:
    """A directory with a database of demonstration data: 24 domains, 3 snapshots."""
    with tempfile.TemporaryDirectory(prefix="gm-ui-", dir="/tmp") as name:
        home = Path(name)
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("GONEMASTER_", "PYTEST_"))}
        subprocess.run(
            [sys.executable, "-m", "deploy.demo.data", "--domains", "24", "--snapshots", "3"],
            cwd=ROOT,
            env=environ | {"GONEMASTER_DATA_DIR": str(home / "data")},
            check=True,
            capture_output=True,
            timeout=300,
        )
        yield home


@pytest.fixture(scope="session")
def site(demo_home: Path) -> Iterator[Site]:
    """The service on demonstration data. Tests share it: each leaves what it found, or uses names of its own."""
    # That it stops in time is what tests/system holds; one that does not on a busy machine has been killed.
    with contextlib.suppress(subprocess.TimeoutExpired), Service(home=demo_home) as service:
        service.wait_until_ready()
        yield Site(service)


_running = contextlib.ExitStack()
_started: list[Browser] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """Stop the browser after the last of the tests in a row that use it.

    Playwright keeps an event loop running in the thread of the tests, where asyncio.run() fails from then on.
    """
    yield
    if nextitem is None or "browser" not in getattr(nextitem, "fixturenames", ()):
        _started.clear()
        _running.close()


@pytest.fixture
def browser() -> Browser:
    """The browser that tests in a row share; skips where there is none."""
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
    """Width and theme of `page`, unless the test is marked with `shapes`."""
    return "1440-light"


@pytest.fixture
def script() -> bool:
    """Whether `page` runs scripts; a module or test may override it."""
    return True


@pytest.fixture
def page(browser: Browser, shape: str, script: bool) -> Iterator[Page]:
    """A page of a new browser; a fault of a script or of the content policy fails the test."""
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
    """Return whether a line of the console is one; statuses of responses are the tests' matter."""
    return message.type == "error" and "Failed to load resource" not in message.text


def check_axe(page: Page, *, context: str = "document") -> None:
    """Let axe-core look at a page: it must find nothing."""
    source = Path(str(pytest.importorskip("axe_playwright_python").__file__)).parent / "axe.min.js"
    page.evaluate(source.read_text(encoding="utf-8") + "; undefined")
    found = page.evaluate(f"axe.run({context}, {{resultTypes: ['violations']}}).then(r => r.violations)")
    told = [
        {"rule": one["id"], "help": one["help"], "at": [node["target"] for node in one["nodes"][:5]]} for one in found
    ]
    assert told == [], json.dumps(told, indent=1, ensure_ascii=False)


def check_fits(page: Page) -> None:
    """Check that nothing makes the page wider than its window, and no figure wider than its box, which cuts it."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"
    cut = page.evaluate(
        "[...document.querySelectorAll('.stats dd')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText)"
    )
    assert not cut, f"{page.url} cuts {cut}"


def check_screen(page: Page) -> None:
    """Check what holds for each screen: a title, one h1, nothing too wide, nothing that axe-core finds."""
    assert page.title()
    assert page.locator("h1").count() == 1
    check_fits(page)
    check_axe(page)
