"""What a run found, arranged for people: by module and test case, worst first, with what to do about it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from gonemaster_api.queries.entry_documents import EntryDocument, entry_documents
from gonemaster_db.core.levels import LEVELS, SEVERITIES, worst
from gonemaster_db.core.records import StoredEntry
from gonemaster_engine.testcases.catalogue import modules

SHOWN_LEVELS = (*reversed(SEVERITIES), "INFO", "DEBUG")
MOST_SHOWN, MOST = 150, 2000  # findings of one page, and where all are asked for; the exports have all
_RANK = {level: rank for rank, level in enumerate(LEVELS)}
_DEBUG = ("DEBUG", "DEBUG2", "DEBUG3")


@dataclass(frozen=True)
class ModuleFindings:
    """The findings of one module, worst first."""

    module: str
    findings: Sequence[EntryDocument]

    @property
    def level(self) -> str:
        """The worst level of them."""
        return worst(finding.level for finding in self.findings) or ""


@dataclass(frozen=True)
class RunFindings:
    """The findings of a run that a filter leaves, by module; numbers of all entries by level; modules without any.

    `clean` has the number of test cases without a finding from NOTICE up, by module; `total` counts the findings from
    NOTICE up, `left_out` those of the filter that are beyond the number wanted.
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
        """The number of findings from NOTICE up."""
        return sum(self.counts.get(level, 0) for level in SEVERITIES)

    @property
    def clean_cases(self) -> int:
        """The number of test cases without a finding."""
        return sum(self.clean.values())


def arrange_findings(
    entries: Sequence[StoredEntry], *, locale: str, level: str = "", most: int = MOST_SHOWN
) -> RunFindings:
    """Arrange the entries of a run: those of one level of SHOWN_LEVELS, or without it all from NOTICE up.

    Of more than `most`, the worst are taken.
    """
    wanted = _DEBUG if level == "DEBUG" else (level,) if level else SEVERITIES
    found = sorted((entry for entry in entries if entry.level in wanted), key=_order)
    shown = found if len(found) <= most else _worst(found, most)
    grouped = [
        ModuleFindings(module, entry_documents(some, locale=locale))
        for module, some in groupby(shown, key=lambda entry: entry.module)
    ]
    return RunFindings(grouped, count_levels(entries), _clean(entries), left_out=len(found) - len(shown))


def _worst(entries: Sequence[StoredEntry], most: int) -> list[StoredEntry]:
    """Return as many as are shown, the worst of all, in the order given."""
    by_level = sorted(range(len(entries)), key=lambda place: (-_RANK.get(entries[place].level, 0), place))
    return [entries[place] for place in sorted(by_level[:most])]


def count_levels(entries: Iterable[StoredEntry]) -> dict[str, int]:
    """Count entries by the levels of SHOWN_LEVELS; all levels of debugging are one."""
    found = Counter("DEBUG" if entry.level in _DEBUG else entry.level for entry in entries)
    return {level: found[level] for level in SHOWN_LEVELS}


def _order(entry: StoredEntry) -> tuple[int, str, int, str, int]:
    """Sort by module as they are reported, unknown ones last; then worst first, and by test case."""
    known = tuple(modules())
    place = known.index(entry.module) if entry.module in known else len(known)
    return place, entry.module, -_RANK.get(entry.level, 0), entry.testcase, entry.id


def _clean(entries: Iterable[StoredEntry]) -> dict[str, int]:
    """Count the test cases without findings, by module in their order."""
    worst_of: dict[str, int] = {}
    module_of: dict[str, str] = {}
    for entry in entries:
        if entry.testcase:
            worst_of[entry.testcase] = max(worst_of.get(entry.testcase, 0), _RANK.get(entry.level, 0))
            module_of[entry.testcase] = entry.module
    found = Counter(module_of[case] for case, rank in worst_of.items() if rank < _RANK["NOTICE"])
    return {module: found[module] for module in modules() if found[module]}
