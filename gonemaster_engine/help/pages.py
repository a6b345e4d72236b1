"""The pages about tags, test cases and root causes, from the catalogue and the help texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.causes.model import Rule
from gonemaster_engine.findings.causes.registry import RULES
from gonemaster_engine.findings.messages import DEFAULT_LOCALE, advice, description, general, placeholders, template
from gonemaster_engine.findings.references import Reference, reference
from gonemaster_engine.findings.tags import SYSTEM
from gonemaster_engine.help.texts import (
    REGISTRAR,
    SERVERS,
    SYSTEM_CASE,
    ZONEFILE_CASE,
    DigCommand,
    HelpText,
    causes_of,
    exception_of,
    queries,
    table,
    translated,
    worlds,
)
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.testcases.catalogue import cases, modules
from gonemaster_engine.zonefile.findings import LEVELS as ZONEFILE_LEVELS
from gonemaster_engine.zonefile.findings import MODULE as ZONEFILE

_WITHOUT_CASES: Mapping[str, str] = {SYSTEM: SYSTEM_CASE, ZONEFILE: ZONEFILE_CASE}
_RULES: Mapping[str, Rule] = {rule.id: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class ServerSteps:
    """What to do with one server, or at the registrar."""

    name: str  # "BIND", ...
    id: str  # "bind", ...
    text: HelpText
    config: str = ""
    commands: str = ""
    records: str = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about a finding."""

    id: str
    title: HelpText
    text: HelpText
    servers: tuple[ServerSteps, ...]
    registrar: HelpText


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a tag means in one module."""

    module: str
    level: Level
    message: str  # with placeholders in braces
    advice: str
    arguments: tuple[str, ...]
    cases: tuple[str, ...]
    reference: Reference | None


@dataclass(frozen=True, slots=True)
class World:
    """A zone that shows a finding."""

    file: str = ""  # of a test, in the repository
    zone: str = ""  # its name in that file
    demo: str = ""  # the domain of `make demo`


@dataclass(frozen=True, slots=True)
class TagHelp:
    """The page of a message tag."""

    tag: str
    meanings: tuple[Meaning, ...]
    why: HelpText
    see: tuple[DigCommand, ...]
    remedies: tuple[Remedy, ...]
    causes: tuple[tuple[str, str], ...]  # IDs and titles
    world: World

    @property
    def level(self) -> Level:
        """The worst default level."""
        return max(meaning.level for meaning in self.meanings)


@dataclass(frozen=True, slots=True)
class CaseHelp:
    """The page of a test case."""

    id: str
    module: str
    purpose: str
    manual: str  # English paragraphs
    why: HelpText
    see: tuple[DigCommand, ...]
    tags: tuple[tuple[str, Level], ...]  # worst first
    reference: Reference | None


@dataclass(frozen=True, slots=True)
class CauseHelp:
    """The page of a root cause."""

    id: str
    title: str
    consequence: str
    remedy: str
    harm: str
    responsible: str
    remedies: tuple[Remedy, ...]
    tags: tuple[str, ...]
    world: World


@cache
def tags() -> Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]:
    """Return all tags, each with its modules and the test cases that report it there."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for name, module in modules().items():
        for case in module.cases:
            for tag in case.tags:
                found[tag.name].setdefault(name, []).append(case.id)
        for tag in module.extra_tags:
            found[tag.name].setdefault(name, [])
    for name in default_profile().levels[SYSTEM]:
        found[name].setdefault(SYSTEM, [])
    for name in ZONEFILE_LEVELS:
        found[name].setdefault(ZONEFILE, [])
    return {
        tag: tuple((name, tuple(ids)) for name, ids in by_module.items()) for tag, by_module in sorted(found.items())
    }


def tag_help(tag: str, *, locale: str = DEFAULT_LOCALE) -> TagHelp | None:
    """Return the page of a tag; None if there is no such tag."""
    by_module = tags().get(tag)
    if by_module is None:
        return None
    module, ids = by_module[0]
    entry = table("cases")[_source(module, ids[0] if ids else "")]
    fields = {**entry, **exception_of(tag)}
    return TagHelp(
        tag,
        tuple(_meaning(tag, module, ids, locale) for module, ids in by_module),
        translated(entry["why"], locale),
        queries(fields["see"], locale),
        tuple(remedy(name, locale=locale) for name in fields["remedies"]),
        tuple((cause, _RULES[cause].as_dict(locale=locale)["title"]) for cause in causes_of(tag)),
        _world(tag),
    )


def _source(module: str, case: str) -> str:
    """Return the entry of the help texts for a test case, or for a tag that no test case reports."""
    return case or _WITHOUT_CASES.get(module) or modules()[module].cases[0].id


def _meaning(tag: str, module: str, ids: tuple[str, ...], locale: str) -> Meaning:
    level = ZONEFILE_LEVELS[tag] if module == ZONEFILE else default_profile().level(module, tag)
    text = template(tag, module, locale=locale)
    keys = tuple(dict.fromkeys(placeholders(text)))
    about = reference(tag, ids[0] if ids else "")
    text = general(tag, module, locale=locale) or text
    return Meaning(module, level, text, advice(tag, module, locale=locale), keys, ids, about)


def _world(tag: str) -> World:
    found = worlds().get(tag, {})
    demo = next((domain for cause in causes_of(tag) if (domain := table("causes")[cause].get("demo"))), "")
    return World(f"tests/engine/{found['file']}" if found else "", found.get("zone", ""), demo)


def remedy(name: str, *, locale: str = DEFAULT_LOCALE) -> Remedy:
    """Return a remedy."""
    entry = table("remedies")[name]
    return Remedy(
        name,
        translated(entry["title"], locale),
        translated(entry["text"], locale),
        tuple(
            ServerSteps(title, id_, translated(entry[id_]["text"], locale), *_snippets(entry[id_]))
            for id_, title in SERVERS.items()
        ),
        translated(entry[REGISTRAR]["text"], locale),
    )


def _snippets(part: Mapping[str, str]) -> tuple[str, str, str]:
    return part.get("config", ""), part.get("commands", ""), part.get("records", "")


def case_help(name: str, *, locale: str = DEFAULT_LOCALE) -> CaseHelp | None:
    """Return the page of a test case; None if there is no such test case."""
    case = cases().get(name)
    if case is None:
        return None
    entry = table("cases")[name]
    levels = {tag.name: default_profile().level(case.module, tag.name) for tag in case.tags}
    return CaseHelp(
        case.id,
        case.module,
        description(case.purpose, locale=locale),
        case.manual.partition("\n\n")[2],
        translated(entry["why"], locale),
        queries(entry["see"], locale),
        tuple(sorted(levels.items(), key=lambda item: (-item[1], item[0]))),
        reference("", case.id),
    )


def cause_help(name: str, *, locale: str = DEFAULT_LOCALE) -> CauseHelp | None:
    """Return the page of a root cause; None if there is no such cause."""
    rule = _RULES.get(name)
    if rule is None:
        return None
    entry, texts = table("causes")[name], rule.as_dict(locale=locale)
    return CauseHelp(
        name,
        texts["title"],
        texts["consequence"],
        texts["remedy"],
        texts["harm"],
        texts["responsible"],
        tuple(remedy(each, locale=locale) for each in entry["remedies"]),
        tuple(tag for tag in tags() if name in causes_of(tag)),
        World(demo=entry.get("demo", "")),
    )
