"""What batches are called, and the names that are pasted into the form of a new one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gonemaster_api.ui.shell.texts.formats import day, shortened
from gonemaster_api.ui.shell.texts.languages import gettext as _

_LONGEST_TITLE = 100  # characters of a description, which may have 10,000
_BETWEEN = re.compile(r"[\s,;]+")


def title_of(batch: Mapping[str, Any]) -> str:
    """Return how a batch is called: its description, else its tag, with the day of its creation."""
    called = batch["description"] or batch["tag"] or _("Batch")
    return _("%(name)s, %(day)s", name=shortened(called, _LONGEST_TITLE), day=day(batch["created_at"]))


@dataclass(frozen=True)
class PastedNames:
    """Names in the order of the text, and the number of the line of each, from 1."""

    names: list[str] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def line_of(self, index: int) -> int:
        """Return the line of the name with an index."""
        return self.lines[index]


def read_pasted(text: str) -> PastedNames:
    """Read one name a line, or several with spaces, commas or semicolons between; lines that begin with # are none."""
    pasted = PastedNames()
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        found = [name for name in _BETWEEN.split(line) if name]
        pasted.names.extend(found)
        pasted.lines.extend([number] * len(found))
    return pasted
