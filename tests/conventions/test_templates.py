"""Templates use gettext for texts, have no inline style or script, mark no data as safe, and compile."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from tests.support.sources import ROOT

FOLDER = ROOT / "gonemaster_api" / "templates"
TEMPLATES = sorted(FOLDER.rglob("*.html"))
SHOWN_ATTRIBUTES = {"aria-label", "title", "placeholder", "alt", "aria-description", "data-label"}
# Names of programs, keys and formats are the same in every language.
SAME_EVERYWHERE = re.compile(
    r"gonemaster(-server)?|auth|add-token|--label|NAME|Python|openapi\.json|Esc|[?/xjkng]|API|CSV|JSON|SVG|DS|NS|TTL"
    r"|IPv[46]|DNSSEC|[\W\d_]*"
)
ENVIRONMENT = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
ATTRIBUTE = re.compile(r"[a-z-]+=\"[^\"]*\"")
MAX_LINE_LENGTH = 160
ELSEWHERE = {"script", "style"}
MARK = "\N{OBJECT REPLACEMENT CHARACTER}"


class Texts(HTMLParser):
    """Collects the visible texts of a template whose expressions are replaced with a mark."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in SHOWN_ATTRIBUTES and value:
                self.found.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append(f"<{tag} {name}>")
        if tag in ELSEWHERE and not any(name == "src" for name, _ in attrs):
            self.inline.append(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def literals(source: str) -> Texts:
    """Return the texts of a template outside expressions and statements."""
    found = Texts()
    tree = ENVIRONMENT.parse(source)
    pieces: list[str] = []
    for output in tree.find_all(nodes.Output):
        pieces += [node.data if isinstance(node, nodes.TemplateData) else MARK for node in output.nodes]
        pieces.append(MARK)
    found.feed("".join(pieces))
    found.close()
    return found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_each_text_goes_through_gettext(path: Path) -> None:
    found = literals(path.read_text(encoding="utf-8"))
    bare = [ATTRIBUTE.sub("", text).strip() for text in found.found]  # a macro may create only attributes
    words = [text for text in bare if any(not SAME_EVERYWHERE.fullmatch(word) for word in re.split(r"[\s￼]+", text))]
    assert words == [], "write {{ _(...) }}"
    assert found.inline == [], "styles and scripts are files"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_nothing_is_marked_as_safe(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|autoescape\s+false", source)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_lines_are_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [number for number, line in enumerate(lines, 1) if len(line) > MAX_LINE_LENGTH] == []


def test_the_search_finds_literal_texts() -> None:
    bad = '<p title="Cancel">Hello {{ name }}</p><a style="color: red" onclick="x()">{{ _("fine") }}</a>'
    found = literals(bad)
    assert "Cancel" in found.found
    assert any("Hello" in text for text in found.found)
    assert found.inline == ["<a style>", "<a onclick>"]
