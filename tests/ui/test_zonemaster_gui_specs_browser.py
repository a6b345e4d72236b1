"""The Playwright specifications of Zonemaster GUI 5, which expect a mocked API, with this service in its place.

They run unmodified from a temporary copy in which the mock answers nothing, so that every call reaches the service.
FR11, FR21's picture and example.spec.ts are left out: they compare pictures of the mock's results and of the fonts of
another machine, or visit another site. ZONEMASTER_GUI is described in test_zonemaster_gui_browser.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Site, chromium
from tests.support.dnsworld.demo_world import demo_world, servers, web_records
from tests.support.service import Service
from tests.support.zonemaster_gui import GUI, is_built, serve_gui

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not is_built(), reason="ZONEMASTER_GUI names no built copy of it"),
    pytest.mark.skipif(not shutil.which("node"), reason="node is not installed"),
    pytest.mark.xdist_group("zonemaster_gui_specs"),
]
SPECS = (
    "FR01", "FR02", "FR03", "FR04", "FR05", "FR08", "FR09", "FR10", "FR12", "FR13", "FR16", "FR17", "FR18", "FR19",
    "FR20", "FR21", "FR22", "FR23", "FR25",
)  # fmt: skip
NO_MOCK = "export function findMockResponse(): null { return null; }\n"
PICTURE = "should display summary with good colors"
Results = Mapping[str, Mapping[str, bool]]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages, with a service in a world that has the domains of the specifications."""
    world = demo_world()
    world.zone("fr", ns=servers("nic.fr", 230))
    for number, domain in enumerate(("nic.fr", "progress.afnic.fr", "results.afnic.fr"), start=231):
        world.zone(domain, ns=servers(domain, number), records=web_records(number))
    with world:
        environ = {
            "GONEMASTER_ROOT_HINTS": str(world.write_hints(tmp_path_factory.mktemp("dns") / "root.hints")),
            "GONEMASTER_DNS_PORT": str(world.port),
            "GONEMASTER_ALLOW_NON_GLOBAL": "true",
            "GONEMASTER_ZONEMASTER_API": "true",
        }
        with Service(environ=environ) as service:
            url = Site(service.wait_until_ready()).url
            with serve_gui(f"{url}/zonemaster/api") as served:
                yield served


@pytest.fixture(scope="module")
def results(pages: str, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return by file and title whether each specification was met."""
    folder = tmp_path_factory.mktemp("specs")
    shutil.copytree(Path(GUI) / "e2e", folder / "e2e")
    (folder / "e2e/interceptors/mock.interceptor.ts").write_text(NO_MOCK)
    (folder / "node_modules").symlink_to(Path(GUI) / "node_modules")
    browser = {"executablePath": chromium(), "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
    config = {
        "testDir": "e2e",
        "testMatch": [f"{name}.e2e-spec.ts" for name in SPECS],
        "workers": 1,
        "timeout": 90_000,
        "retries": 2,  # FR05 and others choose a language before the script of the page handles it
        "use": {"baseURL": pages, "viewport": {"width": 1920, "height": 1080}, "launchOptions": browser},
    }
    (folder / "playwright.config.mjs").write_text(f"export default {json.dumps(config)};\n")
    command = ("node", "node_modules/@playwright/test/cli.js", "test", "--reporter=json", f"--grep-invert={PICTURE}")
    environ = {**os.environ, "PLAYWRIGHT_JSON_OUTPUT_NAME": str(folder / "report.json")}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=500, check=False)
    assert (folder / "report.json").exists(), done.stdout + done.stderr
    report = json.loads((folder / "report.json").read_text())
    return {suite["file"].partition(".")[0]: dict(_met(suite)) for suite in report["suites"]}


def _met(suite: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    for spec in suite.get("specs", ()):
        yield spec["title"], spec["ok"]
    for inner in suite.get("suites", ()):
        yield from _met(inner)


@pytest.mark.parametrize("name", SPECS)
def test_a_specification_of_the_gui_is_met(results: Results, name: str) -> None:
    found = results[name]
    assert found, "no test was run"
    assert [title for title, is_met in found.items() if not is_met] == []
