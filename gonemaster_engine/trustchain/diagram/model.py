"""The contents of the diagram: bands with boxes in three columns, and the lines between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from gonemaster_engine.trustchain.diagram.marks import Mark


class Fact(NamedTuple):
    """A label and a value, both as text."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """The facts about one box or zone.

    `id` is the fragment that its link in the diagram leads to; `kind` is zone, key, ds, records, names or more; `mark`
    is ok, warn, bad, none or unknown, and `word` is its text; `note` is the second line of the box, `notes` are
    sentences.
    """

    id: str
    kind: str
    title: str
    zone: str
    mark: Mark
    word: str
    note: str = ""
    notes: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A box with two lines of text, and its facts."""

    label: str
    about: NodeFacts

    @property
    def note(self) -> str:
        """The second line."""
        return self.about.note

    @property
    def mark(self) -> Mark:
        """The mark."""
        return self.about.mark


@dataclass(frozen=True, slots=True)
class BundleEnd:
    """The end of a bundle at a box, with the mark of its lines."""

    box: Box
    mark: Mark


@dataclass(frozen=True, slots=True)
class Bundle:
    """Lines from some boxes to others, drawn over a common line."""

    sources: tuple[BundleEnd, ...]
    targets: tuple[BundleEnd, ...]
    mark: Mark


Columns: TypeAlias = tuple[tuple[Box, ...], tuple[Box, ...], tuple[Box, ...]]


@dataclass(frozen=True, slots=True)
class Band:
    """A zone.

    `below` leads to the next band: to the whole next band if there are no targets, and from the whole band if there are
    no sources.
    """

    about: NodeFacts
    name: str
    reasons: tuple[str, ...]
    columns: Columns
    keys: Bundle | None = None
    data: Bundle | None = None
    below: Bundle | None = None

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All boxes, column by column."""
        return tuple(box for column in self.columns for box in column)


@dataclass(frozen=True, slots=True)
class Picture:
    """The complete content of a diagram."""

    zone: str
    title: str
    summary: str
    status: str
    mark: Mark
    checked_at: str
    bands: tuple[Band, ...]
    problems: tuple[str, ...]
