#!/usr/bin/env python3
"""Write the reference pages made from registry and settings; with --check, only say which are out of date."""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.messages import advice, placeholders, template
from gonemaster_engine.findings.tags import END, START, SYSTEM, Tag
from gonemaster_engine.profile.profile import default_profile
from gonemaster_engine.testcases.catalogue import modules
from gonemaster_engine.testcases.registry import Case
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.settings import OPTIONS_BY_AREA

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Made by docs/generate.py from the registry; change it there. -->"


def test_cases_page() -> Iterator[str]:
    """Yield the lines of the page about test cases."""
    count = sum(len(module.cases) for module in modules().values())
    yield from ("# Test cases", "", NOTE, "")
    yield (
        f"{count} test cases in {len(modules())} modules, in the order in which they are reported. The levels are those"
        " of the default [profile](profile.md). The [list of tags](tags.md) has the message of each tag, and advice."
    )
    for name, module in modules().items():
        yield from ("", f"## {name.capitalize() if name != 'DNSSEC' else name}")
        for case in module.cases:
            yield from _case_lines(case)


def _case_lines(case: Case) -> Iterator[str]:
    yield from ("", f"### {case.id}", "", case.purpose, "")
    yield from _plain(case.manual.partition("\n\n")[2])
    yield from ("", "| Tag | Level | Arguments |", "| --- | --- | --- |")
    for tag in sorted(case.tags, key=lambda tag: (-level_of(case.module, tag.name), tag.name)):
        level = level_of(case.module, tag.name).name
        yield f"| [{tag.name}](tags.md#{anchor(case.module, tag.name)}) | {level} | {_keys(tag)} |"


def _plain(text: str) -> Iterator[str]:
    """Yield a docstring's lines as Markdown, one paragraph a line."""
    for paragraph in text.split("\n\n"):
        if paragraph.strip():
            yield escaped(" ".join(paragraph.split()))


def tags_page() -> Iterator[str]:
    """Yield the lines of the page about message tags."""
    yield from ("# Message tags", "", NOTE, "")
    yield (
        "Each tag with its default level, the test cases that use it, its arguments, its message, and advice. Words in"
        " braces are replaced by arguments. `TEST_CASE_START` and `TEST_CASE_END` are logged around each test case."
    )
    for module in (*modules(), SYSTEM):
        yield from ("", f"## {module.capitalize() if module != 'DNSSEC' else module}")
        tags, given_by = tags_of(module), cases_by_tag(module)
        for name in sorted(tags):
            yield from _tag_lines(module, name, tags[name], given_by.get(name, []))


def _tag_lines(module: str, name: str, keys: str, given_by: list[str]) -> Iterator[str]:
    yield from ("", f'### <a id="{anchor(module, name)}"></a>{name}', "")
    cases = ", ".join(f"[{case}](test-cases.md#{case})" for case in given_by)
    facts = [f"**{level_of(module, name).name}**", cases, f"arguments: {keys}" if keys else ""]
    yield "; ".join(fact for fact in facts if fact) + "."
    text = template(name, module)
    if text:
        yield from ("", f"> {escaped(text)}")
    if hint := advice(name, module):
        yield from ("", escaped(hint))


def tags_of(module: str) -> dict[str, str]:
    """Return the tags of a module with their argument keys as text."""
    if module == SYSTEM:
        return {name: _listed(placeholders(template(name, SYSTEM))) for name in default_profile().levels[SYSTEM]}
    tags = [tag for case in modules()[module].cases for tag in case.tags]
    return {tag.name: _keys(tag) for tag in (*tags, *modules()[module].extra_tags, START, END)}


def cases_by_tag(module: str) -> Mapping[str, list[str]]:
    """Return the ids of the test cases that give each tag."""
    found: dict[str, list[str]] = defaultdict(list)
    for case in modules()[module].cases if module != SYSTEM else ():
        for tag in case.tags:
            found[tag.name].append(case.id)
    return found


def level_of(module: str, tag: str) -> Level:
    """Return the default level of a tag."""
    return default_profile().level(module, tag)


def anchor(module: str, tag: str) -> str:
    """Return the anchor of a tag; a tag may occur in several modules."""
    return f"{module.lower()}-{tag.lower().replace('_', '-')}"


def _keys(tag: Tag) -> str:
    return _listed(tag.keys)


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in dict.fromkeys(keys))


def escaped(text: str) -> str:
    """Return the text with the characters escaped that Markdown would take for its own."""
    return re.sub(r"([|<>*\\])", r"\\\1", text)


SETTINGS_NOTE = "<!-- Made by docs/generate.py from gonemaster_tasks/config/areas/; change it there. -->"


def settings_page() -> Iterator[str]:
    """Yield the lines of the page about settings."""
    yield from ("# Settings", "", SETTINGS_NOTE, "", _PRECEDENCE, "", _NOTATION)
    for title, options in OPTIONS_BY_AREA.items():
        yield from ("", f"## {title}", "", *_SETTINGS_HEADER, *map(_settings_row, options))
    yield from ("", "## Changes while the service runs", "", *_CHANGES)


