"""Check the built site: no dead link, and nothing that a browser would fetch from the Internet."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from docs.site.errors import SiteError

_LINK = re.compile(r"<(a|link|script|img|source)\b[^>]*?\s(?:href|src)=\"([^\"]+)\"[^>]*>")
_ID = re.compile(r"\s(?:id|name)=\"([^\"]+)\"")
_WORD = re.compile(r"\w+")
_ARTICLE = re.compile(r"<article.*?</article>", re.DOTALL)
_MARKUP = re.compile(r"<[^>]+>")


def check_built(html: Path) -> str:
    """Return the figures of the site in one line.

    Raises:
        SiteError: a link leads nowhere, or a page needs a file of another host.
    """
    pages = [page for page in sorted(html.rglob("*.html")) if "_static" not in page.parts]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    ids = {page: set(_ID.findall(text)) for page, text in texts.items()}
    links, dead, foreign = 0, [], []
    for page, text in texts.items():
        for element, url in _LINK.findall(text):
            if urlsplit(url).scheme or url.startswith("//"):
                if element != "a" and not url.startswith("data:"):
                    foreign.append(f"{page.relative_to(html)}: needs {url}")
                continue
            links += 1
            if not _leads_somewhere(html, page, url, ids):
                dead.append(f"{page.relative_to(html)}: dead link {url}")
    if dead or foreign:
        raise SiteError("\n".join([*sorted(set(dead)), *sorted(set(foreign))]))
    words = sum(len(_WORD.findall(part)) for text in texts.values() for part in _prose(text))
    return f"{len(texts)} pages, {words} words, {links} links, 0 of them dead: {html}"


def _prose(text: str) -> Iterator[str]:
    yield from (_MARKUP.sub(" ", article) for article in _ARTICLE.findall(text))


def _leads_somewhere(html: Path, page: Path, url: str, ids: dict[Path, set[str]]) -> bool:
    parts = urlsplit(url)
    path = unquote(parts.path)
    base = html if path.startswith("/") else page.parent
    target = Path(posixpath.normpath(base / path.lstrip("/"))) if path else page
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return False
    fragment = unquote(parts.fragment)
    return not fragment or target not in ids or fragment in ids[target]
