"""The chain of trust as an SVG picture with facts about its parts, created from the document alone.

docs/reference/dnssec-chain.md describes the picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gonemaster_engine.findings.messages import DEFAULT_LOCALE
from gonemaster_engine.trustchain.diagram import drawing
from gonemaster_engine.trustchain.diagram.bands import picture_of
from gonemaster_engine.trustchain.diagram.marks import Mark
from gonemaster_engine.trustchain.diagram.model import Fact, NodeFacts, Picture
from gonemaster_engine.trustchain.diagram.reading import read
from gonemaster_engine.trustchain.diagram.style import STYLE_SOURCE
from gonemaster_engine.trustchain.diagram.texts import DiagramTexts

__all__ = ["MEDIA_TYPE", "STYLE_SOURCE", "Diagram", "Fact", "Mark", "NodeFacts", "diagram_of"]

MEDIA_TYPE = "image/svg+xml"
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Diagram:
    """The picture of one chain in one language."""

    _picture: Picture
    _words: DiagramTexts
    _prefix: str
    _checked_at: datetime | None

    @property
    def title(self) -> str:
        """The title of the picture."""
        return self._picture.title

    @property
    def summary(self) -> str:
        """A sentence about the whole chain."""
        return self._picture.summary

    @property
    def status(self) -> str:
        """The status of the whole chain in words."""
        return self._picture.status

    @property
    def mark(self) -> Mark:
        """The mark of the whole chain."""
        return self._picture.mark

    def inline(self, *, chosen: str | None = None) -> str:
        """Return the picture as an `svg` element for a page, with the classes of its style sheet.

        Each zone and box is a link to `#` and the ID of its facts; the box with the ID `chosen` is highlighted.
        """
        return drawing.inline(self._picture, self._words, prefix=self._prefix, chosen=chosen)

    def standalone(self) -> str:
        """Return the picture as a document with light and dark style and a heading, without scripts and links."""
        return drawing.standalone(self._picture, self._words)

    @property
    def checked_at(self) -> datetime | None:
        """The time at which the chain was validated."""
        return self._checked_at

    def problems(self) -> tuple[NodeFacts, ...]:
        """Return the facts of all zones and boxes that are not in order."""
        return tuple(about for about in self.facts() if about.mark is not Mark.OK and about.kind != "more")

    def facts(self) -> tuple[NodeFacts, ...]:
        """Return the facts of all zones and boxes from top to bottom, each with the ID of its link."""
        return tuple(
            about
            for band in self._picture.bands
            for about in (*([band.about] if band.about.word else []), *(box.about for box in band.boxes))
        )


def diagram_of(document: Mapping[str, Any], *, locale: str = DEFAULT_LOCALE, prefix: str = "chain") -> Diagram:
    """Return the picture of a document as in docs/reference/dnssec-chain.md; unknown contents are ignored.

    All IDs start with `prefix`, so that a page can have several pictures.

    Raises:
      ValueError: the prefix is not valid in an ID.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"the prefix {prefix!r} may contain only letters, digits, - and _")
    words, chain = DiagramTexts(locale), read(document)
    return Diagram(picture_of(chain, words, prefix=prefix), words, prefix, chain.checked_at)
