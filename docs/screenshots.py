#!/usr/bin/env python3
"""Take the pictures of docs/guide from the demo: make screenshots [ONLY=queue,domains] [URL=of a running demo].

Each page is taken at three widths, each in the light and the dark theme and in forced colours, as WebP without loss:
with fewer colours that is smaller than with loss, and text stays sharp.
"""

from __future__ import annotations

import base64
import io
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

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from gonemaster_api.demo.world import STORY

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "guide" / "pictures"
GALLERY = PICTURES.parent / "pictures.md"
WIDTHS = (1440, 1024, 390)
SCHEMES = {"light": {}, "dark": {"color_scheme": "dark"}, "forced": {"forced_colors": "active"}}
LEAST, MOST = 700, 1100  # the height of a picture; slightly more than the part that needs no scrolling
STEP = 5  # between two values of a colour: the difference is not visible
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
    "rollover": "/watches/{rollover}/rollover",
    "cds-decisions": "/cds-decisions",
    "cds-decision": "/cds-decisions/{decision}",
    "rst": "/rst",
    "rst-report": "/rst/{rehearsal}",
    "workers": "/workers",
    "wall": "/wall",
    "statistics": "/statistics?window=1h",
    "settings-system": "/settings/system",
    "settings-profiles": "/settings/profiles",
    "settings-profile": "/settings/profiles/new?from=default",
    "settings-policies": "/settings/policies",
    "settings-policy": "/settings/policies/registration",
    "settings-storage": "/settings/storage",
    "settings-scoring": "/settings/scoring",
    "audit": "/audit",
    "login": "/login",
    "preferences": "/preferences",
    "not-found": "/no/such/page",
    "public-form": "/public/",
    "public-running": "/public/result/{running}",
    "public-result": "/public/result/{public}",
    "public-chain": "/public/result/{public}",
    "public-healthy": "/public/result/{healthy}",
    "public-about": "/public/about",
    "analysis-overview": "/analysis/",
    "analysis-domains": "/analysis/domains",
    "analysis-domain": "/analysis/domains/{domain}",
    "analysis-findings": "/analysis/findings",
    "analysis-finding": "/analysis/findings/N15_SOFTWARE_VERSION",
    "analysis-trends": "/analysis/trends",
    "analysis-diff": "/analysis/diff",
}
_COARSE = [round(value / STEP) * STEP for value in range(256)] * len("RGB")
# The pictures of these pages show one part.
PARTS = {"public-chain": "#dnssec"}
# The pictures of these pages are taken when a part has appeared.
AWAITED = {"public-running": "#way"}
TESTED, HEALTHY, SLOW = "expired.xa", "healthy.xa", "silent.xa"


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
        "public": _tested(url, TESTED),
        "healthy": _tested(url, HEALTHY),
        "rollover": _watched(url),
        "decision": _read(f"{url}/api/v1/cds-decisions")["items"][0]["id"],
        "rehearsal": _rehearsed(url),
    }


def _watched(url: str) -> int:
    """Watch a key rollover, and the CDS records of the faulty domains; return the ID of the rollover after a sample."""
    hours = {"events": ["rollover.broken"], "interval_minutes": 1, "window_hours": 48}
    watch: int = _post(f"{url}/api/v1/watches", {"domain": HEALTHY, "kind": "rollover", **hours})["id"]
    of_faults = {"tag": "faults", "kind": "cds", "events": ["cds.decided"], "interval_minutes": 60}
    _post(f"{url}/api/v1/watches", of_faults | {"hold_down_days": 0})
    while not (
        _read(f"{url}/api/v1/watches/{watch}/rollover")["spans"] and _read(f"{url}/api/v1/cds-decisions")["items"]
    ):
        time.sleep(0.5)
    return watch


def _rehearsed(url: str) -> str:
    """Rehearse the TLD of the demo world, with a DS record of another key; return the ID when it has finished."""
    servers = [
        {"name": f"ns{n}.nic.xa", "v4Addrs": [f"127.{15 + n}.2.53"], "v6Addrs": [f"::ffff:127.{19 + n}.2.53"]}
        for n in (1, 2)
    ]
    ds = {"keyTag": 12345, "alg": 13, "digestType": 2, "digest": "AB" * 32}
    inputs = {
        "dns.nameservers": [{"name": "xa", "nameservers": servers}],
        "dnssec.dsRecords": [{"name": "xa", "dsRecords": [ds]}],
    }
    rehearsal: str = _post(f"{url}/api/v1/rst-checks", {"inputs": inputs})["id"]
    while _read(f"{url}/api/v1/rst-checks/{rehearsal}")["state"] != "finished":
        time.sleep(0.5)
    return rehearsal


