"""The findings of a test for the public page: by module and test case, with explanation and advice."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice

from gonemaster_api.queries.runs.entry_documents import EntryDocument, entry_documents
from gonemaster_api.ui.shell.texts.words import MODULES, module_name
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.findings.references import Reference
from gonemaster_engine.testcases.catalogue import cases

FINDING_LEVELS = ("CRITICAL", "ERROR", "WARNING", "NOTICE")  # Worst level first.
PASSED = "ok"
FILTERS = (*(level.lower() for level in FINDING_LEVELS), PASSED)
MAX_ENTRIES = 1000  # The maximum number of entries on a page; downloads include all entries.
_LOWEST = LEVELS.index("INFO")
# Entries of these tags have no arguments that name other servers.
_OF_OWN_SERVERS = frozenset({"ADDRESS", "CONNECTIVITY", "NAMESERVER"})


@dataclass(frozen=True, slots=True)
class EntryGroup:
    """Entries shown together: those of one message tag, or those of all passed checks of a test case.

    A tag of several test cases is shown once if all of them report the same, for example about the same server.
    """

    entries: Sequence[EntryDocument]

    @property
    def level(self) -> str:
        """The level of the entries, in lower case."""
        return self.entries[0].level.lower()

    @property
    def tag(self) -> str:
        """The message tag of the first entry."""
        return self.entries[0].tag

    @property
    def testcases(self) -> Sequence[str]:
        """The test cases, spelled as in the specifications."""
        return list(dict.fromkeys(display_case(entry.testcase) for entry in self.entries))

    @property
    def messages(self) -> Sequence[str]:
        """The different messages of the entries."""
        return list(dict.fromkeys(entry.text for entry in self.entries))

    @property
    def purpose(self) -> str:
        """The purpose of the test case."""
        return self.entries[0].purpose

    @property
    def advice(self) -> str:
        """The advice for the entries."""
        return self.entries[0].advice

    @property
    def reference(self) -> Reference | None:
        """The document that defines the subject of the entries."""
        return self.entries[0].reference


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """The findings of one module."""

    name: str
    title: str
    worst: str
    findings: Sequence[EntryGroup]
    passed: Sequence[EntryGroup]


class PublicFindings:
    """The entries of a run at INFO and above, in one language."""

    def __init__(self, entries: Iterable[EntryRecord], *, locale: str) -> None:
        found = (entry for entry in entries if LEVELS.index(entry.level) >= _LOWEST)
        self.entries = entry_documents(found, locale=locale)

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of entries of each level that occurs, worst first; INFO counts as `ok`."""
        found = Counter(entry.level for entry in self.entries)
        named = {level.lower(): found[level] for level in FINDING_LEVELS} | {PASSED: found["INFO"]}
        return {name: count for name, count in named.items() if count}

    @cached_property
    def worst(self) -> str:
        """The worst level, `ok` if there are no findings."""
        return next(iter(self.counts), PASSED)

    @property
    def finding_count(self) -> int:
        """The number of entries at NOTICE and above."""
        return sum(count for name, count in self.counts.items() if name != PASSED)

    @cached_property
    def own_servers(self) -> set[str]:
        """The names of the zone's own name servers that the entries mention."""
        return {name for entry in self.entries if entry.module in _OF_OWN_SERVERS for name in _servers_in(entry)}

    def first_worst_message(self) -> str:
        """Return the message of the first finding of the worst level, empty if there are no findings."""
        level = self.worst.upper()
        return next((entry.text for entry in self.entries if entry.level == level), "")

    def modules(self, level: str = "") -> list[ModuleResult]:
        """Return the findings to show, optionally of one level: by module, worst entries first."""
        shown = [entry for entry in self.entries if not level or _filter_of(entry) == level]
        ordered = sorted(shown, key=_sort_key)
        grouped = groupby(islice(ordered, MAX_ENTRIES), key=lambda entry: entry.module)
        return [self._module(name, list(entries)) for name, entries in grouped]

    def left_out(self, level: str = "") -> int:
        """Return the number of entries that the page does not show."""
        return max(0, sum(count for name, count in self.counts.items() if level in ("", name)) - MAX_ENTRIES)

    def _module(self, name: str, entries: list[EntryDocument]) -> ModuleResult:
        worse = [entry for entry in entries if entry.level != "INFO"]
        calm = [entry for entry in entries if entry.level == "INFO"]
        findings: dict[tuple[str, ...], list[EntryDocument]] = {}
        for _, alike in groupby(worse, key=lambda entry: (entry.testcase, entry.tag)):
            group = list(alike)
            findings.setdefault((group[0].level, *(entry.raw for entry in group)), []).extend(group)
        passed = [EntryGroup(list(some)) for _, some in groupby(calm, key=lambda entry: entry.testcase)]
        worst = worse[0].level.lower() if worse else PASSED
        return ModuleResult(name, module_name(name), worst, [EntryGroup(group) for group in findings.values()], passed)


_ORDER = {name: index for index, name in enumerate(MODULES)}
_CASES = {case: index for index, case in enumerate(cases())}


def _sort_key(entry: EntryDocument) -> tuple[int, str, int, int, str, str]:
    """Return the sort key of an entry: module, worst level, test case and tag."""
    return (
        _ORDER.get(entry.module, len(_ORDER)),
        entry.module,
        -LEVELS.index(entry.level),
        _CASES.get(entry.testcase, len(_CASES)),
        entry.testcase,
        entry.tag,
    )


def _servers_in(entry: EntryDocument) -> Iterator[str]:
    listed = entry.args.get("servers")
    for item in [entry.args, *(listed if isinstance(listed, list) else ())]:
        if isinstance(item, Mapping) and isinstance(item.get("ns"), str):
            yield item["ns"]


def _filter_of(entry: EntryDocument) -> str:
    return PASSED if entry.level == "INFO" else entry.level.lower()


def display_case(testcase: str) -> str:
    """Return a test case as pages show it, `DNSSEC04` or `ZONE01`."""
    return testcase.upper()