def _settings_row(option: Option) -> str:
    flag = f"`{option.flag}`" + (f", `--no-{option.flag[2:]}`" if option.is_switch else "")
    cells = (
        f"`{option.key}`",
        f"{flag}<br>`{option.env}`",
        _default(option),
        escaped(option.type.allowed),
        escaped(option.description) + (f"; *refused*: this version has no {option.awaits}" if option.awaits else ""),
        "yes" if option.is_changeable else "",
    )
    return f"| {' | '.join(cells)} |"


_SETTINGS_HEADER = (
    "| Key | Flag, variable | Default | Allowed values | Meaning | Runtime |",
    "| --- | --- | --- | --- | --- | --- |",
)
_PRECEDENCE = (
    "A flag takes precedence over an environment variable, a variable over the JSON file named by `--config` (or"
    " `GONEMASTER_CONFIG`), and the file over the default. `gonemaster-server --dump-config` prints all values with"
    " their sources and masks secrets."
)
_NOTATION = (
    "Lists are JSON arrays or strings separated by commas. Durations are written `30s`, `10m`, `1h30m`, or as a number"
    " of seconds. In the file, keys with dots may be nested. An invalid value prevents the start, and the error names"
    " the setting; this holds for variables, too, which other implementations pass over with a warning: a limit or a"
    " guard that was misspelled would be absent, and nobody would know. So does a setting that is marked as *refused*:"
    " it is for a feature that this version does not have, and nobody should rely on it. A variable `GONEMASTER_*` that"
    " is not a setting is ignored with a warning. The column *Runtime* marks the settings that can be changed while the"
    " service runs."
)
_SAVED = (
    "`PUT /api/v1/settings` takes a JSON object of keys marked `yes` above and their values, and saves all of them or"
    " none. `GET /api/v1/settings` shows every setting with its value, source and allowed values. Saved values are"
    " stored in the database and survive restarts. They take precedence over variables, file and defaults, but not over"
    " flags: a process keeps what it was given by flag, and an API process refuses to change a setting that it was"
    " given by flag. `null` deletes the saved value. A saved value that this version does not allow is logged and"
    " ignored. While no admin tokens are configured, `allow_non_global_targets` can be switched off, but not on: that"
    " takes a flag, a variable or the file."
)
_FOLLOWED = (
    "API processes, workers on all machines and beat apply a change within two seconds: a mark in Redis tells them to"
    " read the database again. If Redis was unavailable or lost the mark, the reconciler publishes it again. Running"
    " jobs keep the settings they started with. Variables, files and flags apply to one process each; save a value over"
    " the API if it must be the same everywhere. The API reports the source of a value from a variable as"
    " `config_file`."
)
_OF_RUNS = (
    "`min_level`, `ipv6_mode`, `allow_non_global_targets`, `cross_job_hot_cache`, `cross_job_hot_cache_ttl_seconds`"
)
_CHANGES = (
    _SAVED,
    "",
    _FOLLOWED,
    "",
    "| Key | A change affects |",
    "| --- | --- |",
    "| `worker_count`, `reserved_normal_slots`, `min_batch_slots` | the next jobs that each worker takes |",
    "| `max_concurrent_jobs` | the next jobs; the limit is divided among the live workers |",
    f"| {_OF_RUNS} | runs that start after the change; the cache is emptied if its settings change |",
    "| `stuck_job_timeout_minutes` | what `GET /queue/health` reports as stalled |",
    "| `database.retention_days`, `database.audit_retention_days` | the next purge; a purge in progress stops |",
    "| `database.purge_interval_seconds` | the schedule of beat, counted from the last purge |",
    "| `show_score_admin`, `show_nameserver_timings_admin` | the next response of the API |",
    "| `public_api.*`, `show_*_public` | the next request; what was counted for a limit still counts |",
    "| `public_url` | the hosts and origins that the next request may name |",
)


def _default(option: Option) -> str:
    """Give a default as it is written in settings; what depends on the machine is described."""
    if option.name in _MACHINE_DEFAULTS:
        return _MACHINE_DEFAULTS[option.name]
    value = option.default
    if value is None or value in ("", ()):
        return "none"
    if isinstance(value, timedelta):
        return f"`{value.total_seconds():g}s`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{','.join(value) if isinstance(value, tuple) else value}`"


_MACHINE_DEFAULTS = {
    "worker_processes": "number of cores",
    "data_dir": "`~/.local/share/gonemaster`; `./data` under `make run`",
}

PAGES: Mapping[str, Callable[[], Iterable[str]]] = {
    "test-cases.md": test_cases_page,
    "tags.md": tags_page,
    "settings.md": settings_page,
}


def main() -> int:
    """Write the pages, or check them; the exit code is 1 if one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    stale = []
    for name, make in PAGES.items():
        page, text = REFERENCE / name, "\n".join(make()) + "\n"
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not options.check:
                page.write_text(text, encoding="utf-8")
    if stale and options.check:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run docs/generate.py\n")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
