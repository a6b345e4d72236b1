"""Published versions lie next to each other, and each page switches between them."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, expect

from docs.site.errors import SiteError
from docs.site.publish import publish, versions


def page(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "index.html").write_text(text)
    return folder


def test_the_newest_release_is_the_latest(tmp_path: Path) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    for version in ("dev", "1.9.0", "1.10.0", "1.9.1"):
        publish(page(tmp_path / version, version), folder, version, "https://docs.example/g/")
    assert versions(folder) == ["dev", "1.10.0", "1.9.1", "1.9.0"]
    assert (folder / "latest/index.html").read_text() == "1.10.0"
    assert "url=latest/" in (folder / "index.html").read_text()
    listed = json.loads((folder / "switcher.json").read_text())
    assert [each["url"] for each in listed[:3]] == [
        f"https://docs.example/g/{name}/" for name in ("dev", "latest", "1.9.1")
    ]
    assert [each["version"] for each in listed if each["preferred"]] == ["1.10.0"]


def test_before_the_first_release_the_start_is_the_development_version(tmp_path: Path) -> None:
    (tmp_path / "published").mkdir()
    publish(page(tmp_path / "new", "text"), tmp_path / "published", "dev", "https://docs.example")
    assert "url=dev/" in (tmp_path / "published/index.html").read_text()
    assert not (tmp_path / "published/latest").exists()


@pytest.mark.parametrize("version", ["", "../up", "main", "1"])
def test_a_name_that_is_no_version_is_refused(tmp_path: Path, version: str) -> None:
    with pytest.raises(SiteError, match=r"must be a release such as 1\.2\.0, or dev"):
        publish(tmp_path, tmp_path / "published", version, "https://docs.example")


@pytest.fixture
def published(built: Path, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a site with two versions."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        base = f"http://127.0.0.1:{server.server_port}"
        for version in ("0.9.0", "1.0.0"):
            publish(built, tmp_path, version, base)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield base
        server.shutdown()
        thread.join()


@pytest.mark.thorough
def test_a_reader_switches_versions_searches_and_reads_in_the_dark(published: str, page: Page) -> None:
    foreign: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((published, "data:")):
            foreign.append(request.url)

    page.on("request", note)
    page.goto(f"{published}/latest/howto/tokens/")
    page.locator(".version-switcher__button:visible").click()
    page.locator(".version-switcher__menu a:visible", has_text="0.9.0").click()
    page.wait_for_url(f"{published}/0.9.0/howto/tokens/")
    page.goto(f"{published}/latest/search/?q=reaper")
    expect(page.locator("#search-results li a").first).to_be_visible()
    page.emulate_media(color_scheme="dark")
    page.goto(f"{published}/latest/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert foreign == []
