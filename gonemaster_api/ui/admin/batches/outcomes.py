"""The distribution of grades and levels over many runs, as segments of a bar."""

from collections.abc import Mapping
from dataclasses import dataclass

from gonemaster_api.ui.shell.texts.words import severity

GRADES = {"A+": "ap", "A": "ok", "B": "notice", "C": "warning", "D": "error", "F": "critical"}
VERDICTS = {"pass": "ok", "fail": "error", "undecided": "ink3"}
_LEVELS = ("ok", "notice", "warning", "error", "critical")


@dataclass(frozen=True)
class BarPart:
    """A segment of a bar: its CSS class, its label and its number."""

    key: str
    name: str
    count: int

    @property
    def pair(self) -> tuple[str, int]:
        """Return CSS class and number, the input of the bar macro."""
        return self.key, self.count


def grade_parts(grades: Mapping[str, int]) -> list[BarPart]:
    """Return the grades that occur, best first."""
    return [BarPart(key, grade, grades[grade]) for grade, key in GRADES.items() if grades.get(grade)]


def level_parts(levels: Mapping[str, int]) -> list[BarPart]:
    """Return the worst levels that occur, least severe first; levels below NOTICE count as `ok`."""
    sums = dict.fromkeys(_LEVELS, 0)
    for level, count in levels.items():
        sums[severity(level)] = sums.get(severity(level), 0) + count
    return [BarPart(level, level, sums[level]) for level in _LEVELS if sums[level]]


def verdict_parts(verdicts: Mapping[str, int]) -> list[BarPart]:
    """Return the verdicts that occur, passed first."""
    return [BarPart(key, verdict, verdicts[verdict]) for verdict, key in VERDICTS.items() if verdicts.get(verdict)]
