"""Root causes and their parts."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gonemaster_engine.entries import Level
from gonemaster_engine.findings.messages import DEFAULT_LOCALE, phrase

if TYPE_CHECKING:
    from gonemaster_engine.findings.causes.evidence import Evidence


class Harm(enum.StrEnum):
    """The effect of a cause on the users of a domain, worst first. Values are sent by the API: never change one."""

    DOES_NOT_EXIST = "does_not_exist"  # the name or its delegation does not exist
    NOT_TESTABLE = "not_testable"  # the run could not test the name
    EVERYONE = "everyone"  # no resolver gets answers
    VALIDATING_RESOLVERS = "validating_resolvers"  # resolvers that validate return SERVFAIL
    SOME = "some"  # answers depend on the server, path or protocol that a resolver uses
    RISK = "risk"  # works now, but one failure, expiry or change from harm, or open to misuse
    STANDARD = "standard"  # breaks a standard without harm to resolvers
    ADVICE = "advice"  # good practice

    @property
    def rank(self) -> int:
        """The position in the order, worst first."""
        return _RANKS[self]

    @property
    def milder(self) -> Harm:
        """The next harm in the order."""
        return HARMS[min(self.rank + 1, len(HARMS) - 1)]

    def is_worse_than(self, other: Harm) -> bool:
        """Return whether this harm is worse than another."""
        return self.rank < other.rank


HARMS = tuple(Harm)
_RANKS = {harm: rank for rank, harm in enumerate(HARMS)}
_LEAST_LEVELS = {Harm.EVERYONE: Level.CRITICAL, Harm.VALIDATING_RESOLVERS: Level.CRITICAL, Harm.SOME: Level.WARNING}


class Responsible(enum.StrEnum):
    """The party that has to act."""

    ZONE = "zone"  # who edits the zone
    DNS_OPERATOR = "dns_operator"  # who runs the name servers, or another zone that this zone depends on
    PARENT = "parent"
    REGISTRAR = "registrar"  # who passes NS, glue and DS records to the parent zone
    TESTER = "tester"


class SnippetKind(enum.StrEnum):
    """The use of a snippet."""

    COMMAND = "command"  # harmless, for a shell
    RECORD = "record"  # to publish in a zone
    REMOVE = "remove"  # to remove from a zone
    DS = "ds"  # what the registrar needs


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text to copy, and its explanation."""

    kind: SnippetKind
    text: str
    shows: str  # English; a key of the catalogue

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, str]:
        """Return the snippet as a document for JSON output."""
        return {"kind": self.kind.value, "text": self.text, "shows": phrase(self.shows, {}, locale=locale)}


@dataclass(frozen=True, slots=True)
class Texts:
    """The English texts of a cause; placeholders are filled as in messages."""

    title: str
    consequence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a rule in a run; values that are not given are those of the rule."""

    explains: Sequence[int]  # positions of entries
    harm: Harm | None = None
    responsible: Responsible | None = None
    addresses: frozenset[str] = frozenset()  # of the name servers of the zone that are affected
    texts: Texts | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    snippets: tuple[Snippet, ...] = ()
    records: tuple[str, ...] = ()  # types of records
    key_tags: tuple[int, ...] = ()
    since: str | None = None  # an ISO 8601 time


@dataclass(frozen=True, slots=True)
class Rule:
    """A root cause and how it is found. `find` is a pure function of the evidence."""

    id: str  # never changes its meaning
    harm: Harm  # the usual one
    responsible: Responsible  # the usual one
    texts: Texts
    find: Callable[[Evidence], Found | None]
    variants: tuple[Texts, ...] = ()  # other texts that `find` may select
    shows: tuple[str, ...] = ()  # texts of its snippets
    comes_first: bool = False  # whether it precedes worse causes, because it says what the run could not see

    def english(self) -> list[tuple[str, str]]:
        """Return all texts, each with its kind."""
        kinds = ("title", "consequence", "remedy")
        found = [(kind, getattr(texts, kind)) for texts in (self.texts, *self.variants) for kind in kinds]
        return found + [("what a snippet shows", text) for text in self.shows]

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, str]:
        """Return the cause without a run, for the list of causes."""
        texts = {kind: _plain(getattr(self.texts, kind), locale) for kind in ("title", "consequence", "remedy")}
        return {"cause": self.id, "harm": self.harm.value, "responsible": self.responsible.value} | texts


@dataclass(frozen=True, slots=True)
class Cause:
    """A root cause of a run."""

    rule: Rule
    harm: Harm
    level: Level
    found: Found
    servers: tuple[tuple[str, str], ...]  # name and address of the affected name servers
    server_count: int  # name server addresses of the zone

    @property
    def id(self) -> str:
        """The identifier of the cause."""
        return self.rule.id

    @property
    def responsible(self) -> Responsible:
        """The party that has to act."""
        return self.found.responsible or self.rule.responsible

    @property
    def share(self) -> float:
        """The share of name server addresses that are affected; 1 if the cause is not about name servers."""
        return len(self.servers) / self.server_count if self.servers and self.server_count else 1.0

    def title(self, *, locale: str = DEFAULT_LOCALE) -> str:
        """Return the cause in a few words."""
        return self._text("title", locale)

    def consequence(self, *, locale: str = DEFAULT_LOCALE) -> str:
        """Return the effect on users."""
        return self._text("consequence", locale)

    def remedy(self, *, locale: str = DEFAULT_LOCALE) -> str:
        """Return the remedy."""
        return self._text("remedy", locale)

    def _text(self, kind: str, locale: str) -> str:
        return phrase(getattr(self.found.texts or self.rule.texts, kind), self.found.args, locale=locale)

    def as_dict(self, *, locale: str = DEFAULT_LOCALE) -> dict[str, Any]:
        """Return the cause as a document for JSON output."""
        found = self.found
        subject: dict[str, Any] = {"servers": [{"ns": name, "address": address} for name, address in self.servers]}
        subject |= {"records": list(found.records), "key_tags": list(found.key_tags), "since": found.since}
        return {
            "cause": self.id,
            "level": self.level.name,
            "harm": self.harm.value,
            "responsible": self.responsible.value,
            "title": self.title(locale=locale),
            "consequence": self.consequence(locale=locale),
            "remedy": self.remedy(locale=locale),
            "snippets": [snippet.as_dict(locale=locale) for snippet in found.snippets],
            "subject": subject,
            "servers_affected": len(self.servers),
            "servers": self.server_count,
            "explains": list(found.explains),
        }


def least_level(harm: Harm) -> Level:
    """Return the lowest level of a cause with a harm."""
    return _LEAST_LEVELS.get(harm, Level.INFO)


def _plain(text: str, locale: str) -> str:
    """Return a text whose placeholders remain."""
    from gonemaster_engine.findings.messages import translation

    return translation(locale).gettext(text)
