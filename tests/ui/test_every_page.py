"""Checks of every page that needs no ID: title, heading, language, no inline code, and size."""

from __future__ import annotations

import gzip
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from flask import Flask

from gonemaster_api import app
from tests.support.browser import Site
from tests.support.service import open_url

MAX_OCTETS = 170_000  # Size of a first visit: the page and everything it loads, uncompressed; about 30 kB compressed.
MAX_COMPRESSED = 20_000  # Octets of the HTML of a page, compressed.
MAX_SCRIPT = 25_000  # Octets of all scripts of the project, uncompressed.
OTHERS = ("/login", "/preferences")
STATIC = Path(app.__file__).parent / "static"


def pages(routed_app: Flask) -> Iterator[str]:
    """Yield the URLs of the pages."""
    for rule in routed_app.url_map.iter_rules():
        if rule.endpoint.startswith("ui_") and not rule.arguments and "GET" in (rule.methods or ()):
            yield rule.rule
    yield from OTHERS


def fetch(url: str) -> tuple[int, str, str]:
    """Return status, content type and text, following redirects."""
    request = urllib.request.Request(url, headers={"Accept": "text/html"})
    try:
        with open_url(request) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get_content_type(), error.read().decode("utf-8", "replace")


@cache
def weight(url: str) -> int:
    with open_url(url) as answer:
        return len(answer.read())


def faults(site: Site, path: str) -> list[str]:
    status, kind, text = fetch(f"{site.url}{path}")
    if kind != "text/html":  # A download, not a page.
        return []
    loaded = set(re.findall(r'(?:href|src)="(/static/[^"#]+)', text))
    octets = len(text.encode()) + sum(weight(f"{site.url}{name}") for name in loaded)
    found = {
        f"status {status}": status >= 500,
        "no title": not re.search(r"<title>[^<]*\w[^<]*</title>", text),
        "not one h1": text.count("<h1") != 1,
        "no language": '<html lang="' not in text,
        "inline code": re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=\"", text) is not None,
        f"{octets} octets": octets > MAX_OCTETS,
        "too long when compressed": len(gzip.compress(text.encode())) > MAX_COMPRESSED,
    }
    return [f"{path}: {fault}" for fault, is_there in found.items() if is_there]


def test_each_page_is_whole_and_light(routed_app: Flask, site: Site) -> None:
    seen = sorted(set(pages(routed_app)))
    assert len(seen) > 10  # Otherwise the search above is broken.
    assert [fault for path in seen for fault in faults(site, path)] == []


def test_the_scripts_are_small_in_all() -> None:
    sizes = {path.name: path.stat().st_size for path in STATIC.glob("*.js")}
    assert "app.js" in sizes
    assert sum(sizes.values()) <= MAX_SCRIPT, sizes


def test_compressed_files_arrive_whole_with_many_requests(site: Site) -> None:
    """Their pieces are compressed by several threads of the server, each of which must see the request."""
    request = urllib.request.Request(
        f"{site.url}/api/v1/docs/assets/swagger-ui-bundle.js", headers={"Accept-Encoding": "gzip"}
    )

    def read(_number: int) -> int:
        with open_url(request) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            return len(gzip.decompress(answer.read()))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(24))) == {weight(request.full_url)}
