"""The pages generated from the code are current, and names in the other pages exist."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
PATH = re.compile(r"`((?:gonemaster_\w+|tests|benchmarks|docs|deploy)/[\w/.-]+)`")


def page_names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


def test_generated_pages_are_current() -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=page_names(PAGES))
def test_links_and_paths_of_a_page_lead_somewhere(page: Path) -> None:
    assert [name for name in _named_in(page) if not name.exists()] == []


def _named_in(page: Path) -> Iterator[Path]:
    text = page.read_text(encoding="utf-8")
    for link in LINK.findall(text):
        yield page.parent / link
    if page.name != "CHANGELOG.md":  # also describes earlier states
        for path in PATH.findall(text):
            yield ROOT / path
