"""The findings of a run with their advice, grouped by module and test case, worst first."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from gonemaster_api.queries.runs.entry_documents import EntryDocument, entry_documents
from gonemaster_db.core.levels import LEVELS, SEVERITIES, worst
from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.testcases.catalogue import modules

SHOWN_LEVELS = (*reversed(SEVERITIES), "INFO", "DEBUG")
MAX_SHOWN, MAX_ENTRIES = 150, 2000  # findings on one page, and when all are requested; exports have no limit
_RANK = {level: rank for rank, level in enumerate(LEVELS)}
_DEBUG = ("DEBUG", "DEBUG2", "DEBUG3")


@dataclass(frozen=True)
class ModuleFindings:
    """The findings of one module, worst first."""

    module: str
    findings: Sequence[EntryDocument]

    @property
    def level(self) -> str:
        """The worst level of the findings."""
        return worst(finding.level for finding in self.findings) or ""


@dataclass(frozen=True)
class RunFindings:
    """The filtered findings of a run by module, and the numbers of all its entries by level.

    `clean` has the number of test cases per module without a finding at NOTICE and above; `total` counts the findings
    at NOTICE and above; `left_out` counts the filtered findings beyond the limit.
    """

    modules: Sequence[ModuleFindings]
    counts: Mapping[str, int]
    clean: Mapping[str, int]
    left_out: int = 0

    @property
    def level(self) -> str:
        """The worst level of the run."""
        return worst(level for level, count in self.counts.items() if count) or ""

    @property
    def total(self) -> int:
        """The number of findings at NOTICE and above."""
        return sum(self.counts.get(level, 0) for level in SEVERITIES)

    @property
    def clean_cases(self) -> int:
        """The number of test cases without a finding at NOTICE and above."""
        return sum(self.clean.values())


def arrange_findings(
    entries: Sequence[EntryRecord], *, locale: str, level: str = "", maximum: int = MAX_SHOWN
) -> RunFindings:
    """Arrange the entries of a run: entries of one level of SHOWN_LEVELS, or, without `level`, all at NOTICE and above.

    If there are more than `maximum`, only the worst are included.
    """
    levels = _DEBUG if level == "DEBUG" else (level,) if level else SEVERITIES
    found = sorted((entry for entry in entries if entry.level in levels), key=_order)
    shown = found if len(found) <= maximum else _worst(found, maximum)
    grouped = [
        ModuleFindings(module, entry_documents(some, locale=locale))
        for module, some in groupby(shown, key=lambda entry: entry.module)
    ]
    return RunFindings(grouped, count_levels(entries), _clean(entries), left_out=len(found) - len(shown))


def _worst(entries: Sequence[EntryRecord], maximum: int) -> list[EntryRecord]:
    """Return the `maximum` worst entries in their original order."""
    by_level = sorted(range(len(entries)), key=lambda index: (-_RANK.get(entries[index].level, 0), index))
    return [entries[index] for index in sorted(by_level[:maximum])]


def count_levels(entries: Iterable[EntryRecord]) -> dict[str, int]:
    """Count entries by the levels of SHOWN_LEVELS; all debug levels count as DEBUG."""
    found = Counter("DEBUG" if entry.level in _DEBUG else entry.level for entry in entries)
    return {level: found[level] for level in SHOWN_LEVELS}


def _order(entry: EntryRecord) -> tuple[int, str, int, str, int]:
    """Return the sort key: modules in report order (unknown modules last), then worst level first, then test case."""
    known = tuple(modules())
    index = known.index(entry.module) if entry.module in known else len(known)
    return index, entry.module, -_RANK.get(entry.level, 0), entry.testcase, entry.id


def _clean(entries: Iterable[EntryRecord]) -> dict[str, int]:
    """Count the test cases without a finding at NOTICE and above, by module in report order."""
    worst_of: dict[str, int] = {}
    module_of: dict[str, str] = {}
    for entry in entries:
        if entry.testcase:
            worst_of[entry.testcase] = max(worst_of.get(entry.testcase, 0), _RANK.get(entry.level, 0))
            module_of[entry.testcase] = entry.module
    found = Counter(module_of[case] for case, rank in worst_of.items() if rank < _RANK["NOTICE"])
    return {module: found[module] for module in modules() if found[module]}
