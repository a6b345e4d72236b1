"""Findings of a run that differ only in their arguments, in groups."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gonemaster_api.queries.runs.entry_documents import EntryDocument
from gonemaster_engine.findings.references import Reference


@dataclass(frozen=True, slots=True)
class EntryGroup:
    """Entries that a page shows in one row: those of one message tag and level, or all of a test case that passed."""

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
        return list(dict.fromkeys(display_case(entry.testcase) for entry in self.entries if entry.testcase))

    @property
    def messages(self) -> Sequence[str]:
        """The different messages of the entries."""
        return list(dict.fromkeys(entry.text for entry in self.entries))

    @property
    def raws(self) -> Sequence[str]:
        """The different arguments of the entries, each with the tag."""
        return list(dict.fromkeys(entry.raw for entry in self.entries))

    @property
    def purpose(self) -> str:
        """The purpose of the test case; empty if there are several test cases."""
        return self.entries[0].purpose if len(self.testcases) == 1 else ""

    @property
    def advice(self) -> str:
        """The advice for the entries."""
        return self.entries[0].advice

    @property
    def reference(self) -> Reference | None:
        """The document that defines the subject of the entries."""
        return self.entries[0].reference


def group_alike(entries: Iterable[EntryDocument]) -> list[EntryGroup]:
    """Group entries by module, level and tag, in the order of their first entries."""
    found: dict[tuple[str, str, str], list[EntryDocument]] = {}
    for entry in entries:
        found.setdefault((entry.module, entry.level, entry.tag), []).append(entry)
    return [EntryGroup(alike) for alike in found.values()]


def display_case(testcase: str) -> str:
    """Return a test case as pages show it, `DNSSEC04` or `ZONE01`."""
    return testcase.upper()
