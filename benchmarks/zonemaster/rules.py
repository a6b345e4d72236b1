"""Known differences: explained.yaml, and the rule that explains each difference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.zonemaster.pairs import NEVER_EXPLAINED, Difference

EXPLAINED: Final = Path(__file__).with_name("explained.yaml")
_KEYS: Final = frozenset(
    {"tags", "what", "only", "testcase", "defects", "signing", "ways", "beside", "ours", "theirs", "reason"}
)


@dataclass(frozen=True)
class Rule:
    """A known difference: the differing part, the zones and ways with it, and the reason."""

    tags: re.Pattern[str]
    what: str  # "tag", "level" or "args"
    only: str  # "ours", "theirs" or "either"
    testcase: re.Pattern[str] | None
    defects: frozenset[str]  # one of these is in the zone or in its TLD; empty: any zone
    signing: re.Pattern[str] | None  # defects of the zone, in the manifest
    ways: re.Pattern[str] | None  # ways to test the zone
    beside: re.Pattern[str] | None  # a tag that the other engine reports instead
    ours: re.Pattern[str] | None  # text in the levels or arguments
    theirs: re.Pattern[str] | None
    reason: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Rule:
        """Parse a rule.

        Raises:
            ValueError: a key is unknown, or the rule would explain an extra tag in every zone.
        """
        if unknown := document.keys() - _KEYS:
            raise ValueError(f"unknown keys {', '.join(unknown)} in the rule for {document['tags']}")
        what = document.get("what", "tag")
        if what == "tag" and not document.keys() & {"defects", "signing", "ways"}:
            raise ValueError(f"the rule for {document['tags']} names neither defects nor signing nor ways")
        patterns = {
            key: re.compile(document[key], re.DOTALL) if key in document else None
            for key in ("testcase", "signing", "ways", "beside", "ours", "theirs")
        }
        return cls(
            tags=re.compile(document["tags"]),
            what=what,
            only=document.get("only", "either"),
            defects=frozenset(document.get("defects", ())),
            reason=document["reason"],
            **patterns,
        )

    def explains(self, difference: Difference) -> bool:
        """Return whether the rule explains this difference."""
        run = difference.run
        return (
            self.what == difference.what
            and (difference.what != "tag" or self.only in {"either", difference.only})
            and self.tags.fullmatch(difference.tag) is not None
            and _matches(self.testcase, difference.testcase)
            and (not self.defects or bool(self.defects & run.defects))
            and _matches(self.signing, run.zone["signing"])
            and _matches(self.ways, run.way)
            and (self.beside is None or any(self.beside.fullmatch(tag) for tag in difference.other_tags))
            and _found(self.ours, difference.ours)
            and _found(self.theirs, difference.theirs)
        )


def _matches(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is None or pattern.fullmatch(text) is not None


def _found(pattern: re.Pattern[str] | None, text: str) -> bool:
    return pattern is None or pattern.search(text) is not None


def read_rules(file: Path = EXPLAINED) -> list[Rule]:
    """Read the rules; the first that matches counts."""
    return [Rule.read(document) for document in yaml.safe_load(file.read_text()) or ()]


def rule_for(difference: Difference, rules: list[Rule]) -> Rule | None:
    """Return the rule that explains a difference; an error, a deadline or a limit of ours is never explained."""
    if difference.tag in NEVER_EXPLAINED and difference.only != "theirs":
        return None
    return next((rule for rule in rules if rule.explains(difference)), None)
