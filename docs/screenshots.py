#!/usr/bin/env python3
"""Take the pictures of docs/guide from the demo: make screenshots [ONLY=queue,domains] [URL=of a running demo]."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http import HTTPStatus
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from gonemaster_api.demo.world import STORY

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "guide" / "pictures"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Name of the picture and URL path. Values for the braces are looked up; {public} is a public test of a demo domain.
SCREENS = {
    "queue": "/",
    "new-test": "/test",
    "job": "/jobs/{run}",
    "share": "/jobs/{run}/shares",
    "recent": "/recent",
    "domains": "/domains",
    "domain": "/domains/{domain}",
    "run": "/domains/{tested}/runs/{run}",
    "compare": "/domains/{domain}/compare?min_level=NOTICE",
    "batches": "/batches",
    "batch-new": "/batches/new",
    "batch": "/batches/{batch}",
    "batch-delete": "/batches/{other_batch}/delete",
    "tags": "/tags",
    "tag": "/tags/demo",
    "cohorts": "/cohorts",
    "cohort": "/cohorts/1",
    "schedule": "/cohorts/1/schedule",
    "watches": "/watches",
    "statistics": "/statistics",
    "settings-system": "/settings/system",
    "settings-profiles": "/settings/profiles",
    "settings-profile": "/settings/profiles/new?from=default",
    "settings-scoring": "/settings/scoring",
    "audit": "/audit",
    "login": "/login",
    "preferences": "/preferences",
    "not-found": "/no/such/page",
    "public-form": "/public/",
    "public-running": "/public/result/{running}",
    "public-result": "/public/result/{public}",
    "public-chain": "/public/result/{public}#dnssec",
    "analysis-overview": "/analysis/",
    "analysis-domains": "/analysis/domains",
    "analysis-domain": "/analysis/domains/{domain}",
    "analysis-trends": "/analysis/trends",
    "analysis-diff": "/analysis/diff",
}
# These pictures are also taken in the dark theme and on a phone.
IN_ALL_SHAPES = ("queue", "job", "batch", "analysis-overview", "public-form", "public-running", "public-result")
# The pictures of these pages show one part.
PARTS = {"public-chain": "#dnssec"}
# The pictures of these pages are taken when a part has appeared.
AWAITED = {"public-running": "#way"}
TESTED, SLOW = "expired.xa", "silent.xa"


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo, and return its URL when its cohort has a history."""
    with subprocess.Popen(
        [sys.executable, "-um", "gonemaster_api.demo"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            found = (re.match("(http.*)/analysis/ now shows", line) for line in running.stdout or ())
            yield next(match[1] for match in found if match)
        finally:
            running.send_signal(signal.SIGINT)


def names(url: str) -> dict[str, str]:
    """Look up the values for the URL paths: a sweep in progress, and a domain whose signing has changed."""
    batches = _read(f"{url}/api/v1/batches")["items"]
    changed = (name for name in STORY.domains if STORY.truth(name, 0).algorithm != STORY.truth(name, 3).algorithm)
    return {
        "batch": batches[0]["batch_id"],
        "other_batch": batches[-1]["batch_id"],
        "domain": next(changed),
        "run": _read(f"{url}/api/v1/runs?limit=1&domain={TESTED}")["items"][0]["id"],
        "tested": TESTED,
        "public": _tested(url),
    }


def _started(url: str, domain: str) -> str:
    """Start a test of a domain of the demo world, and return the public ID."""
    body = json.dumps({"domain": domain}).encode()
    request = urllib.request.Request(  # noqa: S310 - of loopback
        f"{url}/pub/api/v1/jobs", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        public_id: str = json.load(response)["public_id"]
    return public_id


def _tested(url: str) -> str:
    """Test a domain of the demo world, and return the public ID."""
    public_id = _started(url, TESTED)
    while _read(f"{url}/pub/api/v1/jobs/{public_id}")["status"] in ("queued", "running"):
        time.sleep(0.5)
    return public_id


def _read(url: str) -> Any:
    with urllib.request.urlopen(url) as response:  # noqa: S310 - of loopback
        return json.load(response)


def take(browser: Browser, url: str, name: str, *, dark: bool = False, phone: bool = False) -> None:
    """Write one picture; on a wide screen it shows the part that needs no scrolling, and slightly more."""
    theme = "dark" if dark else "light"
    context = browser.new_context(
        viewport=PHONE if phone else WIDE, color_scheme=theme, reduced_motion="reduce", locale="en-GB"
    )
    page = context.new_page()
    answer = page.goto(url)
    if answer is None or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise SystemExit(f"screenshots: {url} answers with {answer and answer.status}")
    page.wait_for_load_state("load")
    if name in AWAITED:
        page.locator(AWAITED[name]).wait_for(state="attached")
    height = min(page.evaluate("document.documentElement.scrollHeight"), 1400 if phone else 1100)
    page.set_viewport_size((PHONE if phone else WIDE) | {"height": max(height, 700)})
    shown = page.locator(PARTS[name]) if name in PARTS else page
    suffix = ("-phone" if phone else "") + ("-dark" if dark else "")
    shown.screenshot(path=PICTURES / f"{name}{suffix}.png")
    context.close()


def main() -> None:
    """Take all pictures, or the pictures named in ONLY."""
    only = set(filter(None, re.split(r"[,\s]+", os.environ.get("ONLY", ""))))
    PICTURES.mkdir(parents=True, exist_ok=True)
    with nullcontext(os.environ.get("URL")) if os.environ.get("URL") else demo() as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        found = names(url)
        for name, address in SCREENS.items():
            if only and name not in only:
                continue
            for shape in ({}, {"dark": True}, {"phone": True}) if name in IN_ALL_SHAPES else ({},):
                running = _started(url, SLOW) if "{running}" in address else ""
                take(browser, url + address.format(**found, running=running), name, **shape)
        browser.close()


if __name__ == "__main__":
    main()
