"""The root causes of a run for pages: the verdict, what to fix first, and advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from gonemaster_api.queries.runs.entry_documents import entry_documents
from gonemaster_api.queries.runs.findings import EntryGroup, group_alike
from gonemaster_api.queries.runs.results import RunWithEntries
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.records import EntryRecord
from gonemaster_engine.findings.causes.model import Cause, Harm, Snippet
from gonemaster_engine.findings.causes.sentences import sentence
from gonemaster_engine.findings.messages import phrase

MAX_SHOWN = 50  # findings of a cause; the page lists all of them below
_RANK = {level: rank for rank, level in enumerate(LEVELS)}


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
    """A root cause with its number on the page and the entries that it explains."""

    cause: Cause
    number: int
    explained: Sequence[EntryRecord]
    locale: str

    @property
    def findings(self) -> Sequence[EntryGroup]:
        """The worst findings that it explains, alike ones in groups."""
        ordered = sorted(self.explained, key=lambda entry: -_RANK[entry.level])
        return group_alike(entry_documents(ordered[:MAX_SHOWN], locale=self.locale))

    @property
    def left_out(self) -> int:
        """The number of findings that `findings` leaves out."""
        return max(0, self.finding_count - MAX_SHOWN)

    @property
    def finding_count(self) -> int:
        """The number of findings that it explains."""
        return len(self.explained)

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


@dataclass(frozen=True, repr=False)
class ShownCauses:
    """All root causes of a run in one language; none if the run cannot judge a zone, because its verdict says why."""

    finished: RunWithEntries
    locale: str

    @cached_property
    def all(self) -> Sequence[ShownCause]:
        """The causes, worst first, and after them good practice."""
        if self.finished.verdict:
            return []
        entries = self.finished.entries
        return [
            ShownCause(cause, number, [entries[at] for at in cause.found.explains], self.locale)
            for number, cause in enumerate(sorted(self.finished.causes, key=_is_advice), 1)
        ]

    def __bool__(self) -> bool:
        return bool(self.all)

    def __repr__(self) -> str:
        """Return the same text in all processes, because the version of a page may contain it."""
        return f"ShownCauses({[shown.cause.id for shown in self.all]})"

    @cached_property
    def by_position(self) -> Mapping[int, ShownCause]:
        """The cause that explains an entry, by the position of the entry in the run."""
        return {at: shown for shown in self.all for at in shown.cause.found.explains}

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
