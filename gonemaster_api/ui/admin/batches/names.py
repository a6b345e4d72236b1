"""Titles of batches, and the parser of the domain names pasted into the form of a new batch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gonemaster_api.state import state
from gonemaster_api.ui.shell.forms.typed_names import without_url
from gonemaster_api.ui.shell.texts.formats import day, minute, shortened
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_db.batches.batches import find_batch_names

_TITLE_KEPT_S = 60.0
_MAX_TITLE_LENGTH = 100  # A description may have 10,000 characters.
_IN_URLS = re.compile(r"[/@:]")
_BETWEEN = re.compile(r"[\s,;]+")


def title_of(batch: Mapping[str, Any]) -> str:
    """Return the title of a batch: its name, description or tag, with the time of its creation."""
    called = batch["name"] or batch["description"] or batch["tag"] or _("Batch")
    created_at = batch["created_at"]
    return _(
        "%(name)s, %(day)s %(time)s",
        name=shortened(called, _MAX_TITLE_LENGTH),
        day=day(created_at),
        time=minute(created_at),
    )


def batch_title(batch_id: str) -> str:
    """Return the name or description of a batch, cached for a minute; its ID if it has neither or does not exist."""
    shared = state()

    def read() -> str:
        with shared.store.read_only() as session:
            names = find_batch_names(session, batch_id)
        return shortened(next(filter(None, names), batch_id), _MAX_TITLE_LENGTH)

    return str(shared.batch_titles.get(batch_id, read, life_s=_TITLE_KEPT_S))


@dataclass(frozen=True)
class PastedNames:
    """Domain names in the order of the text, each with its line number, counted from 1."""

    names: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def line_of(self, index: int) -> int:
        """Return the line number of the name at an index."""
        return self.lines[index]


def read_pasted(text: str) -> PastedNames:
    """Parse names separated by white space, commas or semicolons; skip lines that start with #.

    A URL or an email address becomes its domain.
    """
    pasted = PastedNames()
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        found = [without_url(name) if _IN_URLS.search(name) else name for name in _BETWEEN.split(line) if name]
        pasted.names.extend(found)
        pasted.lines.extend([number] * len(found))
    return pasted
