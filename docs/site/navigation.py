"""Write the start page and the page of each section, whose lists of pages are the navigation of the site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from docs.site.errors import SiteError

_FILE = Path(__file__).resolve().parent / "navigation.yaml"
_START = """\
# gonemaster

gonemaster tests the DNS health of domains, one or millions. These pages describe how to use it, operate it and extend
it.
"""


def sections() -> list[dict[str, Any]]:
    """Return the sections of the site with their groups of pages."""
    found: list[dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return found


def listed() -> list[str]:
    """Return the paths of all listed pages, without suffix."""
    return [page for section in sections() for group in section["groups"] for page in group["pages"]]


def check(existing: set[str]) -> None:
    """Compare the listed pages with the existing ones.

    Raises:
        SiteError: a page is not listed, listed twice, or does not exist.
    """
    names = listed()
    problems = [
        *(f"{name}: not in docs/site/navigation.yaml" for name in sorted(existing - set(names))),
        *(f"{name}: listed, but there is no such page" for name in sorted(set(names) - existing)),
        *(f"{name}: listed twice" for name in sorted({name for name in names if names.count(name) > 1})),
    ]
    if problems:
        raise SiteError("\n".join(problems))


def write(target: Path, extra: list[dict[str, Any]]) -> None:
    """Write the start page and the section pages; `extra` are generated sections, after the first one."""
    first, *others = sections()
    parts = [first, *extra, *others]
    cards = "\n".join(_card(part) for part in parts)
    tree = _toctree(None, [part["page"] for part in parts])
    (target / "index.md").write_text(
        f"{_START}\n::::{{grid}} 1 2 2 3\n:gutter: 3\n\n{cards}::::\n\n{tree}", encoding="utf-8"
    )
    for part in (first, *others):
        (target / f"{part['page']}.md").write_text("\n".join(_section(part)), encoding="utf-8")


def _card(part: dict[str, Any]) -> str:
    return f":::{{grid-item-card}} {part['title']}\n:link: {part['page']}\n:link-type: doc\n\n{part['intro']}\n:::\n\n"


def _section(part: dict[str, Any]) -> Iterator[str]:
    yield f"# {part['title']}\n\n{part['intro']}\n"
    for group in part["groups"]:
        if len(part["groups"]) > 1:
            yield f"## {group['title']}\n"
        yield _toctree(group["title"] if len(part["groups"]) > 1 else None, group["pages"], hidden=False)


def _toctree(caption: str | None, names: list[str], *, hidden: bool = True) -> str:
    options = [":hidden:"] if hidden else [":maxdepth: 1"]
    if caption and hidden:
        options.append(f":caption: {caption}")
    return "\n".join(["```{toctree}", *options, "", *(f"/{name}" for name in names), "```", ""])