def _post(url: str, document: dict[str, Any]) -> Any:
    request = urllib.request.Request(  # noqa: S310 - of loopback
        url, json.dumps(document).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        return json.load(response)


def _started(url: str, domain: str) -> str:
    """Start a test of a domain of the demo world, and return the public ID."""
    public_id: str = _post(f"{url}/pub/api/v1/jobs", {"domain": domain})["public_id"]
    return public_id


def _tested(url: str, domain: str) -> str:
    """Test a domain of the demo world, and return the public ID when the test has ended."""
    public_id = _started(url, domain)
    while _read(f"{url}/pub/api/v1/jobs/{public_id}")["status"] in ("queued", "running"):
        time.sleep(0.5)
    return public_id


def _read(url: str) -> Any:
    with urllib.request.urlopen(url) as response:  # noqa: S310 - of loopback
        return json.load(response)


def file_name(name: str, width: int, scheme: str) -> str:
    """Return the name of a picture; that of the widest light one is short, because documents show it."""
    return (
        "-".join([name, *([str(width)] if width != WIDTHS[0] else []), *([scheme] if scheme != "light" else [])])
        + ".webp"
    )


def take(page: Page, url: str, name: str, scheme: str) -> None:
    """Write the pictures of a page in a colour scheme."""
    answer = page.goto(url)
    if answer is None or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise SystemExit(f"screenshots: {url} answers with {answer and answer.status}")
    page.wait_for_load_state("load")
    if name in AWAITED:
        page.locator(AWAITED[name]).wait_for(state="attached")
    devtools = page.context.new_cdp_session(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": LEAST})
        height = max(LEAST, min(page.evaluate("document.documentElement.scrollHeight"), MOST))
        page.set_viewport_size({"width": width, "height": height})
        taken = devtools.send("Page.captureScreenshot", {"format": "png", **_part(page, name)})
        picture = Image.open(io.BytesIO(base64.b64decode(taken["data"]))).convert("RGB").point(_COARSE)
        picture.save(PICTURES / file_name(name, width, scheme), format="WEBP", lossless=True, method=6)


def _part(page: Page, name: str) -> dict[str, Any]:
    """Return the options for a picture of a part of the page; none for the whole window."""
    if name not in PARTS:
        return {}
    box = page.locator(PARTS[name]).evaluate(
        "part => { const { x, y, width, height } = part.getBoundingClientRect();"
        " return { x: x + scrollX, y: y + scrollY, width, height, scale: 1 }; }"
    )
    return {"clip": box, "captureBeyondViewport": True}


def gallery() -> str:
    """Return the document that lists all pictures."""
    words = {"light": "light", "dark": "dark", "forced": "forced colours"}
    lines = [
        "# All pictures",
        "",
        "<!-- Generated by docs/screenshots.py. Do not edit. -->",
        "",
        "The pictures of the [guide](README.md) at three widths, in both themes and in forced colours.",
        "",
        "| Page | " + " | ".join(f"{width} px" for width in WIDTHS) + " |",
        "| --- | --- | --- | --- |",
    ]
    for name in SCREENS:
        cells = (
            ", ".join(f"[{words[scheme]}](pictures/{file_name(name, width, scheme)})" for scheme in SCHEMES)
            for width in WIDTHS
        )
        lines.append(f"| {name.replace('-', ' ')} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Take all pictures, or the pictures named in ONLY."""
    only = set(filter(None, re.split(r"[,\s]+", os.environ.get("ONLY", ""))))
    PICTURES.mkdir(parents=True, exist_ok=True)
    GALLERY.write_text(gallery(), encoding="utf-8")
    given = os.environ.get("URL", "")
    with nullcontext(given) if given else demo() as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        found = names(url)
        for scheme, media in SCHEMES.items():  # a page that changes its scheme keeps the background of the former one
            page = browser.new_page(reduced_motion="reduce", locale="en-GB", **media)  # type: ignore[arg-type]
            for name, address in SCREENS.items():
                if not only or name in only:
                    running = _started(url, SLOW) if "{running}" in address else ""
                    take(page, url + address.format(**found, running=running), name, scheme)
        browser.close()


if __name__ == "__main__":
    main()
