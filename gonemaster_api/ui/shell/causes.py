"""The root causes of a run for pages: the verdict, what to fix first, and advice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from gonemaster_api.queries.runs.entry_documents import EntryDocument, entry_documents
from gonemaster_api.queries.runs.results import RunWithEntries
from gonemaster_engine.findings.causes.model import Cause, Harm, Snippet
from gonemaster_engine.findings.causes.sentences import sentence
from gonemaster_engine.findings.messages import phrase

MAX_SHOWN = 6  # findings of a cause; the page lists all of them below


@dataclass(frozen=True)
class ShownSnippet:
    """A text to copy, and its explanation."""

    snippet: Snippet
    locale: str

    @property
    def text(self) -> str:
        """The text."""
        return self.snippet.text

    @property
    def shows(self) -> str:
        """An explanation of the output, or of the position of a record."""
        return phrase(self.snippet.shows, {}, locale=self.locale)


@dataclass(frozen=True)
class ShownCause:
    """A root cause with the findings that it explains."""

    cause: Cause
    findings: Sequence[EntryDocument]  # the first ones that it explains
    locale: str

    @property
    def finding_count(self) -> int:
        """The number of findings that it explains."""
        return len(self.cause.found.explains)

    @property
    def level(self) -> str:
        """The level, in lower case."""
        return self.cause.level.name.lower()

    @property
    def title(self) -> str:
        """The cause in a few words."""
        return self.cause.title(locale=self.locale)

    @property
    def consequence(self) -> str:
        """The effect on users."""
        return self.cause.consequence(locale=self.locale)

    @property
    def remedy(self) -> str:
        """The remedy."""
        return self.cause.remedy(locale=self.locale)

    @property
    def snippets(self) -> Sequence[ShownSnippet]:
        """The texts to copy."""
        return [ShownSnippet(snippet, self.locale) for snippet in self.cause.found.snippets]


@dataclass(frozen=True)
class ShownCauses:
    """All root causes of a run in one language; none if the run cannot judge a zone, because its verdict says why."""

    finished: RunWithEntries
    locale: str

    @cached_property
    def all(self) -> Sequence[ShownCause]:
        """The causes, worst first."""
        if self.finished.verdict:
            return []
        entries = self.finished.entries
        return [
            ShownCause(
                cause,
                entry_documents([entries[at] for at in cause.found.explains[:MAX_SHOWN]], locale=self.locale),
                self.locale,
            )
            for cause in self.finished.causes
        ]

    def __bool__(self) -> bool:
        return bool(self.all)

    @cached_property
    def _numbers(self) -> dict[tuple[str, str], int]:
        entries = self.finished.entries
        found: dict[tuple[str, str], int] = {}
        for number, shown in enumerate((*self.first, *self.advice), 1):
            explained = entry_documents([entries[at] for at in shown.cause.found.explains], locale=self.locale)
            found |= {(one.testcase, one.raw): number for one in explained}
        return found

    def explaining(self, findings: Iterable[EntryDocument]) -> list[int]:
        """Return the numbers of the causes that explain findings, as on the page."""
        return sorted({self._numbers[key] for one in findings if (key := (one.testcase, one.raw)) in self._numbers})

    @property
    def first(self) -> Sequence[ShownCause]:
        """The causes to fix first, which are more than advice."""
        return [shown for shown in self.all if not _is_advice(shown.cause)]

    @property
    def advice(self) -> Sequence[ShownCause]:
        """Good practice."""
        return [shown for shown in self.all if _is_advice(shown.cause)]

    @property
    def sentence(self) -> str:
        """The verdict."""
        return sentence([shown.cause for shown in self.all], locale=self.locale)

    @property
    def level(self) -> str:
        """The level of the verdict, in lower case."""
        return self.first[0].level if self.first else "ok"

    @property
    def explained(self) -> int:
        """The number of findings that the causes explain."""
        return sum(shown.finding_count for shown in self.all)


def _is_advice(cause: Cause) -> bool:
    return cause.harm is Harm.ADVICE and not cause.rule.comes_first
