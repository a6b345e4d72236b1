"""`make site` fails on a dead link, a page without navigation, and whatever a browser would load from another host."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.site import navigation, sources
from docs.site.__main__ import run_sphinx
from docs.site.check import check_built
from docs.site.errors import SiteError

MAX_WORDS = 2_500
TREE = "```{toctree}\n:hidden:\n\nother\n```\n"


def small_site(folder: Path, start: str, other: str = "# Other\n") -> None:
    (folder / "source").mkdir()
    (folder / "source/index.md").write_text(f"# Start\n\n{start}\n\n{TREE}")
    (folder / "source/other.md").write_text(other)
    run_sphinx(folder / "source", folder / "html", folder / "doctrees", "1.0.0")


def test_each_page_is_in_the_navigation_and_exists() -> None:
    existing = {name.removesuffix(".md") for name in sources.pages().values()}
    navigation.check(existing)
    with pytest.raises(SiteError, match="howto/new: not in"):
        navigation.check(existing | {"howto/new"})
    with pytest.raises(SiteError, match="quickstart: listed, but"):
        navigation.check(existing - {"quickstart"})


def test_links_of_a_page_become_those_of_the_site() -> None:
    known = sources.pages()
    text = "[a](../howto/tokens.md#Use) [b](../../CONTRIBUTING.md) [`c`](../../Makefile)\n```\n[d](../x.md)\n```\n"
    adapted = sources.adapted(text, "docs/explanation/queue.md", "explanation/queue.md", known)
    assert adapted.startswith("[a](../howto/tokens.md#use) [b](../project/contributing.md) `c`\n")
    assert "[d](../x.md)" in adapted, "code stays as it is"
    with pytest.raises(SiteError, match=r"docs/explanation/queue\.md: no file for the link \.\./nothing\.md"):
        sources.adapted("[a](../nothing.md)", "docs/explanation/queue.md", "explanation/queue.md", known)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("start", "other", "message"),
    [
        ("[a](nothing.md)", "# Other\n", "nothing.md"),
        ("[a](other.md#nothing)", "# Other\n", "nothing"),
        ("![a](nothing.webp)", "# Other\n", "nothing.webp"),
        ("{py:func}`nothing.at.all`", "# Other\n", "nothing.at.all"),
        ("text", "# Other\n\n```{unknown}\n```\n", "unknown"),
    ],
    ids=["page", "anchor", "picture", "reference", "directive"],
)
def test_sphinx_fails_on_what_leads_nowhere(tmp_path: Path, start: str, other: str, message: str) -> None:
    with pytest.raises(SiteError, match=message):
        small_site(tmp_path, start, other)


@pytest.mark.thorough
def test_a_page_outside_of_the_navigation_fails(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source/lost.md").write_text("# Lost\n")
    with pytest.raises(SiteError, match=r"lost\.md.*toctree"):
        _add_start(tmp_path)


def _add_start(folder: Path) -> None:
    (folder / "source/index.md").write_text("# Start\n")
    run_sphinx(folder / "source", folder / "html", folder / "doctrees", "1.0.0")


@pytest.mark.parametrize(
    ("markup", "message"),
    [
        ('<a href="nothing/">a</a>', "index.html: dead link nothing/"),
        ('<a href="#nothing">a</a>', "index.html: dead link #nothing"),
        ('<script src="https://cdn.example/a.js"></script>', "index.html: needs https://cdn.example/a.js"),
        ('<link rel="stylesheet" href="//fonts.example/a.css" />', "index.html: needs //fonts.example/a.css"),
    ],
    ids=["page", "anchor", "script", "font"],
)
def test_the_check_of_the_built_pages_finds(tmp_path: Path, markup: str, message: str) -> None:
    (tmp_path / "index.html").write_text(f"<article>{markup}</article>")
    with pytest.raises(SiteError, match=message):
        check_built(tmp_path)


@pytest.mark.thorough
def test_the_site_is_complete_and_can_be_searched(built: Path) -> None:
    figures = check_built(built)
    assert "0 of them dead" in figures
    for name in sources.pages().values():
        assert (built / name.removesuffix(".md") / "index.html").is_file(), name
    assert (built / "searchindex.js").stat().st_size > 100_000
