"""Copy the pages of the repository into the folder from which Sphinx builds, and adapt their links."""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from docs.site.errors import SiteError

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# Pages outside of docs/, with their path in the site.
PROJECT: Mapping[str, str] = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "GOVERNANCE.md": "project/governance.md",
    "CODE_OF_CONDUCT.md": "project/code-of-conduct.md",
    "SECURITY.md": "project/security.md",
    "SUPPORT.md": "project/support.md",
    "THIRD-PARTY.md": "project/third-party.md",
    "benchmarks/README.md": "project/benchmarks.md",
    "benchmarks/RESULTS.md": "project/results.md",
}
# The script that switches versions expects no page named "index" in a folder.
_RENAMED = {"docs/guide/README.md": "guide/tour.md", "docs/adr/README.md": "adr/about.md"}
# The site has a page for each tag, cause and test case instead of these long lists.
REPLACED: Mapping[str, str] = {
    "docs/reference/tags.md": "tags",
    "docs/reference/test-cases.md": "test-cases",
    "docs/reference/causes.md": "causes",
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^ *(`{3,})[^\n]*\n.*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_ANCHOR = re.compile(r'^(#+ +)<a id="([^"]+)"></a>', re.MULTILINE)


def pages() -> dict[str, str]:
    """Return the path in the site of each page of the repository that the site shows."""
    found = {
        path: PROJECT.get(path) or _site_path(path)
        for path in sorted(str(page.relative_to(ROOT)) for page in DOCS.rglob("*.md"))
        if path not in REPLACED and not path.startswith("docs/site/")
    }
    return found | dict(PROJECT)


def _site_path(path: str) -> str:
    return _RENAMED.get(path, path.removeprefix("docs/"))


def copy_pages(target: Path) -> int:
    """Write all pages with their pictures below `target`, and return their number.

    Raises:
        SiteError: a link leads to a file that does not exist.
    """
    known = pages()
    for path, site_path in known.items():
        page = target / site_path
        page.parent.mkdir(parents=True, exist_ok=True)
        text = adapted((ROOT / path).read_text(encoding="utf-8"), path, site_path, known)
        page.write_text(text, encoding="utf-8")
        for picture in pictures(text):
            copied = page.parent / picture
            copied.parent.mkdir(parents=True, exist_ok=True)
            original = (ROOT / path).parent / picture
            if not original.is_file():
                raise SiteError(f"{path}: no picture {picture}")
            shutil.copyfile(original, copied)
    return len(known)


def pictures(text: str) -> Iterator[str]:
    """Yield the relative paths of the pictures of a page."""
    yield from (match[3] for match in LINK.finditer(text) if match[3].endswith((".webp", ".svg", ".png")))


def adapted(text: str, path: str, site_path: str, known: Mapping[str, str]) -> str:
    """Return a page with the links and anchors of the site."""
    relink = _relinked(path, site_path, known)
    return "".join(
        part if is_code else _ANCHOR.sub(r"(\2)=\n\1", LINK.sub(relink, part)) for is_code, part in _split(text)
    )


def _split(text: str) -> Iterable[tuple[bool, str]]:
    """Yield the parts of a page: blocks of code (True), and the text between them."""
    start = 0
    for fence in _FENCE.finditer(text):
        yield False, text[start : fence.start()]
        yield True, fence[0]
        start = fence.end()
    yield False, text[start:]


def _relinked(path: str, site_path: str, known: Mapping[str, str]) -> Callable[[re.Match[str]], str]:
    def relink(match: re.Match[str]) -> str:
        mark, label, target = match.groups()
        if re.match(r"[a-z]+:|#", target) or mark:
            return match[0] if not target.startswith("#") else f"[{label}]({target.lower()})"
        file, _, anchor = target.partition("#")
        linked = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
        if linked in REPLACED:
            return f"[{label}]({_relative(_page_of(REPLACED[linked], anchor), site_path)})"
        if linked in known:
            suffix = f"#{anchor.lower()}" if anchor else ""
            return f"[{label}]({_relative(known[linked], site_path)}{suffix})"
        if not (ROOT / linked).exists():
            raise SiteError(f"{path}: no file for the link {target}")
        return label if label.startswith("`") else f"{label} (`{linked}`)"

    return relink


def _page_of(kind: str, anchor: str) -> str:
    """Return the page of the tag, test case or cause that has this anchor in a long list, or the list of the site."""
    if kind == "tags":
        _, _, tag = anchor.partition("-")
        anchor = tag.upper().replace("-", "_")
    return f"{kind}/{anchor if kind == 'tags' else anchor.lower()}.md" if anchor else f"{kind}.md"


def _relative(target: str, page: str) -> str:
    return posixpath.relpath(target, posixpath.dirname(page) or ".")
