"""The findings of a run for its pages: by module, worst first; those of one root cause share a row that opens."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from gonemaster_api.queries.runs.entry_documents import EntryDocument, entry_documents
from gonemaster_api.queries.runs.findings import EntryGroup, group_alike
from gonemaster_api.ui.shell.causes import ShownCause, ShownCauses
from gonemaster_api.ui.shell.texts.words import MODULES, module_name, severity
from gonemaster_db.core.levels import LEVELS, SEVERITIES
from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.testcases.catalogue import cases

PASSED = "info"
FILTERS = (*(level.lower() for level in reversed(SEVERITIES)), PASSED)  # worst level first
DEBUG = "debug"  # a further filter of the operators' pages
MAX_SHOWN, MAX_ENTRIES = 500, 2000  # entries on one page, and if all are requested; exports have no limit
_RUN = "SYSTEM"  # the module of messages about the run
_RANK = {level: rank for rank, level in enumerate(LEVELS)}
_MODULES = {name: index for index, name in enumerate(MODULES)}
_CASES = {case: index for index, case in enumerate(cases())}
_Found = tuple[EntryDocument, ShownCause | None]


@dataclass(frozen=True, slots=True)
class FindingRow:
    """Findings of one module in one row: alike ones, or all that one root cause explains."""

    groups: Sequence[EntryGroup]
    cause: ShownCause | None

    @property
    def level(self) -> str:
        """The worst level, in lower case."""
        return self.groups[0].level

    @property
    def count(self) -> int:
        """The number of findings."""
        return sum(len(group.entries) for group in self.groups)


@dataclass(frozen=True, slots=True)
class ModuleFindings:
    """The findings of one module, and the messages of its checks; `passed` counts the checks without a finding."""

    title: str
    rows: Sequence[FindingRow]
    checks: Sequence[EntryGroup]
    passed: int

    @property
    def level(self) -> str:
        """The worst level, in lower case."""
        return self.rows[0].level if self.rows else PASSED


@dataclass(frozen=True, slots=True)
class ShownFindings:
    """The findings that a page shows by module, worst first, and the number of those beyond its limit."""

    modules: Sequence[ModuleFindings]
    checked: Sequence[ModuleFindings]  # the modules with messages of checks, in their usual order
    left_out: int

    @property
    def passed(self) -> int:
        """The number of checks without a finding."""
        return sum(module.passed for module in self.checked)


class Findings:
    """The entries of a run in one language; those at levels below INFO only with the filter DEBUG."""

    def __init__(self, entries: Sequence[EntryRecord], *, locale: str, causes: ShownCauses | None = None) -> None:
        documents = entry_documents(entries, locale=locale)
        explained = causes.by_position if causes else {}
        self._found: list[_Found] = [(entry, explained.get(at)) for at, entry in enumerate(documents)]

    @cached_property
    def entries(self) -> Sequence[EntryDocument]:
        """The entries at INFO and above, in their order."""
        return [entry for entry, _cause in self._found if _filter_of(entry) != DEBUG]

    @cached_property
    def about_run(self) -> Sequence[str]:
        """Messages about the run itself, which are no findings: version of the engine, start."""
        return [entry.text for entry in self.entries if _is_about_run(entry)]

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of entries by filter, worst first; filters without entries are absent."""
        found = Counter(_filter_of(entry) for entry, _cause in self._found if not _is_about_run(entry))
        return {name: found[name] for name in (*FILTERS, DEBUG) if found[name]}

    @property
    def worst(self) -> str:
        """The worst level as a CSS class, `ok` if there are no findings."""
        return severity(next(iter(self.counts), PASSED))

    @property
    def total(self) -> int:
        """The number of findings at NOTICE and above."""
        return sum(count for name, count in self.counts.items() if name not in (PASSED, DEBUG))

    def first_worst_message(self) -> str:
        """Return the message of the first finding of the worst level, empty if there are no findings."""
        return next((entry.text for entry in self.entries if severity(entry.level) == self.worst), "")

    def unexplained(self, maximum: int) -> list[EntryGroup]:
        """Return the findings that no root cause explains, of all modules in one list, worst first."""
        found = [pair for pair in self._found if pair[1] is None and pair[0].level in SEVERITIES]
        return group_alike(entry for entry, _cause in sorted(found, key=_by_level))[:maximum]

    def shown(self, level: str = "", maximum: int = MAX_SHOWN) -> ShownFindings:
        """Return the worst `maximum` findings by module, worst module first, optionally those of one filter only.

        Without a filter the findings that a root cause explains are folded.
        """
        wanted = (level,) if level else FILTERS
        found = [pair for pair in self._found if _filter_of(pair[0]) in wanted and not _is_about_run(pair[0])]
        kept = sorted(sorted(found, key=_by_level)[:maximum], key=_sort_key)
        modules = [
            self._module(name, list(some), folds=not level)
            for name, some in groupby(kept, key=lambda pair: pair[0].module)
        ]
        worst_first = sorted(modules, key=lambda module: -_RANK[module.level.upper()])
        return ShownFindings(
            [module for module in worst_first if module.rows],
            [module for module in modules if module.checks],
            len(found) - len(kept),
        )

    def _module(self, name: str, found: Sequence[_Found], *, folds: bool) -> ModuleFindings:
        checks = [entry for entry, _cause in found if entry.level == "INFO"]
        return ModuleFindings(
            title=module_name(name),
            rows=_rows((pair for pair in found if pair[0].level != "INFO"), folds=folds),
            checks=[EntryGroup(list(some)) for _, some in groupby(checks, key=lambda entry: entry.testcase)],
            passed=sum(
                entry.testcase in self._passed for entry in {entry.testcase: entry for entry in checks}.values()
            ),
        )

    @cached_property
    def _passed(self) -> set[str]:
        """The test cases without a finding at NOTICE and above."""
        failed = {entry.testcase for entry in self.entries if entry.level in SEVERITIES}
        return {entry.testcase for entry in self.entries} - failed


def _rows(found: Iterable[_Found], *, folds: bool) -> list[FindingRow]:
    rows: dict[tuple[object, ...], tuple[ShownCause | None, list[EntryDocument]]] = {}
    for entry, cause in found:
        number = cause.number if cause else 0
        key = (number,) if cause and folds else (number, entry.level, entry.tag)
        rows.setdefault(key, (cause, []))[1].append(entry)
    return [FindingRow(group_alike(entries), cause) for cause, entries in rows.values()]


def _by_level(found: _Found) -> int:
    return -_RANK[found[0].level]


def _sort_key(found: _Found) -> tuple[int, str, int, int, str, str]:
    """Return the sort key of an entry: module, worst level, test case and tag."""
    entry = found[0]
    return (
        _MODULES.get(entry.module, len(_MODULES)),
        entry.module,
        _by_level(found),
        _CASES.get(entry.testcase, len(_CASES)),
        entry.testcase,
        entry.tag,
    )


def _filter_of(entry: EntryDocument) -> str:
    return DEBUG if entry.level.startswith("DEBUG") else entry.level.lower()


def _is_about_run(entry: EntryDocument) -> bool:
    return entry.module == _RUN and entry.level == "INFO"


def level_filter(text: str) -> str:
    """Return a filter in the URL of a public page: `ok` is the former name of `info`; others are ignored."""
    name = PASSED if text == "ok" else text
    return name if name in FILTERS else ""
