"""Write a page for each tag, test case and root cause, with stable paths: tags/TAG, test-cases/ID, causes/ID."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gonemaster_engine.findings.causes.registry import RULES
from gonemaster_engine.help.pages import (
    CaseHelp,
    CauseHelp,
    Remedy,
    TagHelp,
    World,
    case_help,
    cause_help,
    tag_help,
    tags,
)
from gonemaster_engine.help.texts import DigCommand
from gonemaster_engine.testcases.catalogue import cases, modules

SECTION: dict[str, Any] = {
    "title": "Findings",
    "page": "findings",
    "intro": "A page for each finding, root cause and test case: what it means, how to see it, and what to do.",
}
_LISTS = {"causes": "Root causes", "tags": "Message tags", "test-cases": "Test cases"}


def write(target: Path) -> int:
    """Write all pages below `target`, and return their number."""
    written = {
        **{f"tags/{tag}": _tag_page(about) for tag in tags() if (about := tag_help(tag))},
        **{f"test-cases/{each}": _case_page(case) for each in cases() if (case := case_help(each))},
        **{f"causes/{rule.id}": _cause_page(cause) for rule in RULES if (cause := cause_help(rule.id))},
        "tags": _tag_list(),
        "test-cases": _case_list(),
        "causes": _cause_list(),
        "findings": _section(),
    }
    for name, lines in written.items():
        page = target / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(written)


def _section() -> Iterator[str]:
    yield from (f"# {SECTION['title']}", "", SECTION["intro"], "")
    yield from ("```{toctree}", ":maxdepth: 1", "", *(f"/{name}" for name in _LISTS), "```")


def _tag_page(found: TagHelp) -> Iterator[str]:
    yield from (f"# {found.tag}", "")
    for meaning in found.meanings:
        yield from ("## What it means", "")
        named = ", ".join(f"[{case}](../test-cases/{case}.md)" for case in meaning.cases)
        about = f"[{meaning.reference.title}]({meaning.reference.url})" if meaning.reference else ""
        yield from ("; ".join(filter(None, (f"**{meaning.level.name}**", meaning.module, named, about))), "")
        if meaning.message:
            yield from (f"> {escaped(meaning.message)}", "")
        if meaning.arguments:
            yield from ("Arguments: " + ", ".join(f"`{key}`" for key in meaning.arguments) + ".", "")
        if meaning.advice:
            yield from (escaped(meaning.advice), "")
    yield from ("## Why it matters", "", escaped(found.why), "")
    for cause, title in found.causes:
        yield f"* Root cause: [{escaped(title)}](../causes/{cause}.md)"
    yield from ("", *_queries(found.see), *_remedies(found.remedies), *_world(found.world))


def _case_page(found: CaseHelp) -> Iterator[str]:
    yield from (f"# {found.id}", "", escaped(found.purpose), "", "## Why it matters", "", escaped(found.why), "")
    if found.reference:
        yield from (f"Defined by [{found.reference.title}]({found.reference.url}).", "")
    if found.manual:
        yield from ("## How it tests", "")
        for paragraph in filter(str.strip, found.manual.split("\n\n")):
            yield from (escaped(" ".join(paragraph.split())), "")
    yield from _queries(found.see)
    yield from ("## Findings", "", "| Tag | Level |", "| --- | --- |")
    yield from (f"| [{tag}](../tags/{tag}.md) | {level.name} |" for tag, level in found.tags)


def _cause_page(found: CauseHelp) -> Iterator[str]:
    yield from (f"# {escaped(found.title)}", "", f"Root cause `{found.id}`. Usual harm: `{found.harm}`.", "")
    yield from (f"Responsible: `{found.responsible}`.", "", escaped(found.consequence), "", escaped(found.remedy), "")
    yield from _remedies(found.remedies)
    if found.tags:
        yield from ("## Findings that it often explains", "")
        yield from (f"* [{tag}](../tags/{tag}.md)" for tag in found.tags)
        yield ""
    yield from _world(found.world)


def _queries(found: Iterable[DigCommand]) -> Iterator[str]:
    yield from ("## How to see it", "")
    for query in found:
        yield from ("```sh", query.command, "```", "", escaped(query.expect), "")


def _remedies(found: Iterable[Remedy]) -> Iterator[str]:
    for remedy in found:
        yield from (f"## {escaped(remedy.title)}", "", escaped(remedy.text), "")
        yield from ("### At the registrar", "", escaped(remedy.registrar), "")
        for part in remedy.servers:
            yield from (f"### {part.name}", "", escaped(part.text), "")
            for language, block in (("text", part.records), ("text", part.config), ("sh", part.commands)):
                if block:
                    yield from (f"```{language}", block.rstrip(), "```", "")


def _world(world: World) -> Iterator[str]:
    if world.file or world.demo:
        yield from ("## Example", "")
    if world.demo:
        yield f"* `{world.demo}`, a domain of `make demo`"
    if world.file:
        yield f"* `{world.file}`" + (f": {escaped(world.zone)}" if world.zone else "")


def _tag_list() -> Iterator[str]:
    by_module: dict[str, list[TagHelp]] = defaultdict(list)
    for tag, places in tags().items():
        if found := tag_help(tag):
            by_module[places[0][0]].append(found)
    yield from ("# Message tags", "", f"{len(tags())} tags with their default levels.", "")
    for module in (*modules(), *sorted(by_module.keys() - modules().keys())):
        yield from (f"## {module}", "", "| Tag | Level | Test cases |", "| --- | --- | --- |")
        for found in sorted(by_module[module], key=lambda each: (-each.level, each.tag)):
            named = ", ".join(dict.fromkeys(case for meaning in found.meanings for case in meaning.cases))
            yield f"| [{found.tag}](tags/{found.tag}.md) | {found.level.name} | {named} |"
        yield ""
    yield from _tree(f"tags/{tag}" for tag in tags())


def _case_list() -> Iterator[str]:
    yield from ("# Test cases", "", f"{len(cases())} test cases in {len(modules())} modules.", "")
    for name, module in modules().items():
        yield from (f"## {name}", "", "| Test case | Purpose |", "| --- | --- |")
        yield from (f"| [{case.id}](test-cases/{case.id}.md) | {escaped(case.purpose)} |" for case in module.cases)
        yield ""
    yield from _tree(f"test-cases/{case}" for case in cases())


def _cause_list() -> Iterator[str]:
    yield from ("# Root causes", "", "[Root causes of a run](explanation/causes.md) describes the rules.", "")
    yield from ("| Root cause | Usual harm |", "| --- | --- |")
    yield from (f"| [{escaped(rule.as_dict()['title'])}](causes/{rule.id}.md) | {rule.harm} |" for rule in RULES)
    yield from ("", *_tree(f"causes/{rule.id}" for rule in RULES))


def _tree(names: Iterable[str]) -> Iterator[str]:
    yield from ("```{toctree}", ":hidden:", "", *(f"/{name}" for name in names), "```")


def escaped(text: str) -> str:
    """Return the text with escaped Markdown characters."""
    return re.sub(r"([|<>*\\_`\[\]$])", r"\\\1", text)
