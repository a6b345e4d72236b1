"""The rules for host names of name servers, MNAME and mail hosts.

Source: RFC 952, RFC 1123 section 2.1, RFC 3696 section 2, RFC 5890 section 2.3.1.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from gonemaster_engine import names
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.tags import Finding, Tag

_LABEL = re.compile(r"[a-z0-9-]+", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)


def has_only_allowed_characters(name: str) -> bool:
    """Return whether all labels consist of letters, digits and hyphens; the root has no labels."""
    return all(_LABEL.fullmatch(label) for label in names.labels(name))


def is_reserved_label(label: str) -> bool:
    """Return whether the label has hyphens in positions 3 and 4 but is not an A-label."""
    return label[2:4] == "--" and not label.startswith("xn--")


class HostnameTags(NamedTuple):
    """The tags for the faults of one kind of host name."""

    double_dash: Tag
    characters: Tag
    numeric_tld: Tag

    @classmethod
    def of(cls, prefix: str, *, level: Level) -> HostnameTags:
        """Return the tags with the given prefix; `level` is the level of an invalid host name."""
        return cls(
            Tag(f"{prefix}_DISCOURAGED_DOUBLE_DASH", Level.WARNING, ("domain", "label")),
            Tag(f"{prefix}_NON_ALLOWED_CHARS", level, ("domain",)),
            Tag(f"{prefix}_NUMERIC_TLD", level, ("domain", "tld")),
        )

    @property
    def all(self) -> tuple[Tag, ...]:
        """All tags."""
        return (self.double_dash, self.characters, self.numeric_tld)

    def faults(self, name: str) -> list[Finding]:
        """Return the faults of a name."""
        found = [] if has_only_allowed_characters(name) else [self.characters(domain=name)]
        labels = names.labels(name)
        found += [self.double_dash(domain=name, label=label) for label in labels if is_reserved_label(label)]
        if labels and _DIGITS.fullmatch(labels[-1]):
            found.append(self.numeric_tld(domain=name, tld=labels[-1]))
        return found
