"""Compare the results of both engines for a run: tags, levels and arguments.

A pair is a run, a test case and a tag that one of the engines reports at NOTICE or above. They agree on it if the
other engine reports the tag, too, at the same levels and with the same arguments; each of the three can be a
difference.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.zonemaster.engines import Outcome, Row
from benchmarks.zonemaster.runs import Run
from gonemaster_engine.entries import Level

NEVER_EXPLAINED: Final = frozenset({"MODULE_ERROR", "RUN_DEADLINE_REACHED", "RUN_LIMIT_REACHED", "RUN_ERROR"})
"""Messages of this engine only: an error of a test case, a missed deadline, a limit, a run that ended with an error."""


@dataclass(frozen=True)
class Difference:
    """A difference between the results of both engines."""

    run: Run
    what: str  # "tag": only one reports it; "level"; "args"
    testcase: str
    tag: str
    only: str  # "ours" or "theirs" for tags; "both"
    ours: str  # levels, or arguments, as text
    theirs: str
    # the report of the other engine at INFO or above for the run; of both engines for "both"
    other_tags: frozenset[str]


@dataclass
class Comparison:
    """Agreement and differences, over all runs."""

    runs: int = 0
    equal: Counter[str] = field(default_factory=Counter)  # pairs, by tag
    differing: Counter[str] = field(default_factory=Counter)
    differences: list[tuple[int, Difference]] = field(default_factory=list)  # with the number of the pair

    def add(self, run: Run, ours: Outcome, theirs: Outcome) -> None:
        """Compare the outcomes of a run."""
        self.runs += 1
        sides = (_by_tag(_with_error(ours)), _by_tag(_with_error(theirs)))
        tags = [frozenset(tag for _, tag in side) for side in sides]
        for key in sorted(sides[0].keys() | sides[1].keys()):
            if not any(_counts(row, is_ours=not number) for number, side in enumerate(sides) for row in side[key]):
                continue
            found = list(_differences(run, key, sides[0][key], sides[1][key], tags))
            (self.differing if found else self.equal)[key[1]] += 1
            self.differences += [(self.pairs, difference) for difference in found]

    @property
    def pairs(self) -> int:
        """Return the number of compared pairs."""
        return self.equal.total() + self.differing.total()


def _with_error(outcome: Outcome) -> list[Row]:
    error = [["CRITICAL", "", "RUN_ERROR", {"error": outcome.error}]] if outcome.error else []
    return [*outcome.entries, *error]


def _by_tag(rows: Iterable[Row]) -> defaultdict[tuple[str, str], list[Row]]:
    found: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row[1], row[2]].append(row)
    return found


def _counts(row: Row, *, is_ours: bool) -> bool:
    return Level.parse(row[0]) >= Level.NOTICE or (is_ours and row[2] in NEVER_EXPLAINED)


def _differences(
    run: Run, key: tuple[str, str], ours: list[Row], theirs: list[Row], tags: list[frozenset[str]]
) -> Iterable[Difference]:
    texts = [(_levels(rows), _arguments(rows)) for rows in (ours, theirs)]
    if not ours or not theirs:
        only, other = ("ours", tags[1]) if ours else ("theirs", tags[0])
        yield Difference(run, "tag", *key, only, " ".join(texts[0]), " ".join(texts[1]), other)
        return
    for what, one, another in zip(("level", "args"), *texts, strict=True):
        if one != another:
            yield Difference(run, what, *key, "both", one, another, tags[0] | tags[1])


def _levels(rows: list[Row]) -> str:
    return ", ".join(sorted({row[0] for row in rows}))


def _arguments(rows: list[Row]) -> str:
    return "\n".join(sorted({json.dumps(_comparable(row[2], row[3]), sort_keys=True) for row in rows}))


# They depend on chance or time: the case of letters in a query, seconds until a signature expires.
_NOT_COMPARED: Final = {
    "QNAME_CASE_INSENSITIVE": "domain",
    "QNAME_CASE_SENSITIVE": "domain",
    "REMAINING_LONG": "duration",
    "REMAINING_SHORT": "duration",
}
_FINAL_DOT: Final = re.compile(r"(?<=[^.;,/ ])\.(?=[;,/]|$)")


def _comparable(tag: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Normalize types, the order of lists, and the final dots of names, which this engine does not write."""
    return {
        key: _sorted(_FINAL_DOT.sub("", str(value))) for key, value in args.items() if key != _NOT_COMPARED.get(tag)
    }


def _sorted(text: str) -> str:
    for separator in (";", ","):
        if separator in text:
            return separator.join(sorted(text.split(separator)))
    return text
