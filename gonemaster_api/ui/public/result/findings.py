"""What a test found, as the page tells it: by module and test case, with explanation and advice."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, islice

from gonemaster_api.ui.shell.texts.words import MODULES, module_name
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.records import Entry
from gonemaster_engine.findings.messages import advice, description, message
from gonemaster_engine.testcases.catalogue import cases

FINDING_LEVELS = ("CRITICAL", "ERROR", "WARNING", "NOTICE")  # from the worst down
PASSED = "ok"
FILTERS = (*(level.lower() for level in FINDING_LEVELS), PASSED)
MOST_ENTRIES = 1000  # that a page shows; the downloads have all
_LOWEST = LEVELS.index("INFO")
_OF_OWN_SERVERS = frozenset({"ADDRESS", "CONNECTIVITY", "NAMESERVER"})  # which speak of no others


@dataclass(frozen=True, slots=True)
class Finding:
    """Entries of one message tag in a test case; all have the same advice."""

    level: str
    tag: str
    testcase: str
    messages: Sequence[str]
    purpose: str  # of the test case
    advice: str


@dataclass(frozen=True, slots=True)
class Passed:
    """What a test case says where nothing is wrong."""

    testcase: str
    purpose: str
    messages: Sequence[str]


@dataclass(frozen=True, slots=True)
class Module:
    """The part of a result that one module found."""

    name: str
    title: str
    worst: str
    findings: Sequence[Finding]
    passed: Sequence[Passed]


class Told:
    """The entries of a run in a language; texts are made for what a page shows, and only then."""

    def __init__(self, entries: Iterable[Entry], *, locale: str) -> None:
        self._locale = locale
        self.entries = [entry for entry in entries if LEVELS.index(entry.level) >= _LOWEST]

    @cached_property
    def counts(self) -> dict[str, int]:
        """The number of entries of each level that occurs, from the worst down; `ok` is INFO."""
        found = Counter(entry.level for entry in self.entries)
        named = {level.lower(): found[level] for level in FINDING_LEVELS} | {PASSED: found["INFO"]}
        return {name: count for name, count in named.items() if count}

    @cached_property
    def worst(self) -> str:
        """The worst level, `ok` where nothing is wrong."""
        return next(iter(self.counts), PASSED)

    @property
    def finding_count(self) -> int:
        """The number of entries from NOTICE up."""
        return sum(count for name, count in self.counts.items() if name != PASSED)

    @cached_property
    def own_servers(self) -> set[str]:
        """The names of the zone's own name servers, as far as the entries tell them."""
        return {name for entry in self.entries if entry.module in _OF_OWN_SERVERS for name in _servers_in(entry)}

    def text(self, entry: Entry) -> str:
        """Return what an entry says."""
        return message(entry.tag, entry.module, entry.args, locale=self._locale)

    def first_of_worst(self) -> str:
        """Return the text of the first finding of the worst level; empty where nothing is wrong."""
        wanted = self.worst.upper()
        return next((self.text(entry) for entry in self.entries if entry.level == wanted), "")

    def modules(self, level: str = "") -> list[Module]:
        """Return what to show, of one level if that is wanted: by module, in each the worst entries first."""
        shown = [entry for entry in self.entries if not level or _filter_of(entry) == level]
        ordered = sorted(shown, key=_place)
        grouped = groupby(islice(ordered, MOST_ENTRIES), key=lambda entry: entry.module)
        return [self._module(name, list(entries)) for name, entries in grouped]

    def left_out(self, level: str = "") -> int:
        """Return how many entries a page leaves out."""
        return max(0, sum(count for name, count in self.counts.items() if level in ("", name)) - MOST_ENTRIES)

    def _module(self, name: str, entries: list[Entry]) -> Module:
        worse = [entry for entry in entries if entry.level != "INFO"]
        findings = [
            self._finding(list(alike)) for _, alike in groupby(worse, key=lambda entry: (entry.testcase, entry.tag))
        ]
        calm = groupby((entry for entry in entries if entry.level == "INFO"), key=lambda entry: entry.testcase)
        passed = [
            Passed(shown_case(case), self._purpose(case), [self.text(entry) for entry in alike]) for case, alike in calm
        ]
        worst = worse[0].level.lower() if worse else PASSED
        return Module(name, module_name(name), worst, findings, passed)

    def _finding(self, alike: list[Entry]) -> Finding:
        first = alike[0]
        return Finding(
            level=first.level.lower(),
            tag=first.tag,
            testcase=shown_case(first.testcase),
            messages=[self.text(entry) for entry in alike],
            purpose=self._purpose(first.testcase),
            advice=advice(first.tag, first.module, locale=self._locale),
        )

    def _purpose(self, testcase: str) -> str:
        case = cases().get(testcase)
        return description(case.purpose, locale=self._locale) if case else ""


_ORDER = {name: place for place, name in enumerate(MODULES)}
_CASES = {case: place for place, case in enumerate(cases())}


def _place(entry: Entry) -> tuple[int, str, int, int, str, str]:
    """Return where an entry stands: by module, worst level, and test case; those of a tag stand together."""
    return (
        _ORDER.get(entry.module, len(_ORDER)),
        entry.module,
        -LEVELS.index(entry.level),
        _CASES.get(entry.testcase, len(_CASES)),
        entry.testcase,
        entry.tag,
    )


def _servers_in(entry: Entry) -> Iterator[str]:
    listed = entry.args.get("servers")
    for item in [entry.args, *(listed if isinstance(listed, list) else ())]:
        if isinstance(item, Mapping) and isinstance(item.get("ns"), str):
            yield item["ns"]


def _filter_of(entry: Entry) -> str:
    return PASSED if entry.level == "INFO" else entry.level.lower()


def shown_case(testcase: str) -> str:
    """Return a test case as the specifications write it, `DNSSEC04` or `Zone01`."""
    return testcase.upper() if testcase.startswith("dnssec") else testcase.capitalize()
