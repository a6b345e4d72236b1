"""The page of a tag, test case or root cause as plain text, for a terminal."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable, Iterator

from gonemaster_engine.findings.messages import DEFAULT_LOCALE
from gonemaster_engine.findings.references import Reference
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
from gonemaster_engine.help.texts import DigCommand, table
from gonemaster_engine.testcases.catalogue import cases

_WIDTH = 100


def explained(name: str, *, locale: str = DEFAULT_LOCALE) -> str:
    """Return the page of a tag, a test case or a root cause, ignoring case; empty if there is none."""
    if tag := tag_help(name.upper(), locale=locale):
        return _joined(_tag_lines(tag))
    if case := case_help(name.lower(), locale=locale):
        return _joined(_case_lines(case))
    if cause := cause_help(name.lower(), locale=locale):
        return _joined(_cause_lines(cause))
    return ""


def similar(name: str) -> list[str]:
    """Return the names that are most like a name that does not exist."""
    known = [*tags(), *cases(), *table("causes")]
    by_fold = {each.lower(): each for each in known}
    return [by_fold[each] for each in difflib.get_close_matches(name.lower(), by_fold, n=3, cutoff=0.7)]


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def _tag_lines(found: TagHelp) -> Iterator[str]:
    yield from _title(found.tag)
    for meaning in found.meanings:
        yield from _wrapped(f"{meaning.module}, {meaning.level.name}: {meaning.message}")
        yield from _wrapped(meaning.advice)
        yield from _reference(meaning.reference)
        if meaning.cases:
            yield from ("Test cases: " + ", ".join(meaning.cases), "")
    yield from _section("Why it matters", [found.why])
    yield from _queries(found.see)
    yield from _remedies(found.remedies)
    if found.causes:
        yield from _section("Root causes that often explain it", [f"{name}: {title}" for name, title in found.causes])
    yield from _world(found.world)


def _case_lines(found: CaseHelp) -> Iterator[str]:
    yield from _title(found.id)
    yield from _wrapped(found.purpose)
    yield from _wrapped(found.why)
    yield from _reference(found.reference)
    yield from _queries(found.see)
    yield from _section("Findings", [f"{level.name:8} {tag}" for tag, level in found.tags])


def _cause_lines(found: CauseHelp) -> Iterator[str]:
    yield from _title(f"{found.id}: {found.title}")
    yield from _wrapped(found.consequence)
    yield from _wrapped(found.remedy)
    yield from _remedies(found.remedies)
    yield from _section("Findings that it often explains", found.tags)
    yield from _world(found.world)


def _title(text: str) -> Iterator[str]:
    yield from (text, "=" * len(text), "")


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    texts = list(lines)
    if texts:
        yield from (title, "-" * len(title))
        for text in texts:
            yield from textwrap.wrap(text, _WIDTH) or [""]
        yield ""


def _wrapped(text: str) -> Iterator[str]:
    if text:
        yield from (*textwrap.wrap(text, _WIDTH), "")


def _reference(found: Reference | None) -> Iterator[str]:
    if found:
        yield from (f"{found.title}: {found.url}", "")


def _queries(found: Iterable[DigCommand]) -> Iterator[str]:
    lines = list(found)
    if lines:
        yield from ("How to see it", "-------------")
        for query in lines:
            yield f"  {query.command}"
            yield from textwrap.wrap(query.expect, _WIDTH, initial_indent="    ", subsequent_indent="    ")
        yield ""


def _remedies(found: Iterable[Remedy]) -> Iterator[str]:
    for remedy in found:
        yield from (remedy.title, "-" * len(remedy.title))
        yield from _wrapped(remedy.text)
        yield from textwrap.wrap(f"Registrar: {remedy.registrar}", _WIDTH)
        for part in remedy.servers:
            yield from textwrap.wrap(f"{part.name}: {part.text}", _WIDTH)
            for block in (part.records, part.config, part.commands):
                yield from (f"    {line}" for line in block.splitlines())
        yield ""


def _world(world: World) -> Iterator[str]:
    if world.file:
        yield f"A zone that shows it: {world.file}" + (f", {world.zone}" if world.zone else "")
    if world.demo:
        yield f"A domain of `make demo` that shows it: {world.demo}"
